// low_rank_data.h: rows with a known spectrum, and principal components of them by plain double-precision sums.
#pragma once

#include <Eigen/Core>

#include "latentflow/tensor.h"

namespace latentflow::testing {

/// Rows = random directions with standard deviations that fall by `decay` from one to the next, plus a mean of up to
/// `offset`, in float32.
Tensor rows_with_decay(std::int64_t items, std::int64_t features, double decay, double offset, unsigned seed = 7);

struct PlainPca {
  Eigen::VectorXd mean, values;  ///< values descending, over items - 1
  Eigen::MatrixXd vectors;       ///< columns
};

/// The definition, in double, from the singular values of the centred rows.
PlainPca plain_pca(const Tensor& tensor);

/// Largest principal angle in degrees between the rows of `components` and the columns of `vectors`, by the sine, which
/// is exact for small angles: the largest part of a component outside the other space (Bjorck and Golub 1973).
double largest_angle(const Tensor& components, const Eigen::MatrixXd& vectors);

}  // namespace latentflow::testing

// low_rank_data.h: rows with a known spectrum, and principal components of them by plain double-precision sums.
#pragma once

#include <Eigen/Dense>

#include <cmath>
#include <random>

#include "latentflow/tensor.h"

namespace latentflow::testing {

using DoubleRows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Rows = random directions with standard deviations that fall by `decay` from one to the next, plus a mean of up to
/// `offset`, in float32.
inline Tensor rows_with_decay(std::int64_t items, std::int64_t features, double decay, double offset,
                              unsigned seed = 7) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  DoubleRows directions(features, features), codes(items, features);
  for (double& entry : directions.reshaped()) entry = normal(generator);
  for (double& entry : codes.reshaped()) entry = normal(generator);
  const Eigen::MatrixXd rotation = Eigen::HouseholderQR<Eigen::MatrixXd>(directions).householderQ();
  for (std::int64_t i = 0; i < features; ++i) codes.col(i) *= std::pow(decay, static_cast<double>(i));
  DoubleRows rows = codes * rotation.transpose();
  for (std::int64_t i = 0; i < features; ++i) rows.col(i).array() += offset * std::sin(static_cast<double>(i));
  Tensor tensor({items, features});
  for (std::int64_t i = 0; i < tensor.size(); ++i) tensor.mutable_data()[i] = static_cast<float>(rows.data()[i]);
  return tensor;
}

struct PlainPca {
  Eigen::VectorXd mean, values;  ///< values descending, over items - 1
  Eigen::MatrixXd vectors;       ///< columns
};

/// The definition, in double, from the singular values of the centred rows.
inline PlainPca plain_pca(const Tensor& tensor) {
  const Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>> rows(tensor.data(), tensor.dims()[0],
                                                                             tensor.dims()[1]);
  Eigen::MatrixXd x = rows.cast<double>();
  PlainPca pca;
  pca.mean = x.colwise().mean();
  x.rowwise() -= pca.mean.transpose();
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(x, Eigen::ComputeThinV);
  pca.values = svd.singularValues().array().square() / static_cast<double>(x.rows() - 1);
  pca.vectors = svd.matrixV();
  return pca;
}

/// Largest principal angle in degrees between the rows of `components` and the columns of `vectors`, by the sine, which
/// is exact for small angles: the largest part of a component outside the other space (Bjorck and Golub 1973).
inline double largest_angle(const Tensor& components, const Eigen::MatrixXd& vectors) {
  const Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>> rows(components.data(), components.dims()[0],
                                                                             components.dims()[1]);
  const Eigen::MatrixXd u = rows.cast<double>().transpose();
  const Eigen::MatrixXd outside = u - vectors * (vectors.transpose() * u);
  const double sine = Eigen::JacobiSVD<Eigen::MatrixXd>(outside).singularValues()[0];
  return std::asin(std::min(1.0, sine)) * 180 / 3.14159265358979323846;
}

}  // namespace latentflow::testing

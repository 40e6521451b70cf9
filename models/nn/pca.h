// pca.h: principal component analysis: fit, project, reconstruct; the conventions of scikit-learn.
#pragma once

#include <cstdint>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/tensor.h"
#include "nn/moments.h"

namespace latentflow::nn {

/// How much to keep: a number of components, or as many as it takes to explain a share of the variance; one of the two.
struct PcaOptions {
  std::int64_t components = 0;  ///< 1 to min(items, features); 0: see variance_share
  double variance_share = 0;    ///< more than 0 and less than 1; 0 with components 0: all there are
  bool whiten = false;          ///< codes of unit variance
};

/// x is projected to z = U (x - mean) and reconstructed as r = U^T z + mean, with U = components; when whitened, z is
/// divided by the square root of explained_variance, and multiplied again.
struct Pca {
  Tensor mean;        ///< [features]
  Tensor components;  ///< [count, features], orthonormal rows; the largest entry of each is positive
  std::vector<double> explained_variance;  ///< [count], descending; sum of squares over items - 1
  double total_variance = 0;               ///< of all features together, over items - 1
  std::int64_t items = 0;                  ///< fitted to
  bool whiten = false;

  std::int64_t features() const { return mean.size(); }
  std::int64_t count() const { return static_cast<std::int64_t>(explained_variance.size()); }
  /// Shares of total_variance, one per component.
  std::vector<double> explained_variance_ratio() const;
  /// Squared error of a reconstruction, summed over the features, on average over the items fitted to: the sum of the
  /// eigenvalues that were dropped, with 1/items in the covariance as usual for an error.
  double mean_squared_error() const;
};

/// From the covariance matrix: exact, and independent of how the rows came. Takes memory for four more such matrices
/// while it runs, on one thread. Errors: bad_input with fewer than two items,
/// more components than items or features, items that are all equal, numbers whose squares overflow; whitening a
/// component without variance; invalid_argument for options out of range.
Result<Pca> fit_pca(const Moments& moments, const PcaOptions& options);

struct RandomizedOptions {
  std::int64_t oversampling = 10;  ///< directions beside those that are kept
  int passes = 6;                  ///< over the data after the first; more separate close eigenvalues better
  std::uint64_t seed = 1;
};

/// From a random subspace (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1): for many features and few
/// components, needs memory for rows [items, features] and not for the covariance. `options` names a number of
/// components. Same bits for any number of threads. Errors as above.
Result<Pca> fit_pca_randomized(const Tensor& rows, const PcaOptions& options, const RandomizedOptions& randomized = {});

/// rows [n, features] to codes [n, count]. Requires matching extents. On all oneTBB threads.
Tensor project(const Pca& pca, const Tensor& rows);
/// codes [n, count] to rows [n, features].
Tensor reconstruct(const Pca& pca, const Tensor& codes);

/// Rows of [count, features] times sqrt(variance) to the power `exponent` when whitened; what ONNX files hold: the
/// encoder's matrix for -1, the decoder's for 1.
Tensor scaled_components(const Pca& pca, int exponent);

}  // namespace latentflow::nn

// mixture.h: normal distributions fitted to codes, and codes drawn from them.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/tensor.h"

namespace latentflow::autoencoder {

/// A weighted sum of normal distributions with full covariances; one of them is a Gaussian.
class Mixture {
 public:
  static constexpr std::int64_t most_codes = 256;  ///< eigenvectors of larger covariances take minutes here

  /// By expectation maximisation (Dempster, Laird and Rubin 1977; OpenCV's cv::ml::EM) from k-means, seeded. `codes` is
  /// [items, numbers]. Errors: bad_input for another shape, more numbers than most_codes, fewer items than twice the
  /// numbers for each component, numbers that are not finite or beyond 1e15.
  static Result<Mixture> fit(const Tensor& codes, int components, std::uint64_t seed);

  /// One code, from `seed` alone.
  Tensor draw(std::uint64_t seed) const;
  std::int64_t numbers() const { return means_.cols; }

 private:
  std::vector<double> weights_;
  cv::Mat means_;               ///< [components, numbers], double
  std::vector<cv::Mat> roots_;  ///< per component [numbers, numbers]: rows are eigenvectors times standard deviations
};

}  // namespace latentflow::autoencoder

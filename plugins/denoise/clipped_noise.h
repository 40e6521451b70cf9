// clipped_noise.h: what black and white leave of Gaussian noise in pictures of integers.
#pragma once

#include <array>

namespace latentflow::denoise {

struct NormalMoments {
  double mean, variance;
};

/// Moments of a normal variable after values below 0 became 0 and values above 255 became 255 (Foi, "Clipped noisy
/// images: Heteroskedastic modeling and practical denoising", Signal Processing 2009, section 3). `sigma` > 0.
NormalMoments clipped_normal(double mean, double sigma);

/// The way back for one level: from the mean that noisy samples have to the mean that they had before they were
/// clipped. In grey levels of 0..255.
class ClippedNoise {
 public:
  /// `sigma` > 0.
  explicit ClippedNoise(double sigma);

  struct Origin {
    double mean;  ///< before clipping; up to 1.5 sigma beyond black and white
    double left;  ///< the share of the variance that was not cut off: 1 in the middle, 0.34 at black and white
  };
  Origin origin_of(double mean) const;

 private:
  static constexpr int steps = 1024;
  double first_, step_;  ///< means before clipping: first_ + i * step_
  std::array<double, steps> means_, left_;
};

}  // namespace latentflow::denoise

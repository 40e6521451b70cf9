// clipped_noise.cpp: see clipped_noise.h.
#include "clipped_noise.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace latentflow::denoise {
namespace {

constexpr double white = 255;
constexpr double farthest = 1.5;  ///< beyond black and white, in sigma; 7 % of the samples are inside the range there

double density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); }
double share_below(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace

NormalMoments clipped_normal(double mean, double sigma) {
  const double a = -mean / sigma, b = (white - mean) / sigma;
  const double inside = share_below(b) - share_below(a), above = 1 - share_below(b);
  const double first = mean * inside + sigma * (density(a) - density(b)) + white * above;
  const double second = (mean * mean + sigma * sigma) * inside + sigma * sigma * (a * density(a) - b * density(b)) +
                        2 * mean * sigma * (density(a) - density(b)) + white * white * above;
  return {first, second - first * first};
}

ClippedNoise::ClippedNoise(double sigma)
    : first_(-farthest * sigma), step_((white + 2 * farthest * sigma) / (steps - 1)) {
  for (std::size_t i = 0; i < steps; ++i) {
    const NormalMoments seen = clipped_normal(first_ + static_cast<double>(i) * step_, sigma);
    means_[i] = seen.mean;
    left_[i] = std::min(1.0, seen.variance / (sigma * sigma));
  }
}

ClippedNoise::Origin ClippedNoise::origin_of(double mean) const {
  const auto above = std::upper_bound(means_.begin() + 1, means_.end() - 1, mean);
  const auto i = static_cast<std::size_t>(above - means_.begin()) - 1;
  const double way = std::clamp((mean - means_[i]) / (means_[i + 1] - means_[i]), 0.0, 1.0);
  return {first_ + (static_cast<double>(i) + way) * step_, left_[i] + way * (left_[i + 1] - left_[i])};
}

}  // namespace latentflow::denoise

// losses.cpp: see losses.h.
#include "losses.h"

#include <algorithm>
#include <cmath>

#include "nn/gradients/loops.h"

namespace latentflow::train {
namespace {

constexpr std::int64_t chunk = 1024;  // float sums stay short, so that they lose no digits

LATENTFLOW_CLONES float absolute(const float* output, const float* target, const float* weight, float scale,
                                 float* gradient, std::int64_t count) {
  float sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float difference = output[i] - target[i], step = scale * weight[i];
    sum += weight[i] * __builtin_fabsf(difference);
    gradient[i] = difference > 0 ? step : difference < 0 ? -step : 0.0f;
  }
  return sum;
}

LATENTFLOW_CLONES float squared(const float* output, const float* target, const float* weight, float scale,
                                float* gradient, std::int64_t count) {
  float sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const float difference = output[i] - target[i];
    sum += weight[i] * difference * difference;
    gradient[i] = 2.0f * scale * weight[i] * difference;
  }
  return sum;
}

}  // namespace

double weighted_loss_and_gradient(Loss loss, std::span<const float> output, std::span<const float> target,
                                  std::span<const float> weights, std::int64_t channels, std::int64_t area,
                                  std::int64_t elements, std::span<float> gradient) {
  const auto planes = static_cast<std::int64_t>(output.size()) / area;
  const float scale = 1.0f / static_cast<float>(elements);
  double total = 0;
  for (std::int64_t plane = 0; plane < planes; ++plane)
    for (std::int64_t first = 0; first < area; first += chunk) {
      const std::int64_t at = plane * area + first, weight = plane / channels * area + first,
                         count = std::min(chunk, area - first);
      total += static_cast<double>((loss == Loss::l1 ? absolute : squared)(
          output.data() + at, target.data() + at, weights.data() + weight, scale, gradient.data() + at, count));
    }
  return total / static_cast<double>(elements);
}

}  // namespace latentflow::train

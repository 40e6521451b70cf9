// softmax.cpp: see softmax.h.
#include "softmax.h"

#include <algorithm>
#include <cmath>

namespace latentflow::nn {

SoftmaxAxis::SoftmaxAxis(const Dims& extents, std::int64_t axis) {
  const auto own = static_cast<std::size_t>(axis);
  for (std::size_t i = 0; i < extents.size(); ++i) (i < own ? outer_ : i > own ? inner_ : count_) *= extents[i];
}

void SoftmaxAxis::compute(const float* x, float* y) const {
  for (std::int64_t outer = 0; outer < outer_; ++outer)
    for (std::int64_t inner = 0; inner < inner_; ++inner) {
      const std::int64_t first = outer * count_ * inner_ + inner, end = first + count_ * inner_;
      float most = x[first];
      for (std::int64_t i = first; i < end; i += inner_) most = std::max(most, x[i]);
      double sum = 0;
      for (std::int64_t i = first; i < end; i += inner_) {
        y[i] = std::exp(x[i] - most);
        sum += static_cast<double>(y[i]);
      }
      for (std::int64_t i = first; i < end; i += inner_) y[i] = static_cast<float>(static_cast<double>(y[i]) / sum);
    }
}

void SoftmaxAxis::differentiate(const float* y, const float* dy, float* dx) const {
  for (std::int64_t outer = 0; outer < outer_; ++outer)
    for (std::int64_t inner = 0; inner < inner_; ++inner) {
      const std::int64_t first = outer * count_ * inner_ + inner, end = first + count_ * inner_;
      double mean = 0;
      for (std::int64_t i = first; i < end; i += inner_) mean += static_cast<double>(y[i]) * static_cast<double>(dy[i]);
      for (std::int64_t i = first; i < end; i += inner_) dx[i] += y[i] * (dy[i] - static_cast<float>(mean));
    }
}

}  // namespace latentflow::nn

// softmax.h: shares of exponentials along one axis of a row-major array.
#pragma once

#include <cstdint>

#include "latentflow/tensor.h"

namespace latentflow::nn {

/// y_k = exp(x_k) / sum_j exp(x_j) along an axis, as ONNX Softmax (opset 13) defines it. The largest x is taken off
/// first, which changes nothing but that no exponential overflows; sums are in double.
class SoftmaxAxis {
 public:
  /// Requires 0 <= axis < number of extents.
  SoftmaxAxis(const Dims& extents, std::int64_t axis);

  /// `y` may be `x`.
  void compute(const float* x, float* y) const;
  /// Adds d loss / d x_k = y_k (dy_k - sum_j y_j dy_j) to `dx`.
  void differentiate(const float* y, const float* dy, float* dx) const;

 private:
  std::int64_t outer_ = 1, count_ = 1, inner_ = 1;  ///< extents before the axis, of it, and behind it
};

}  // namespace latentflow::nn

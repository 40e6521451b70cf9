// loops.cpp: see loops.h.
#include "loops.h"

namespace latentflow::nn::loops {

LATENTFLOW_CLONES void sum(const float* a, const float* b, float sign, float* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] + sign * b[i];
}

LATENTFLOW_CLONES void accumulate(const float* a, float sign, float* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += sign * a[i];
}

LATENTFLOW_CLONES void scaled_copy(const float* a, float factor, float* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = factor * a[i];
}

LATENTFLOW_CLONES void product(const float* a, const float* b, float* y, std::int64_t count, bool add) {
  if (add)
    for (std::int64_t i = 0; i < count; ++i) y[i] += a[i] * b[i];
  else
    for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] * b[i];
}

LATENTFLOW_CLONES void rectify_gradient(const float* output, float* gradient, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) gradient[i] = output[i] > 0 ? gradient[i] : 0.0f;
}

}  // namespace latentflow::nn::loops

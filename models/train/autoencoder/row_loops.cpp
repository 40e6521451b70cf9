// row_loops.cpp: see row_loops.h.
#include "row_loops.h"

#include <algorithm>

#include "nn/gradients/loops.h"
#include "train/vector_math.h"

namespace latentflow::train {
namespace {

constexpr std::int64_t chunk = 256;  // numbers whose losses wait for their sum in double

inline float sigmoid_of(float z) { return 1.0f / (1.0f + exp_of(-z)); }

LATENTFLOW_CLONES void linear(const float* bias, float* row, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) row[i] += bias[i];
}
LATENTFLOW_CLONES void sigmoid(const float* bias, float* row, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) row[i] = sigmoid_of(row[i] + bias[i]);
}
LATENTFLOW_CLONES void hyperbolic(const float* bias, float* row, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) row[i] = 2.0f * sigmoid_of(2.0f * (row[i] + bias[i])) - 1.0f;
}
LATENTFLOW_CLONES void rectified(const float* bias, float* row, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) {
    const float z = row[i] + bias[i];
    row[i] = z > 0.0f ? z : 0.0f;
  }
}

LATENTFLOW_CLONES void slope_sigmoid(const float* a, float* delta, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) delta[i] *= a[i] * (1.0f - a[i]);
}
LATENTFLOW_CLONES void slope_hyperbolic(const float* a, float* delta, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) delta[i] *= 1.0f - a[i] * a[i];
}

LATENTFLOW_CLONES void squared(const float* r, const float* x, float share, float* delta, float* terms,
                               std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) {
    const float difference = r[i] - x[i];
    terms[i] = difference * difference;
    delta[i] = 2.0f * share * difference;
  }
}
LATENTFLOW_CLONES void cross_entropy(const float* r, const float* x, float share, float* delta, float* terms,
                                     std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) {
    // In float32 a sigmoid reaches 1; the logarithm of what is missing stays finite.
    const float inside = r[i] < 1e-7f ? 1e-7f : r[i] > 1 - 1e-7f ? 1 - 1e-7f : r[i];
    terms[i] = -(x[i] * log_of(inside) + (1.0f - x[i]) * log_of(1.0f - inside));
    delta[i] = share * (r[i] - x[i]);
  }
}

}  // namespace

void add_bias_and_squash(Activation activation, const float* bias, float* row, std::int64_t width) {
  switch (activation) {
    case Activation::linear: return linear(bias, row, width);
    case Activation::sigmoid: return sigmoid(bias, row, width);
    case Activation::tanh: return hyperbolic(bias, row, width);
    case Activation::relu: return rectified(bias, row, width);
  }
}

void multiply_by_slope(Activation activation, const float* a, float* delta, std::int64_t width) {
  switch (activation) {
    case Activation::linear: return;
    case Activation::sigmoid: return slope_sigmoid(a, delta, width);
    case Activation::tanh: return slope_hyperbolic(a, delta, width);
    case Activation::relu: return nn::loops::rectify_gradient(a, delta, width);
  }
}

double row_loss(Reconstruction kind, const float* r, const float* x, float share, float* delta, std::int64_t width) {
  float terms[chunk];
  double sum = 0;
  for (std::int64_t first = 0; first < width; first += chunk) {
    const std::int64_t some = std::min(chunk, width - first);
    (kind == Reconstruction::squared ? squared : cross_entropy)(r + first, x + first, share, delta + first, terms,
                                                                some);
    for (std::int64_t i = 0; i < some; ++i) sum += static_cast<double>(terms[i]);
  }
  return sum;
}

}  // namespace latentflow::train

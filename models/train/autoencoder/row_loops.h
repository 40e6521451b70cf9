// row_loops.h: what is done to every number of a row between matrix products, as vector code.
#pragma once

#include <cstdint>

#include "train/recipe_autoencoder.h"

namespace latentflow::train {

/// row = s(row + bias)
void add_bias_and_squash(Activation activation, const float* bias, float* row, std::int64_t width);

/// delta *= s'(z), from a = s(z).
void multiply_by_slope(Activation activation, const float* a, float* delta, std::int64_t width);

/// Loss of one row: sum of (r - x)^2, with delta = 2 share (r - x); or of -(x log r + (1 - x) log(1 - r)), with delta =
/// share (r - x), which is share times the derivative by the z of r = sigmoid(z).
double row_loss(Reconstruction kind, const float* r, const float* x, float share, float* delta, std::int64_t width);

}  // namespace latentflow::train

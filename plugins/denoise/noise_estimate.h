// noise_estimate.h: the level of white Gaussian noise in one picture, without a reference.
#pragma once

#include "latentflow/value.h"

namespace latentflow::denoise {

/// Standard deviation in grey levels of 0..255, from the eigenvalues of the covariance of small patches: image content
/// lives in few directions, so the many smallest eigenvalues all equal the noise variance (Chen, Zhu, Heng, "An
/// Efficient Statistical Method for Image Noise Level Estimation", ICCV 2015). Colour patches span all three channels,
/// whose redundancy leaves more noise-only directions. Patches near black and white are left out while others suffice;
/// what clipping takes from the rest, in pictures of integers, is made up for by the moments of a clipped normal
/// distribution. Alpha is ignored. Pictures too small for statistics (below some 400 patches) give 0.
double estimate_noise(const Image& image);

/// Bytes that estimate_noise() takes besides the picture.
std::size_t estimate_bytes(const Shape& image);

}  // namespace latentflow::denoise

// noise_estimate.h: the level of white Gaussian noise in one picture, without a reference.
#pragma once

#include "latentflow/value.h"

namespace latentflow::denoise {

/// Standard deviation in grey levels of 0..255, from the eigenvalues of the covariance of small patches: image content
/// lives in few directions, so the many smallest eigenvalues all equal the noise variance (Chen, Zhu, Heng, "An
/// Efficient Statistical Method for Image Noise Level Estimation", ICCV 2015). Colour patches span all three channels,
/// whose redundancy leaves more noise-only directions. In pictures of integers, what clipping at black and white takes
/// from the noise is given back to every channel of every patch, by the moments of a clipped normal distribution at the
/// level found so far, until both agree (clipped_noise.h). Patches that hold nearly nothing but clipped samples are
/// left out. Alpha is ignored.
///
/// JPEG and WebP files keep half of the extents of colours, which leaves directions without noise. Where colours
/// together show less than half of what luminance shows, the level is the one of independent noise with that
/// luminance, from 8 grey levels on, and from 3 on where the quietest patches hold as much as that noise. What such
/// a file has rounded away (noise of 5 at quality 85) is not found. Pictures with equal planes are measured as the grey
/// pictures they are.
double estimate_noise(const Image& image);

/// Whether the picture has the patches it takes (some 24x24 pixels); otherwise estimate_noise() gives 0.
bool can_estimate(const Image& image);

/// Bytes that estimate_noise() takes besides the picture.
std::size_t estimate_bytes(const Shape& image);

}  // namespace latentflow::denoise

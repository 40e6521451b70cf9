// classical.h: OpenCV's inpainting for pictures of every depth: what networks are compared with, and what needs no
// model.
#pragma once

#include "latentflow/value.h"

namespace latentflow::inpaint {

/// telea: Telea, "An Image Inpainting Technique Based on the Fast Marching Method", J. Graphics Tools 2004.
/// navier_stokes: Bertalmio, Bertozzi, Sapiro, "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting", CVPR
/// 2001.
enum class Classical { telea, navier_stokes };

/// Replaces the colours under `mask` (see holes/mask.h; same size); all other samples, and alpha, keep their bits.
/// `radius` in pixels: how far around a missing pixel is looked. 8-bit colours are filled together, others channel by
/// channel.
cv::Mat fill_classically(const Image& picture, const cv::Mat& mask, Classical method, double radius);

/// Bytes that fill_classically() takes besides picture, mask and result.
std::size_t classical_bytes(const Shape& picture);

}  // namespace latentflow::inpaint

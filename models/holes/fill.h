// fill.h: fills holes smoothly from their surroundings, in any depth and in linear time: what an inpainting network
// starts from.
#pragma once

#include <opencv2/core.hpp>

namespace latentflow::holes {

/// `picture` (8 or 16 bit or float; any channels, alpha as the others) with the pixels under `mask` (see mask.h, same
/// size) replaced; the known ones keep their bits. Push-pull over a pyramid (Gortler, Grzeszczuk, Szeliski, Cohen, "The
/// Lumigraph", SIGGRAPH 1996), every level then relaxed towards the membrane with the known pixels at its rim
/// (Laplace's equation). Picture and mask must agree in size. With nothing known the holes become mid-grey.
cv::Mat fill_smoothly(const cv::Mat& picture, const cv::Mat& mask);

/// Bytes that fill_smoothly() takes besides picture, mask and result.
std::size_t fill_bytes(std::int64_t pixels, int channels);

}  // namespace latentflow::holes

// picture.h: colours on the scale of a picture.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "latentflow/value.h"

namespace latentflow::inpaint {

/// Red, green and blue (three numbers of 0..255) in the order and on the scale of the picture's channels.
inline cv::Scalar color_on(const Image& image, const std::vector<double>& color) {
  return cv::Scalar(color[2], color[1], color[0]) * (image.white() / 255);
}

}  // namespace latentflow::inpaint

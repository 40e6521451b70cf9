// picture.h: what the nodes of this family ask of a picture, and colours on its scale.
#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/value.h"

namespace latentflow::inpaint {

/// bad_input for what is no grey or colour picture of 8 bit, 16 bit or float.
inline Status check_picture(const Image& image) {
  const int depth = image.depth();
  if (image.mat().empty() || image.channels() == 2 || (depth != CV_8U && depth != CV_16U && depth != CV_32F))
    return bad_input("needs 1, 3 or 4 channels of 8 bit, 16 bit or float, got " + describe_picture(image));
  return success();
}

/// Red, green and blue (three numbers of 0..255) in the order and on the scale of the picture's channels.
inline cv::Scalar color_on(const Image& image, const std::vector<double>& color) {
  return cv::Scalar(color[2], color[1], color[0]) * (image.white() / 255);
}

}  // namespace latentflow::inpaint

// sample_type.h: pixels of 8 and 16 bit and float.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

#include "latentflow/value.h"

namespace latentflow::inpaint {

/// Calls f with a value of the picture's sample type.
template <class F>
void with_sample_type(int depth, F&& f) {
  if (depth == CV_8U)
    f(std::uint8_t{});
  else if (depth == CV_16U)
    f(std::uint16_t{});
  else
    f(float{});
}

inline double white_of(const cv::Mat& picture) { return Image(picture).white(); }

}  // namespace latentflow::inpaint

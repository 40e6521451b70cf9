// sample_type.h: loops over pictures of any depth.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

namespace latentflow {

/// Calls f with a value of the sample type of a picture (see Image): std::uint8_t, std::uint16_t or float.
template <class F>
void with_sample_type(int depth, F&& f) {
  if (depth == CV_8U)
    f(std::uint8_t{});
  else if (depth == CV_16U)
    f(std::uint16_t{});
  else
    f(float{});
}

}  // namespace latentflow

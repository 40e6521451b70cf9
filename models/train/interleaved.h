// interleaved.h: between planes of floats, as networks have them, and pixels, as OpenCV has them.
#pragma once

#include <cstddef>
#include <opencv2/core.hpp>

namespace latentflow::train {

/// CV_32FC(channels) of height x width from planes one behind the other.
inline cv::Mat to_pixels(const float* planes, int height, int width, int channels) {
  cv::Mat pixels(height, width, CV_32FC(channels));
  const std::size_t area = pixels.total(), count = static_cast<std::size_t>(channels);
  float* to = pixels.ptr<float>();
  for (std::size_t i = 0; i < area; ++i)
    for (std::size_t c = 0; c < count; ++c) *to++ = planes[c * area + i];
  return pixels;
}

/// The other way; requires a continuous CV_32F.
inline void to_planes(const cv::Mat& pixels, float* planes) {
  const std::size_t area = pixels.total(), count = static_cast<std::size_t>(pixels.channels());
  const float* from = pixels.ptr<float>();
  for (std::size_t i = 0; i < area; ++i)
    for (std::size_t c = 0; c < count; ++c) planes[c * area + i] = *from++;
}

/// Bytes with 255 as 1, or floats as they are.
inline cv::Mat in_unit_range(const cv::Mat& pixels) {
  cv::Mat values;
  pixels.convertTo(values, CV_32F, pixels.depth() == CV_8U ? 1.0 / 255 : 1.0);
  return values;
}

}  // namespace latentflow::train

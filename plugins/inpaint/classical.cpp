// classical.cpp: see classical.h.
#include "classical.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "holes/fill.h"

namespace latentflow::inpaint {
namespace {

/// OpenCV's methods round float results as if they were integers; on this scale that is far below what matters.
constexpr double float_scale = 65536;

}  // namespace

cv::Mat fill_classically(const Image& picture, const cv::Mat& mask, Classical method, double radius) {
  const int flag = method == Classical::telea ? cv::INPAINT_TELEA : cv::INPAINT_NS;
  // OpenCV's methods let through some of what is under the mask: let that be something sensible.
  cv::Mat result = holes::fill_smoothly(picture.mat(), mask), filled;
  if (picture.depth() == CV_8U && picture.channels() < 4) {
    cv::inpaint(result, mask, filled, radius, flag);
    filled.copyTo(result, mask);
    return result;
  }
  const double scale = picture.depth() == CV_32F ? float_scale : 1;
  for (int channel = 0; channel < (picture.has_alpha() ? 3 : picture.channels()); ++channel) {
    cv::Mat plane, scaled;
    cv::extractChannel(result, plane, channel);
    plane.convertTo(scaled, plane.type(), scale);
    cv::inpaint(scaled, mask, filled, radius, flag);
    filled.convertTo(filled, plane.type(), 1 / scale);
    filled.copyTo(plane, mask);
    cv::insertChannel(plane, result, channel);
  }
  if (picture.has_alpha()) cv::mixChannels({picture.mat()}, {result}, {3, 3});
  return result;
}

std::size_t classical_bytes(const Shape& picture) {
  const std::int64_t pixels = picture.known() ? picture.dims[0] * picture.dims[1] : 0;
  const std::size_t filling = holes::fill_bytes(pixels, picture.known() ? static_cast<int>(picture.dims[2]) : 0);
  // The filled copy, a plane four times, and per pixel three flags, a time and a place in the queue.
  const std::size_t inpainting =
      picture.bytes() + static_cast<std::size_t>(pixels) * (4 * picture.element_bytes + 3 + 4 + 24);
  return std::max(filling, inpainting);
}

}  // namespace latentflow::inpaint

// finite.cpp: see latentflow/finite.h.
#include "latentflow/finite.h"

#include <cmath>

namespace latentflow {

Status check_picture(const Image& image) {
  const int depth = image.depth();
  if (image.mat().empty() || image.channels() == 2 || (depth != CV_8U && depth != CV_16U && depth != CV_32F))
    return bad_input("needs 1, 3 or 4 channels of 8 bit, 16 bit or float, got " + describe_picture(image));
  return success();
}

Status check_finite(const Image& image, const cv::Mat& except) {
  if (image.depth() != CV_32F) return success();
  const int channels = image.channels();
  for (int y = 0; y < image.height(); ++y) {
    const float* row = image.mat().ptr<float>(y);
    const unsigned char* left_out = except.empty() ? nullptr : except.ptr<unsigned char>(y);
    for (int i = 0; i < image.width() * channels; ++i)
      if (!std::isfinite(row[i]) && (left_out == nullptr || left_out[i / channels] == 0))
        return bad_input("the picture is " + std::string(std::isnan(row[i]) ? "not a number" : "infinite") + " at x " +
                         std::to_string(i / channels) + ", y " + std::to_string(y) +
                         "; one such sample spoils what lies around it");
  }
  return success();
}

Status check_finite(std::span<const float> results, const std::string& network) {
  for (const float result : results)
    if (!std::isfinite(result))
      return bad_input(network + " gives " + (std::isnan(result) ? "numbers that are not numbers (NaN)" : "infinity") +
                       " for this picture; its weights are damaged, or they overflow");
  return success();
}

}  // namespace latentflow

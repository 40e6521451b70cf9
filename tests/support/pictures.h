// pictures.h: small pictures and picture files for tests.
#pragma once

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace latentflow::test {

/// Smooth coloured noise that uses the whole range of its type (CV_8U, CV_16U or CV_32F with white at 1).
inline cv::Mat soft_picture(int width, int height, int type, std::uint64_t seed = 7) {
  cv::Mat picture(height, width, CV_32FC(CV_MAT_CN(type)));
  cv::RNG(seed).fill(picture, cv::RNG::UNIFORM, 0, 1);
  if (width > 8 && height > 8) cv::GaussianBlur(picture, picture, {}, 2);
  cv::normalize(picture, picture, 0, 1, cv::NORM_MINMAX);
  const int depth = CV_MAT_DEPTH(type);
  cv::Mat result;
  picture.convertTo(result, depth, depth == CV_8U ? 255 : depth == CV_16U ? 65535 : 1);
  return result;
}

inline std::vector<std::uint8_t> encoded(const std::string& extension, const cv::Mat& picture,
                                         const std::vector<int>& settings = {}) {
  std::vector<std::uint8_t> bytes;
  cv::imencode(extension, picture, bytes, settings);
  return bytes;
}

inline bool same_pixels(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

}  // namespace latentflow::test

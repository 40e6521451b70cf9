// metrics.cpp: see metrics.h.
#include "metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace latentflow::quality {
namespace {

constexpr int window = 11;
constexpr double deviation = 1.5;
constexpr int strip_rows = 64;  // of the similarity map; bounds the memory to a few hundred rows of floats

/// Similarity summed over the valid positions of one strip of one channel. `a` and `b` (floats) lose their own means
/// first: the variances do not change and the squares keep more digits.
double strip_sum(cv::Mat& a, cv::Mat& b, const cv::Mat& kernel_x, const cv::Mat& kernel_y) {
  constexpr float c1 = 0.01f * 255 * 0.01f * 255, c2 = 0.03f * 255 * 0.03f * 255;
  const double level_a = cv::mean(a)[0], level_b = cv::mean(b)[0];
  a -= level_a;
  b -= level_b;
  const int margin_x = kernel_x.rows / 2, margin_y = kernel_y.rows / 2;
  const cv::Rect inside(margin_x, margin_y, a.cols - 2 * margin_x, a.rows - 2 * margin_y);
  const auto smooth = [&](const cv::Mat& values) {
    cv::Mat blurred;
    cv::sepFilter2D(values, blurred, CV_32F, kernel_x, kernel_y, cv::Point(-1, -1), 0,
                    cv::BORDER_REFLECT | cv::BORDER_ISOLATED);
    return cv::Mat(blurred, inside);
  };
  const cv::Mat mean_a = smooth(a), mean_b = smooth(b);
  const cv::Mat square_a = smooth(a.mul(a)), square_b = smooth(b.mul(b)), product = smooth(a.mul(b));
  double sum = 0;
  for (int y = 0; y < inside.height; ++y) {
    const float *ma = mean_a.ptr<float>(y), *mb = mean_b.ptr<float>(y);
    const float *saa = square_a.ptr<float>(y), *sbb = square_b.ptr<float>(y), *sab = product.ptr<float>(y);
    double row = 0;
    for (int x = 0; x < inside.width; ++x) {
      const float variance_a = saa[x] - ma[x] * ma[x], variance_b = sbb[x] - mb[x] * mb[x],
                  covariance = sab[x] - ma[x] * mb[x];
      const float bright_a = ma[x] + static_cast<float>(level_a), bright_b = mb[x] + static_cast<float>(level_b);
      row += static_cast<double>((2 * bright_a * bright_b + c1) * (2 * covariance + c2)) /
             static_cast<double>((bright_a * bright_a + bright_b * bright_b + c1) * (variance_a + variance_b + c2));
    }
    sum += row;
  }
  return sum;
}

/// The odd window length for an extent.
int window_for(int extent) { return std::min(window, extent % 2 == 0 ? extent - 1 : extent); }

}  // namespace

Difference difference(const cv::Mat& image, const cv::Mat& reference, const cv::Mat& mask) {
  const int channels = image.channels(), samples = image.cols * channels;
  double sum = 0;
  cv::Mat a, b;
  for (int y = 0; y < image.rows; ++y) {
    image.row(y).convertTo(a, CV_32F);
    reference.row(y).convertTo(b, CV_32F);
    const float *left = a.ptr<float>(), *right = b.ptr<float>();
    const std::uint8_t* wanted = mask.empty() ? nullptr : mask.ptr<std::uint8_t>(y);
    double row = 0;
    for (int x = 0; x < samples; ++x) {
      if (wanted != nullptr && wanted[x / channels] == 0) continue;
      const double apart = static_cast<double>(left[x]) - right[x];
      row += apart * apart;
    }
    sum += row;
  }
  const double pixels = mask.empty() ? static_cast<double>(image.total()) : cv::countNonZero(mask);
  Difference result;
  result.mse = sum / (pixels * channels);
  result.psnr = result.mse > 0 ? 10 * std::log10(255.0 * 255.0 / result.mse) : std::numeric_limits<double>::infinity();
  return result;
}

double structural_similarity(const cv::Mat& image, const cv::Mat& reference) {
  const int length_x = window_for(image.cols), length_y = window_for(image.rows);
  const cv::Mat kernel_x = cv::getGaussianKernel(length_x, deviation, CV_32F);
  const cv::Mat kernel_y = cv::getGaussianKernel(length_y, deviation, CV_32F);
  const int positions_y = image.rows - length_y + 1, positions_x = image.cols - length_x + 1;
  double sum = 0;
  for (int first = 0; first < positions_y; first += strip_rows) {
    const int rows = std::min(strip_rows, positions_y - first) + length_y - 1;
    std::vector<cv::Mat> a, b;
    cv::Mat strip;
    image.rowRange(first, first + rows).convertTo(strip, CV_32F);
    cv::split(strip, a);
    reference.rowRange(first, first + rows).convertTo(strip, CV_32F);
    cv::split(strip, b);
    for (std::size_t channel = 0; channel < a.size(); ++channel)
      sum += strip_sum(a[channel], b[channel], kernel_x, kernel_y);
  }
  return sum / (static_cast<double>(positions_x) * positions_y * image.channels());
}

}  // namespace latentflow::quality

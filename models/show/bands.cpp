// bands.cpp: see bands.h.
#include "bands.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace latentflow::show {

double band_share(std::span<const float> filter, const nn::CodeItem& item) {
  const int height = static_cast<int>(item.height), width = static_cast<int>(item.width);
  cv::Mat power = cv::Mat::zeros(2 * height, 2 * width, CV_64F);
  for (std::int64_t channel = 0; channel < item.channels; ++channel) {
    cv::Mat plane(height, width, CV_32F, cv::Scalar(0));
    std::copy_n(filter.begin() + channel * height * width, height * width, plane.begin<float>());
    plane -= cv::mean(plane);
    cv::Mat padded = cv::Mat::zeros(power.size(), CV_32F), spectrum;
    plane.copyTo(padded(cv::Rect(0, 0, width, height)));
    cv::dft(padded, spectrum, cv::DFT_COMPLEX_OUTPUT);
    for (int v = 0; v < power.rows; ++v)
      for (int u = 0; u < power.cols; ++u) {
        const cv::Vec2f value = spectrum.at<cv::Vec2f>(v, u);
        power.at<double>(v, u) += static_cast<double>(value[0] * value[0] + value[1] * value[1]);
      }
  }
  // Frequencies in cycles per pixel: orientations are those of the picture, not of its extents.
  const auto angle_at = [&](int v, int u) {
    const double down = static_cast<double>(v < height ? v : v - 2 * height) / (2 * height);
    const double across = static_cast<double>(u < width ? u : u - 2 * width) / (2 * width);
    return std::atan2(down, across);
  };
  std::complex<double> main = 0;
  double all = 0;
  for (int v = 0; v < power.rows; ++v)
    for (int u = 0; u < power.cols; ++u) {
      if (v == 0 && u == 0) continue;
      main += std::polar(power.at<double>(v, u), 2 * angle_at(v, u));
      all += power.at<double>(v, u);
    }
  if (all <= 0) return 0;
  double inside = 0;
  for (int v = 0; v < power.rows; ++v)
    for (int u = 0; u < power.cols; ++u) {
      if (v == 0 && u == 0) continue;
      // The difference of orientations, which repeat after half a turn.
      const double away = std::abs(std::remainder(2 * angle_at(v, u) - std::arg(main), 2 * std::numbers::pi)) / 2;
      if (away <= std::numbers::pi / 8) inside += power.at<double>(v, u);
    }
  return inside / all;
}

double oriented_share(std::span<const Filter> filters, const nn::CodeItem& item) {
  const auto count = std::count_if(filters.begin(), filters.end(),
                                   [&](const Filter& filter) { return band_share(filter.row, item) >= one_band; });
  return filters.empty() ? 0 : static_cast<double>(count) / static_cast<double>(filters.size());
}

}  // namespace latentflow::show

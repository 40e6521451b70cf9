// planes.cpp: see planes.h.
#include "planes.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "latentflow/sample_type.h"

namespace latentflow::denoise {
namespace {

int plane_count(const ChannelOrder& order) {
  return static_cast<int>(std::find(order.begin(), order.end(), -1) - order.begin());
}

}  // namespace

bool has_equal_planes(const Image& picture) {
  const cv::Mat& mat = picture.mat();
  const int channels = mat.channels();
  bool equal = channels >= 3;
  with_sample_type(mat.depth(), [&](auto sample) {
    for (int y = 0; equal && y < mat.rows; ++y) {
      const auto* pixel = mat.ptr<decltype(sample)>(y);
      for (int x = 0; equal && x < mat.cols; ++x, pixel += channels)
        equal = pixel[0] == pixel[1] && pixel[1] == pixel[2];
    }
  });
  return equal;
}

void read_planes(const Image& picture, const cv::Rect& region, const ChannelOrder& order, float* planes) {
  const cv::Mat& src = picture.mat();
  const int channels = src.channels(), count = plane_count(order);
  const auto scale = static_cast<float>(1.0 / picture.white());
  std::vector<int> columns(static_cast<std::size_t>(region.width));
  for (int x = 0; x < region.width; ++x)
    columns[static_cast<std::size_t>(x)] = cv::borderInterpolate(region.x + x, src.cols, cv::BORDER_REFLECT) * channels;

  with_sample_type(src.depth(), [&](auto sample) {
    using Sample = decltype(sample);
    for (int y = 0; y < region.height; ++y) {
      const Sample* row = src.ptr<Sample>(cv::borderInterpolate(region.y + y, src.rows, cv::BORDER_REFLECT));
      for (int plane = 0; plane < count; ++plane) {
        float* out = planes + (static_cast<std::ptrdiff_t>(plane) * region.height + y) * region.width;
        const int channel = order[static_cast<std::size_t>(plane)];
        for (int x = 0; x < region.width; ++x)
          out[x] = scale * static_cast<float>(row[columns[static_cast<std::size_t>(x)] + channel]);
      }
    }
  });
}

void write_planes(const float* planes, const PlaneWrite& write, const Image& source, cv::Mat& target) {
  const cv::Rect& region = write.region;
  const int channels = target.channels(), count = plane_count(write.order);
  const int height = std::min(region.height, target.rows - region.y),
            width = std::min(region.width, target.cols - region.x);
  const auto white = static_cast<float>(source.white()), strength = static_cast<float>(write.strength);
  const std::ptrdiff_t plane_size = static_cast<std::ptrdiff_t>(write.planes.height) * write.planes.width;
  const float* corner = planes + static_cast<std::ptrdiff_t>(region.y - write.planes.y) * write.planes.width +
                        (region.x - write.planes.x);

  with_sample_type(target.depth(), [&](auto sample) {
    using Sample = decltype(sample);
    for (int y = 0; y < height; ++y) {
      const auto* before = source.mat().ptr<Sample>(region.y + y) + static_cast<std::ptrdiff_t>(region.x) * channels;
      auto* after = target.ptr<Sample>(region.y + y) + static_cast<std::ptrdiff_t>(region.x) * channels;
      const float* row = corner + static_cast<std::ptrdiff_t>(y) * write.planes.width;
      const auto put = [&](int x, int channel, float clean) {
        const auto noisy = static_cast<float>(before[x * channels + channel]);
        after[x * channels + channel] = cv::saturate_cast<Sample>(noisy + strength * (clean * white - noisy));
      };
      if (write.average) {
        for (int x = 0; x < width; ++x) {
          float sum = 0;
          for (int plane = 0; plane < count; ++plane) sum += row[plane * plane_size + x];
          put(x, write.order[0], sum / static_cast<float>(count));
        }
        continue;
      }
      for (int plane = 0; plane < count; ++plane)
        for (int x = 0; x < width; ++x)
          put(x, write.order[static_cast<std::size_t>(plane)], row[plane * plane_size + x]);
    }
  });
}

namespace {

/// Uniform in 0..1, without 0, by a finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
double uniform_at(std::uint64_t place) {
  place = (place + 1) * 0x9e3779b97f4a7c15ull;
  place = (place ^ (place >> 30)) * 0xbf58476d1ce4e5b9ull;
  place = (place ^ (place >> 27)) * 0x94d049bb133111ebull;
  return (static_cast<double>((place ^ (place >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

}  // namespace

void add_chroma_noise(float* planes, const float* level, const cv::Rect& region) {
  const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(region.width) * region.height;
  std::ptrdiff_t at = 0;
  for (int y = region.y; y < region.br().y; ++y)
    for (int x = region.x; x < region.br().x; ++x, ++at) {
      const std::uint64_t place = (static_cast<std::uint64_t>(y) << 32 | static_cast<std::uint32_t>(x)) << 1;
      // Two normal numbers by Box and Muller, along (1, -1, 0) / sqrt(2) and (1, 1, -2) / sqrt(6).
      const double radius = level[at] * std::sqrt(-2 * std::log(uniform_at(place)));
      const double angle = 2 * std::numbers::pi * uniform_at(place + 1);
      const double first = radius * std::cos(angle) / std::numbers::sqrt2;
      const double second = radius * std::sin(angle) / std::sqrt(6.0);
      planes[at] += static_cast<float>(first + second);
      planes[at + size] += static_cast<float>(second - first);
      planes[at + 2 * size] -= static_cast<float>(2 * second);
    }
}

}  // namespace latentflow::denoise

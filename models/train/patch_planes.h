// patch_planes.h: square patches of pixels as planes, turned and mirrored.
#pragma once

#include <array>
#include <cstddef>
#include <opencv2/core.hpp>

#include "random.h"

namespace latentflow::train {

/// One of the eight flips and quarter turns.
struct Turning {
  bool mirror_x = false, mirror_y = false, transpose = false;

  /// Any of them, or, without `flips`, none, and then nothing is drawn.
  static Turning draw(bool flips, Random& random) {
    const auto turn = flips ? random.below(8) : 0;
    return {(turn & 1) != 0, (turn & 2) != 0, (turn & 4) != 0};
  }
};

/// Planes of height x width numbers, channel c in plane order[c], every one `value` of a sample. Requires a square of
/// up to three channels of `Sample`.
template <class Sample, class Value, class Number>
void write_planes(const cv::Mat& pixels, const Turning& turning, const std::array<int, 3>& order, Value&& value,
                  Number* planes) {
  const int channels = pixels.channels(), patch = pixels.rows;
  const auto plane_size = static_cast<std::ptrdiff_t>(patch) * patch;
  for (int y = 0; y < patch; ++y) {
    const Sample* row = pixels.ptr<Sample>(y);
    const int to_y = turning.mirror_y ? patch - 1 - y : y;
    for (int c = 0; c < channels; ++c) {
      Number* plane = planes + order[static_cast<std::size_t>(c)] * plane_size;
      for (int x = 0; x < patch; ++x) {
        const int to_x = turning.mirror_x ? patch - 1 - x : x;
        plane[turning.transpose ? to_x * patch + to_y : to_y * patch + to_x] = value(row[x * channels + c]);
      }
    }
  }
}

}  // namespace latentflow::train

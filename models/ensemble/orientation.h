// orientation.h: the eight flips and rotations of a picture, for averaging what a network makes of each.
#pragma once

#include <functional>
#include <opencv2/core.hpp>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::ensemble {

/// First transposed, then mirrored. What a network learns is not quite symmetric: the mean over orientations, each
/// turned back, is a little closer to the truth (Timofte, Rothe, Van Gool, "Seven Ways to Improve Example-Based Single
/// Image Super Resolution", CVPR 2016, section 3.6).
struct Orientation {
  bool transposed = false, mirrored = false, upside_down = false;
};

/// The orientations in an order of which the first 1, 2, 4 and 8 are closed under combination; 0 is the picture as it
/// is.
Orientation orientation_at(int index);

/// The picture in this orientation, a copy unless it is the first.
cv::Mat oriented(const cv::Mat& picture, Orientation orientation);

/// A region of a tiling (nn::Region) as OpenCV spells it.
template <class Region>
cv::Rect as_rect(const Region& region) {
  return {static_cast<int>(region.x), static_cast<int>(region.y), static_cast<int>(region.width),
          static_cast<int>(region.height)};
}

/// What a region of an oriented picture holds.
struct TurnedTile {
  cv::Rect planes;  ///< the region that the planes cover, in the oriented picture
  cv::Rect region;  ///< the part of it that counts; what lies past the right and bottom border is dropped
  int count = 1;    ///< number of planes
};

/// Adds planes [count, height, width] of an oriented picture to `sums` [count, size.height, size.width], the picture as
/// it was. Disjoint regions may be added by several threads at once.
void add_turned_back(const float* planes, const TurnedTile& tile, Orientation orientation, cv::Size size, float* sums);

/// Takes what a network made of a tile.
using TakeTile = std::function<void(const float* planes, const TurnedTile& tile)>;

/// The mean [planes, size.height, size.width] over the first `count` orientations of what `run` hands over for each.
/// Errors: the first of `run`, after which no other orientation is tried.
Result<std::vector<float>> mean_over_orientations(int count, cv::Size size, int planes,
                                                  const std::function<Status(Orientation, const TakeTile&)>& run);

}  // namespace latentflow::ensemble

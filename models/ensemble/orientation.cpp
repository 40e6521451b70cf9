// orientation.cpp: see orientation.h.
#include "orientation.h"

#include <cstddef>
#include <utility>

namespace latentflow::ensemble {

Orientation orientation_at(int index) { return {(index & 4) != 0, (index & 1) != 0, (index & 2) != 0}; }

cv::Mat oriented(const cv::Mat& picture, Orientation orientation) {
  cv::Mat turned;  // no second name of a square picture, which would be transposed in place
  if (orientation.transposed)
    cv::transpose(picture, turned);
  else
    turned = picture;
  if (!orientation.mirrored && !orientation.upside_down) return turned;
  // Around the vertical axis 1, the horizontal one 0, both -1.
  cv::Mat flipped;
  cv::flip(turned, flipped, orientation.mirrored ? (orientation.upside_down ? -1 : 1) : 0);
  return flipped;
}

void add_turned_back(const float* planes, const TurnedTile& tile, Orientation orientation, cv::Size size, float* sums) {
  const cv::Size turned = orientation.transposed ? cv::Size(size.height, size.width) : size;
  const cv::Rect region = tile.region & cv::Rect({0, 0}, turned);
  const auto plane_area = static_cast<std::ptrdiff_t>(tile.planes.width) * tile.planes.height;
  const auto sum_area = static_cast<std::ptrdiff_t>(size.width) * size.height;
  for (int plane = 0; plane < tile.count; ++plane)
    for (int y = region.y; y < region.br().y; ++y) {
      const float* row = planes + plane * plane_area +
                         static_cast<std::ptrdiff_t>(y - tile.planes.y) * tile.planes.width - tile.planes.x;
      for (int x = region.x; x < region.br().x; ++x) {
        int original_x = orientation.mirrored ? turned.width - 1 - x : x;
        int original_y = orientation.upside_down ? turned.height - 1 - y : y;
        if (orientation.transposed) std::swap(original_x, original_y);
        sums[plane * sum_area + static_cast<std::ptrdiff_t>(original_y) * size.width + original_x] += row[x];
      }
    }
}

Result<std::vector<float>> mean_over_orientations(int count, cv::Size size, int planes,
                                                  const std::function<Status(Orientation, const TakeTile&)>& run) {
  std::vector<float> sums(size.area() * static_cast<std::size_t>(planes));
  for (int i = 0; i < count; ++i) {
    const Orientation orientation = orientation_at(i);
    const Status status = run(orientation, [&](const float* made, const TurnedTile& tile) {
      add_turned_back(made, tile, orientation, size, sums.data());
    });
    if (!status) return status.error();
  }
  for (float& sum : sums) sum /= static_cast<float>(count);
  return sums;
}

}  // namespace latentflow::ensemble

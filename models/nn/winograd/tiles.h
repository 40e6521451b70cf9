// tiles.h: how a picture is cut into output tiles, the tiles into groups that fit the caches, and where results
// go.
#pragma once

#include <algorithm>
#include <cstdint>

#include "winograd.h"

namespace latentflow::nn::winograd {

/// Patches of the input: one more than the tile on each side. Products are taken at as many points as a patch has
/// pixels.
constexpr std::int64_t patch_side(std::int64_t tile_side) { return tile_side + 2; }
constexpr std::int64_t point_count(std::int64_t tile_side) { return patch_side(tile_side) * patch_side(tile_side); }

/// Place of one tile: the image, and the output pixel of its upper left corner.
struct Place {
  std::int64_t image = 0, y = 0, x = 0;
};

/// The tiles of a grid from the pixel (0, 0) that have a part in shape.wanted.
struct Tiling {
  std::int64_t side, top, left;      ///< of a tile; numbers of the first row and column
  std::int64_t down, across, count;  ///< tiles per image in each direction, tiles of all images

  Tiling(const Shape& shape, std::int64_t tile_side) : side(tile_side) {
    const Window wanted = shape.wanted.within(shape.dst_height, shape.dst_width);
    top = wanted.top / side, left = wanted.left / side;
    down = (wanted.bottom + side - 1) / side - top;
    across = (wanted.right + side - 1) / side - left;
    count = shape.images * down * across;
  }

  Place at(std::int64_t index) const {
    const std::int64_t row = index / across;
    return {row / down, (top + row % down) * side, (left + index % across) * side};
  }
};

/// Where and how results are stored; the same type for all instruction sets.
struct Store {
  const float* bias;
  std::span<const Step> steps;
  float* dst;
};

/// Elements between the matrices of neighbouring points: one cache line more than they need, so that the streams of a
/// transform do not all fall on the same cache sets.
template <class T = float>
std::int64_t point_stride(std::int64_t rows, std::int64_t columns) {
  return rows * columns + 64 / static_cast<std::int64_t>(sizeof(T));
}

/// Tiles per group: as many as keep `elements_per_tile` of each within `budget_bytes`, in multiples of `multiple`.
template <class T = float>
std::int64_t group_size(const Tiling& tiling, std::int64_t elements_per_tile, std::int64_t budget_bytes,
                        std::int64_t multiple) {
  const std::int64_t fitting = budget_bytes / (elements_per_tile * static_cast<std::int64_t>(sizeof(T)));
  const std::int64_t wanted = std::clamp<std::int64_t>(fitting, multiple, 96);
  return (std::min(wanted, tiling.count) + multiple - 1) / multiple * multiple;
}

inline std::int64_t group_count(const Tiling& tiling, std::int64_t rows) { return (tiling.count + rows - 1) / rows; }

}  // namespace latentflow::nn::winograd

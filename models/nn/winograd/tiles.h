// tiles.h: how a picture is cut into output tiles of 4x4, the tiles into groups that fit the caches, and where results
// go.
#pragma once

#include <algorithm>
#include <cstdint>

#include "winograd.h"

namespace latentflow::nn::winograd {

constexpr std::int64_t tile_side = 4, patch_side = 6, points = patch_side * patch_side;

/// Place of one tile: the image, and the output pixel of its upper left corner.
struct Tile {
  std::int64_t image = 0, y = 0, x = 0;
};

struct Tiling {
  std::int64_t down, across, count;  ///< tiles per image in each direction, tiles of all images

  explicit Tiling(const Shape& shape)
      : down((shape.dst_height + tile_side - 1) / tile_side),
        across((shape.dst_width + tile_side - 1) / tile_side),
        count(shape.images * down * across) {}

  Tile at(std::int64_t index) const {
    const std::int64_t row = index / across;
    return {row / down, row % down * tile_side, index % across * tile_side};
  }
};

/// Where and how results are stored; the same type for all instruction sets.
struct Store {
  const float* bias;
  std::span<const Step> steps;
  float* dst;
};

/// Floats between the matrices of neighbouring points: one cache line more than they need, so that the 36 streams of a
/// transform do not all fall on the same cache sets.
inline std::int64_t point_stride(std::int64_t rows, std::int64_t columns) { return rows * columns + 16; }

/// Tiles per group: as many as keep `floats_per_tile` of each within `budget_bytes`, in multiples of `multiple`.
inline std::int64_t group_size(const Tiling& tiling, std::int64_t floats_per_tile, std::int64_t budget_bytes,
                               std::int64_t multiple) {
  const std::int64_t fitting = budget_bytes / (floats_per_tile * static_cast<std::int64_t>(sizeof(float)));
  const std::int64_t wanted = std::clamp<std::int64_t>(fitting, multiple, 96);
  return (std::min(wanted, tiling.count) + multiple - 1) / multiple * multiple;
}

}  // namespace latentflow::nn::winograd

// patches-inl.h: from pictures to the matrices at the points: every tile's patch is read and transformed.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_PATCHES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_PATCHES_INL_H
#undef LATENTFLOW_WINOGRAD_PATCHES_INL_H
#else
#define LATENTFLOW_WINOGRAD_PATCHES_INL_H
#endif

#include <hwy/highway.h>

#include "tiles.h"
#include "transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

/// A picture in blocks of channels, and where the patch of tile (0, 0) begins in it.
struct Picture {
  const float* data;
  std::int64_t channels, height, width;  // channels padded to whole blocks
  std::int64_t top, left;
  Window readable;  // within the picture; the rest counts as zero
};

/// Matrices [point][tile][channel] of the transformed patches of a group of tiles. Rows from the last tile to `rows`
/// keep what they hold.
template <int Block, class Transform>
HWY_NOINLINE void transform_patches(const Picture& picture, const Tiling& tiling, std::int64_t first,
                                    std::int64_t tiles, std::int64_t rows, float* matrices) {
  const Channels<Block> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t stride = point_stride(rows, picture.channels);
  const std::int64_t row_step = picture.width * Block, plane = picture.height * row_step;
  const std::int64_t blocks = picture.channels / Block;
  // Two blocks of 8 channels fill a cache line of the matrices.
  constexpr std::int64_t together = 16 / Block;
  for (std::int64_t block = 0; block < blocks; block += together)
    for (std::int64_t t = 0; t < tiles; ++t) {
      const Place tile = tiling.at(first + t);
      const std::int64_t y = tile.y - picture.top, x = tile.x - picture.left;
      const Window& readable = picture.readable;
      const bool inside = y >= readable.top && x >= readable.left && y + Transform::from <= readable.bottom &&
                          x + Transform::from <= readable.right;
      for (std::int64_t b = block; b < std::min(block + together, blocks); ++b)
        for (std::int64_t lane = 0; lane < Block; lane += lanes) {
          const float* src = picture.data + (tile.image * blocks + b) * plane + y * row_step + x * Block + lane;
          float* out = matrices + t * picture.channels + b * Block + lane;
          const auto write = [&](int row, int column, auto value)
                                 HWY_ATTR { hn::StoreU(value, d, out + (row * Transform::to + column) * stride); };
          if (inside)
            transform<Transform>(
                d, [&](int row, int column) HWY_ATTR { return hn::LoadU(d, src + row * row_step + column * Block); },
                write);
          else
            transform<Transform>(
                d,
                [&](int row, int column) HWY_ATTR {
                  const bool outside = y + row < readable.top || y + row >= readable.bottom ||
                                       x + column < readable.left || x + column >= readable.right;
                  return outside ? hn::Zero(d) : hn::LoadU(d, src + row * row_step + column * Block);
                },
                write);
        }
    }
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#endif

// prefetch-inl.h: sources of the next group of tiles are fetched while the present one is multiplied.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_PREFETCH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_PREFETCH_INL_H
#undef LATENTFLOW_WINOGRAD_PREFETCH_INL_H
#else
#define LATENTFLOW_WINOGRAD_PREFETCH_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "tiles.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

/// Where pixels lie in memory: planes of rows of pixels, and how the patch of tile (0, 0) lies in them.
struct PixelPlanes {
  const void* data;
  std::int64_t planes, pixel_bytes;  // planes of one image
  std::int64_t height, width, top, left;
};

/// Asks for the sources of the patches of a group of tiles, a share at a time, while something else computes: the
/// matrices of one group fill the second-level cache, so without it every patch is waited for.
class PatchPrefetch {
 public:
  /// In `shares` equal shares.
  PatchPrefetch(const PixelPlanes& picture, const Tiling& tiling, std::int64_t first, std::int64_t tiles,
                std::int64_t shares)
      : picture_(picture), tiling_(tiling), first_(first), units_(tiles * picture.planes), shares_(shares) {}

  HWY_INLINE void next_share() {
    for (++share_; unit_ * shares_ < units_ * share_; ++unit_)
      prefetch(tiling_.at(first_ + unit_ / picture_.planes), unit_ % picture_.planes);
  }

 private:
  HWY_INLINE void prefetch(const Place& tile, std::int64_t plane) const {
    constexpr std::int64_t line = 64;
    const std::int64_t row_step = picture_.width * picture_.pixel_bytes, y = tile.y - picture_.top,
                       x = tile.x - picture_.left;
    // The first columns are the last ones of the tile before.
    const std::int64_t begin = std::max<std::int64_t>(x + 2, 0) * picture_.pixel_bytes,
                       end = std::min(x + patch_side(tiling_.side), picture_.width) * picture_.pixel_bytes;
    const char* rows =
        static_cast<const char*>(picture_.data) + (tile.image * picture_.planes + plane) * picture_.height * row_step;
    for (std::int64_t row = std::max<std::int64_t>(y, 0); row < std::min(y + patch_side(tiling_.side), picture_.height);
         ++row)
      for (std::int64_t at = begin; at < end; at += line) hwy::Prefetch(rows + row * row_step + at);
  }

  const PixelPlanes picture_;
  const Tiling& tiling_;
  std::int64_t first_, units_, shares_, unit_ = 0, share_ = 0;
};

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#endif

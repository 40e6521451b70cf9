// tiling.h: cutting big pictures into tiles whose results fit together exactly.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/tensor.h"
#include "nn/receptive_field.h"

namespace latentflow::nn {

/// A rectangle of a picture, in pixels.
struct Region {
  std::int64_t y = 0, x = 0, height = 0, width = 0;
  bool operator==(const Region&) const = default;
};

/// The network sees `input`; of its result the part `output`, which lies inside, is right and is kept.
struct Tile {
  Region input, output;
};

struct TileOptions {
  /// Pixels of a tile with its halo; 0 lets the network choose. Taken as one and a half times the halo on both sides
  /// together where it is less: see cut().
  std::int64_t side = 0;
  bool parallel = true;                    ///< on the threads of the calling task arena, else one after the other
  std::size_t bytes_per_tile = 128 << 20;  ///< working memory that a chosen side may need, per thread
  bool mostly_halo = false;                ///< a chosen side may be as small as one asked for, where no larger one fits
  std::function<bool(const Tile&)> wanted =
      {};                                ///< asked before every tile; false leaves it out: neither read nor written
  std::function<bool()> cancelled = {};  ///< asked before every tile; true ends the run with Code::cancelled
};

/// Covers a picture with tiles of one size, at most `side` pixels each way, whose outputs partition it. Each keeps at
/// least half as many pixels as its halo on both sides has together, so that a small `side`, which is taken as larger,
/// never makes the work more than nine times that of the whole. Tiles start on multiples of the alignment and carry the
/// halo rounded up to it; those at the border end there, so that they are padded as the whole picture is.
std::vector<Tile> cut(std::int64_t height, std::int64_t width, std::int64_t side_y, std::int64_t side_x,
                      const TileGeometry& geometry);

/// Sides (vertical, horizontal) that compute the fewest pixels, at most `most_pixels` per tile, but twice the halo of
/// both sides where the picture is that large: smaller tiles would be little but halo. With `mostly_halo` those down to
/// what cut() takes count, too, where they alone are within `most_pixels`. A picture is cut for the sake of memory
/// alone: threads share the layers of a tile (shared_work.h), and tiles do not depend on how many there are.
std::pair<std::int64_t, std::int64_t> choose_sides(std::int64_t height, std::int64_t width,
                                                   const TileGeometry& geometry, std::int64_t most_pixels,
                                                   bool mostly_halo = false);

}  // namespace latentflow::nn

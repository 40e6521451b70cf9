// tiling.cpp: see tiling.h.
#include "tiling.h"

#include <algorithm>
#include <limits>

namespace latentflow::nn {

namespace {

std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

/// One axis of a cut: all tiles have the same extent.
struct Axis {
  std::int64_t extent = 0;
  std::vector<std::int64_t> starts;
};

/// Tiles start on multiples of the alignment and leave the same remainder as the picture, so that the last one ends
/// where the picture does and every layer sees the parity it would see in the whole.
Axis cut_axis(std::int64_t length, std::int64_t side, std::int64_t before, std::int64_t after, std::int64_t alignment) {
  const std::int64_t least = before + after + alignment;
  std::int64_t extent = std::max(side, least);
  if (extent >= length) return {length, {0}};
  const std::int64_t excess = (extent - length) % alignment;
  extent -= excess < 0 ? excess + alignment : excess;
  if (extent < least) extent += alignment;
  if (extent >= length) return {length, {0}};
  const std::int64_t step = (extent - before - after) / alignment * alignment;
  const std::int64_t travel = length - extent;  // a multiple of the alignment
  const std::int64_t gaps = (travel + step - 1) / step;
  Axis axis{extent, {}};
  for (std::int64_t i = 0; i <= gaps; ++i) axis.starts.push_back(travel / alignment * i / gaps * alignment);
  return axis;
}

/// First pixel that tile `i` keeps; that of the tile past the last is the length.
std::int64_t kept_from(const Axis& axis, std::size_t i, std::int64_t length, std::int64_t before) {
  if (i == 0) return 0;
  return i == axis.starts.size() ? length : axis.starts[i] + before;
}

}  // namespace

std::vector<Tile> cut(std::int64_t height, std::int64_t width, std::int64_t side_y, std::int64_t side_x,
                      const TileMargins& margins) {
  const Axis rows = cut_axis(height, side_y, margins.top, margins.bottom, margins.alignment);
  const Axis columns = cut_axis(width, side_x, margins.left, margins.right, margins.alignment);
  std::vector<Tile> tiles;
  for (std::size_t i = 0; i < rows.starts.size(); ++i)
    for (std::size_t j = 0; j < columns.starts.size(); ++j) {
      const std::int64_t top = kept_from(rows, i, height, margins.top);
      const std::int64_t left = kept_from(columns, j, width, margins.left);
      tiles.push_back({{rows.starts[i], columns.starts[j], rows.extent, columns.extent},
                       {top, left, kept_from(rows, i + 1, height, margins.top) - top,
                        kept_from(columns, j + 1, width, margins.left) - left}});
    }
  return tiles;
}

std::pair<std::int64_t, std::int64_t> choose_sides(std::int64_t height, std::int64_t width, const TileMargins& margins,
                                                   std::int64_t most_pixels, int threads) {
  constexpr std::int64_t most_tiles = 128;  // along an axis
  struct Choice {
    std::int64_t side, extent, tiles;
  };
  const auto choices = [&](std::int64_t length, std::int64_t before, std::int64_t after) {
    std::vector<Choice> list;
    for (std::int64_t count = 1; count <= std::min(most_tiles, length); ++count) {
      const std::int64_t inner = round_up((length - before - after + count - 1) / count, margins.alignment);
      const std::int64_t side = std::min(length, inner + before + after + margins.alignment - 1);
      const Axis axis = cut_axis(length, side, before, after, margins.alignment);
      list.push_back({side, axis.extent, static_cast<std::int64_t>(axis.starts.size())});
    }
    return list;
  };
  const std::vector<Choice> rows = choices(height, margins.top, margins.bottom);
  const std::vector<Choice> columns = choices(width, margins.left, margins.right);
  std::pair<std::int64_t, std::int64_t> best{height, width};
  double best_cost = std::numeric_limits<double>::infinity();
  bool best_fits = false;
  for (const Choice& row : rows)
    for (const Choice& column : columns) {
      const std::int64_t pixels = row.extent * column.extent;
      const std::int64_t rounds = (row.tiles * column.tiles + threads - 1) / threads;
      const bool fits = pixels <= most_pixels;
      // Pixels that the busiest thread computes; where nothing fits, the smallest tiles do least harm.
      const double cost = fits ? static_cast<double>(rounds * pixels) : static_cast<double>(pixels);
      if ((fits && !best_fits) || (fits == best_fits && cost < best_cost)) {
        best = {row.side, column.side};
        best_cost = cost;
        best_fits = fits;
      }
    }
  return best;
}

}  // namespace latentflow::nn

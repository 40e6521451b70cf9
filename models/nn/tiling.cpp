// tiling.cpp: see tiling.h.
#include "tiling.h"

#include <algorithm>
#include <limits>

namespace latentflow::nn {

namespace {

std::int64_t round_up(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

/// One axis of a tile geometry; before and after are multiples of the alignment.
struct Margin {
  std::int64_t before, after, alignment;
};

Margin margin_of(const TileGeometry& geometry, std::size_t axis) {
  const std::int64_t alignment = geometry.alignment[axis];
  return {round_up(geometry.halo[axis], alignment), round_up(geometry.halo[axis + 2], alignment), alignment};
}

/// One axis of a cut: all tiles have the same extent.
struct Axis {
  std::int64_t extent = 0;
  std::vector<std::int64_t> starts;
};

/// Tiles start on multiples of the alignment and leave the same remainder as the picture, so that the last one ends
/// where the picture does and every layer sees the parity it would see in the whole.
Axis cut_axis(std::int64_t length, std::int64_t side, const Margin& margin) {
  const auto [before, after, alignment] = margin;
  const std::int64_t least = before + after + std::max(alignment, round_up((before + after) / 2, alignment));
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
                      const TileGeometry& geometry) {
  const Margin vertical = margin_of(geometry, 0), horizontal = margin_of(geometry, 1);
  const Axis rows = cut_axis(height, side_y, vertical), columns = cut_axis(width, side_x, horizontal);
  std::vector<Tile> tiles;
  for (std::size_t i = 0; i < rows.starts.size(); ++i)
    for (std::size_t j = 0; j < columns.starts.size(); ++j) {
      const std::int64_t top = kept_from(rows, i, height, vertical.before);
      const std::int64_t left = kept_from(columns, j, width, horizontal.before);
      tiles.push_back({{rows.starts[i], columns.starts[j], rows.extent, columns.extent},
                       {top, left, kept_from(rows, i + 1, height, vertical.before) - top,
                        kept_from(columns, j + 1, width, horizontal.before) - left}});
    }
  return tiles;
}

std::pair<std::int64_t, std::int64_t> choose_sides(std::int64_t height, std::int64_t width,
                                                   const TileGeometry& geometry, std::int64_t most_pixels,
                                                   bool mostly_halo) {
  constexpr std::int64_t most_tiles = 128;  // along an axis
  struct Choice {
    std::int64_t side, extent, tiles;
    bool wasteful;  ///< less than twice the halo
  };
  const auto choices = [&](std::int64_t length, const Margin& margin) {
    const std::int64_t both = margin.before + margin.after;
    std::vector<Choice> list;
    for (std::int64_t count = 1; count <= std::min(most_tiles, length); ++count) {
      const std::int64_t inner = round_up((length - both + count - 1) / count, margin.alignment);
      const std::int64_t side = std::min(length, inner + both + margin.alignment - 1);
      const Axis axis = cut_axis(length, side, margin);
      const bool wasteful = !list.empty() && axis.extent < 2 * both;
      if (wasteful && !mostly_halo) break;
      if (wasteful && axis.extent == list.back().extent) continue;
      list.push_back({side, axis.extent, static_cast<std::int64_t>(axis.starts.size()), wasteful});
    }
    return list;
  };
  const std::vector<Choice> rows = choices(height, margin_of(geometry, 0));
  const std::vector<Choice> columns = choices(width, margin_of(geometry, 1));
  std::pair<std::int64_t, std::int64_t> best{height, width};
  double best_cost = std::numeric_limits<double>::infinity();
  bool best_fits = false, best_wastes = true;
  for (const Choice& row : rows)
    for (const Choice& column : columns) {
      const std::int64_t pixels = row.extent * column.extent;
      const bool fits = pixels <= most_pixels;
      const bool wastes = row.wasteful || column.wasteful;
      if (wastes && !fits) continue;
      // Where nothing fits, the smallest tiles do least harm.
      const double cost = static_cast<double>(fits ? row.tiles * column.tiles * pixels : pixels);
      const bool better = fits != best_fits ? fits : wastes != best_wastes ? !wastes : cost < best_cost;
      if (better) {
        best = {row.side, column.side};
        best_cost = cost;
        best_fits = fits;
        best_wastes = wastes;
      }
    }
  return best;
}

}  // namespace latentflow::nn

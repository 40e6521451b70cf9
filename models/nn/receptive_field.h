// receptive_field.h: how far an output pixel of an image-to-image network sees, which is what tiles must overlap.
#pragma once

#include <optional>

#include "nn/graph.h"
#include "nn/window.h"

namespace latentflow::nn {

/// What a network needs to run in tiles and give the result of the whole picture: take a tile whose corner lies on
/// multiples of `alignment`, widen it by `halo` rounded up to multiples of `alignment`, clip it to the picture, run,
/// and keep the part that belongs to the tile.
struct TileGeometry {
  Padding halo{0, 0, 0, 0};  ///< input pixels: top, left, bottom, right
  Pair alignment{1, 1};      ///< input pixels: vertical, horizontal; what all strides and blocks amount to

  bool operator==(const TileGeometry&) const = default;
};

/// Exact interval arithmetic over all paths from every output back to every input, for one aligned block of output
/// pixels. Inputs whose declared height and width are 1 (a noise level) reach every tile whole. Nothing when the
/// network cannot run in tiles: an output is not of the input's size, or something sees the whole picture
/// (GlobalAveragePool, Gemm, MatMul, Flatten, Reshape, Resize to a fixed size or aligned at the corners, constants as
/// large as a picture).
std::optional<TileGeometry> tile_geometry(const Graph& graph);

/// For a network that can run in tiles: the pixels of every value, by ValueId, on which the pixels `kept` of the
/// outputs depend. They may reach beyond the picture; values without one, and those that nothing needs, have no limits.
std::vector<Window> needed_windows(const Graph& graph, const Window& kept);

/// The pixels of the first input on which one pixel of the outputs depends; the outputs may be smaller than the input,
/// as codes are. They may reach beyond the picture. Nothing when something sees the whole picture, see tile_geometry().
std::optional<Window> receptive_field(const Graph& graph, std::int64_t row, std::int64_t column);

}  // namespace latentflow::nn

// onnx_views.h: what a chain of Reshape, Transpose, Squeeze and Unsqueeze does to the axes of one tensor.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graph.h"

namespace latentflow::nn {

/// An integer that a file computes while shaping tensors: a number, or extent `axis` of value `of` times `multiply`
/// divided by `divide`.
struct Extent {
  std::int64_t number = 0;
  ValueId of = no_value;
  int axis = 0;
  std::int64_t multiply = 1, divide = 1;

  bool known() const { return of == no_value; }
  bool operator==(const Extent&) const = default;
};

/// Every axis of a view is a list of pieces of the axes of `base`, the slowest varying first. Pieces of extent 1 are
/// left out. Exporters spell PixelShuffle as Reshape-Transpose-Reshape in several ways; on pieces they all look alike.
class View {
 public:
  /// Part of one axis of the base: index (i / inner) % extent of that axis; extent -1 when unknown.
  struct Piece {
    int axis = 0;
    std::int64_t extent = -1, inner = 1;
    bool operator==(const Piece&) const = default;
  };
  using Axes = std::vector<std::vector<Piece>>;

  /// The base itself, whose extents may be -1.
  View(ValueId base, const Dims& dims);

  ValueId base() const { return base_; }
  std::size_t rank() const { return axes_.size(); }
  /// Extent of one axis; -1 when unknown.
  std::int64_t extent(std::size_t axis) const;

  /// False, and the view is spoilt, when the pieces cannot be cut that way (or it is not known that they can).
  bool reshape(std::span<const Extent> target);
  /// `order` lists the old axes in their new order.
  bool transpose(std::span<const std::int64_t> order);
  /// Takes the marked axes, of extent 1, away.
  bool remove(const std::vector<bool>& marked);
  /// ONNX SpaceToDepth (DCR) of a view with four axes.
  bool space_to_depth(std::int64_t block);

  /// The single operator that the whole chain amounts to; Op::reshape (of nothing) when it does nothing.
  struct Meaning {
    Op op;
    DepthSpaceAttributes attributes;
  };
  std::optional<Meaning> meaning() const;

 private:
  ValueId base_;
  Axes base_axes_, axes_;
};

}  // namespace latentflow::nn

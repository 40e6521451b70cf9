// node_shape.h: the shape rule of one node; infer_shapes runs it over a graph.
#pragma once

#include <span>

#include "graph.h"

namespace latentflow::nn {

// Far above any picture or network; they keep products of extents clear of overflow.
inline constexpr std::int64_t extent_limit = std::int64_t{1} << 31;
inline constexpr std::int64_t element_limit = std::int64_t{1} << 40;

/// Extents of the node's output for inputs of positive extents; a null input is one that is left out. The result
/// still has to be checked against the limits above. Errors name the node, what it needs and what it got.
Result<Dims> output_dims(const Node& node, std::span<const Dims* const> inputs);

}  // namespace latentflow::nn

// node_shape.h: the shape rule of one node, for known and for partly known inputs.
#pragma once

#include <optional>
#include <span>

#include "graph.h"

namespace latentflow::nn {

// Far above any picture or network; they keep products of extents clear of overflow.
inline constexpr std::int64_t extent_limit = std::int64_t{1} << 31;
inline constexpr std::int64_t element_limit = std::int64_t{1} << 40;

/// Extents of the node's output for inputs of positive extents; a null input is one that is left out. The result
/// still has to be checked against the limits above. Errors name the node, what it needs and what it got.
Result<Dims> output_dims(const Node& node, std::span<const Dims* const> inputs);

/// The same where extents that are -1 in `declared` only stand in for any others: nothing where others could make a
/// node valid that is not with these. Errors show them as free.
Result<std::optional<Dims>> output_dims(const Node& node, std::span<const Dims* const> inputs,
                                        std::span<const Dims* const> declared);

/// What can be said of the node's output before the input sizes are known: from the declared extents in
/// graph.value(...).dims, where -1 and an empty list (of a value without constant) mean unknown. Nothing when not even
/// the number of axes follows. An error only where no input size could make the node valid.
Result<std::optional<Dims>> declared_output_dims(const Graph& graph, const Node& node);

/// Writes what declared_output_dims finds into graph.value(...).dims of every node output.
Status declare_dims(Graph& graph);

}  // namespace latentflow::nn

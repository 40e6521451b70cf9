// precision_choice.h: which convolutions of a quantized network are computed in integers.
#pragma once

#include <vector>

#include "nn/graph.h"
#include "nn/layers/layer.h"

namespace latentflow::nn {

/// Per node of the graph whether it is a Conv that runs in integers: runs_in_integers(), and there is an algorithm for
/// these shapes. `shapes` as from infer_shapes.
std::vector<bool> integer_convolutions(const Graph& graph, const std::vector<Dims>& shapes, Winograd winograd);

/// The graph without the rounding in front of all but those convolutions that are faster in integers, and of nodes that
/// take from a value what its rounding left: measured on a part of one picture, once per shape of it and machine
/// (algorithm_choice.h), with the conversions that either way needs between it and neighbours that can be computed in
/// integers. Throws dnnl::error and std::bad_alloc.
Graph without_slow_integers(const Graph& graph, const std::vector<Dims>& shapes, Winograd winograd);

}  // namespace latentflow::nn

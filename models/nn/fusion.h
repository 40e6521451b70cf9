// fusion.h: which nodes run together: convolutions take over the sums and activations that follow them, products of
// matrices the bias and activation.
#pragma once

#include <vector>

#include "nn/graph.h"
#include "nn/layers/layer.h"

namespace latentflow::nn {

/// One step of execution: a node of the graph with what was fused into it.
struct FusedNode {
  std::size_t node = 0;         ///< index into graph.nodes; its operator and attributes lead
  std::vector<ValueId> inputs;  ///< the node's, then the other operand of a fused sum or the fused bias
  std::vector<PostOp> post_ops;
  const Node* rounding = nullptr;  ///< Quantize behind a convolution in integers, which stores its result so
  ValueId output = no_value;       ///< of the last node fused
};

/// In an order in which it can be executed. A sum is fused when the other operand is ready before the convolution and
/// not needed after it, so that it can serve as accumulator; at most one sum per convolution. A bias is fused when it
/// is a row of constants that is added to the result of a MatMul and leaves its shape. A Quantize is fused where both
/// the convolution before it and one behind it run in integers (`integers`, per node). `shapes` as from infer_shapes.
std::vector<FusedNode> fuse(const Graph& graph, const std::vector<Dims>& shapes, const std::vector<bool>& integers);

}  // namespace latentflow::nn

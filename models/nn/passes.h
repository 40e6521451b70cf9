// passes.h: rewriting of operator graphs before they are planned.
#pragma once

#include "nn/graph.h"

namespace latentflow::nn {

/// Turns every BatchNormalization (inference form) into what it does to fixed weights: it is multiplied into the
/// weights of the Conv, ConvTranspose or Gemm before it where that feeds nothing else, and becomes Mul and Add with
/// constants elsewhere. Errors name the node: statistics that are no constants, a variance that is not positive.
Status fold_batch_normalization(Graph& graph);

/// Replaces elementwise nodes and reshapes whose inputs are all constants by their value.
Status fold_constants(Graph& graph);

/// Removes nodes and constants that no output depends on and numbers the values anew; inputs stay.
Status remove_unused(Graph& graph);

/// All of these, in this order: the graph to plan for inference. Outputs keep their names.
Result<Graph> optimised(Graph graph);

}  // namespace latentflow::nn

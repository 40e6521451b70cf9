// model_sizes.h: what `latentflow model` says of picture sizes that a network does not take.
#pragma once

#include <span>

#include "nn/graph.h"

namespace latentflow::nn {

/// `error`, which a network gave for these inputs, in the order of graph.inputs. Where they do not fit and the picture
/// among them has a height or a width that is no multiple of what the card says, then that: the layer that fails first
/// may ask for less.
Error explain_size(Error error, const Graph& graph, std::span<const Dims> inputs);

}  // namespace latentflow::nn

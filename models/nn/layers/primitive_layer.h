// primitive_layer.h: shared by the layers that wrap oneDNN primitives.
#pragma once

#include "layer.h"

namespace latentflow::nn {

/// Runs on the calling thread's stream; CPU streams finish before they return.
void execute(const dnnl::primitive& primitive, const onednn::Arguments& arguments);

/// Appends an activation to post operations; `op` is one of Relu, LeakyRelu, Sigmoid, Tanh, Clip.
void append_activation(dnnl::post_ops& post_ops, Op op, const Attributes& attributes);

/// The eltwise primitive of an activation, usable in place.
dnnl::eltwise_forward::primitive_desc activation_descriptor(Op op, const Attributes& attributes, const Layout& layout);

}  // namespace latentflow::nn

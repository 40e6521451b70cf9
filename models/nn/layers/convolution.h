// convolution.h: shared by the convolution layers.
#pragma once

#include <cstdint>

#include "layer.h"

namespace latentflow::nn {

/// Weights of a convolution as oneDNN sees them: [M,C,kh,kw] or [g,M/g,C/g,kh,kw], row-major over the constant;
/// a transposed convolution's [C,M/g,kh,kw] is described by strides instead of being copied.
struct FilterShape {
  Dims dims;
  Layout stored;
};
FilterShape filter_shape(const ConvAttributes& attributes, const Dims& weights, bool transposed);

/// Sum and activations a convolution is asked to do after itself as oneDNN attributes: the first `count` of them.
dnnl::primitive_attr convolution_attributes(std::span<const PostOp> post_ops, std::size_t count);

/// 3x3 convolution to so few output channels that oneDNN would spend most of its work on padding: computed row by row
/// from channel blocks of 16. Null when the request does not fit it.
std::unique_ptr<Layer> make_narrow_convolution(const LayerRequest& request);

/// Conv or ConvTranspose whose kernel is as large as its stride, without padding: computed block by block. Null when the
/// request does not fit it.
std::unique_ptr<Layer> make_block_convolution(const LayerRequest& request);

/// Asks `measure` (which returns whether Winograd was faster) once per key in the life of the process.
bool winograd_wins(const std::string& key, const std::function<bool()>& measure);

}  // namespace latentflow::nn

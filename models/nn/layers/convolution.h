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

/// Whether Winograd's F(4x4,3x3) computes it: 3x3, stride 1, undilated, one group.
bool fits_winograd(const ConvAttributes& attributes);

/// Our own Winograd convolution. Null when the request does not fit it.
std::unique_ptr<Layer> make_winograd_convolution(const LayerRequest& request);
/// Time of one of these on zeros of the extents `src` and `dst`, in seconds of the calling thread.
double winograd_seconds(const ConvAttributes& attributes, const Dims& src, const Dims& dst);

}  // namespace latentflow::nn

// convolution.h: shared by the convolution layers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "layer.h"
#include "nn/shared_work.h"
#include "nn/winograd/winograd.h"

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

/// What has to be padded below and right so that the extents come out, rows and columns that the strides never reach
/// absorbed; `small` is the output of a Conv and the input of a ConvTranspose.
Dims far_padding(const ConvAttributes& attributes, const Dims& small, const Dims& large);

/// Conv in integers with exact sums, where the request asks for it and there is an algorithm: oneDNN's, compiled and
/// on weights that its sums are exact for (direct_sums_fit), or Winograd's; else false and null. Where both are there
/// the faster one is taken, measured as for floats.
bool has_integer_convolution(const LayerRequest& request);
std::unique_ptr<Layer> make_integer_convolution(const LayerRequest& request);

/// 3x3 convolution to so few output channels that oneDNN would spend most of its work on padding: computed row by row
/// from channel blocks of 16. Null when the request does not fit it.
std::unique_ptr<Layer> make_narrow_convolution(const LayerRequest& request);

/// Conv or ConvTranspose whose kernel is as large as its stride, without padding: computed block by block. Null when
/// the request does not fit it.
std::unique_ptr<Layer> make_block_convolution(const LayerRequest& request);

/// Whether Winograd's algorithm for 3x3 filters computes it: stride 1, undilated, one group.
bool fits_winograd(const ConvAttributes& attributes);

/// The post operation as its kernels do it; none where they cannot.
std::optional<winograd::Step> winograd_step(const PostOp& post);

/// share_work() over groups of tiles: neighbouring ones on one thread, because the next one's pixels are fetched ahead,
/// and enough pieces to end together.
template <class Work>
void share_groups(std::int64_t groups, const Work& work) {
  share_work(groups, std::clamp<std::int64_t>(groups / (8 * most_sharers()), 1, 4), work);
}

/// The name of our own Winograd algorithm with tiles of this side.
std::string winograd_name(std::int64_t tile);
/// Sides of the tiles that are worth timing for the request when its result is as large as `dst`, the one with the
/// fewest products first; empty when our own Winograd does not fit it.
std::vector<std::int64_t> winograd_tiles(const LayerRequest& request, const Dims& dst);
/// `tile`: one of winograd_tiles().
std::unique_ptr<Layer> make_winograd_convolution(const LayerRequest& request, std::int64_t tile);
/// Time of one of these on zeros of the extents `src` and `dst`, in seconds of the calling thread.
double winograd_seconds(const ConvAttributes& attributes, const Dims& src, const Dims& dst, std::int64_t tile);

}  // namespace latentflow::nn

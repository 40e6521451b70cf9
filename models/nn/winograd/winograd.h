// winograd.h: 3x3 convolutions of stride 1 by Winograd's F(m x m, 3x3), m = 2, 4 or 6, forward and backward, on any
// processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "latentflow/tensor.h"
#include "nn/window.h"

namespace latentflow::nn::winograd {

/// Method: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016): tiles of 4x4 outputs from 6x6
/// inputs with 36 products instead of 144; tiles of 6x6 take 64 instead of 324, tiles of 2x2 16 instead of 36. Larger
/// tiles need fewer products but round more (relative error of 64 channels of random numbers: 3e-7, 8e-7, 4e-6 for 2, 4
/// and 6) and waste more at the edges. The points are in points.h. Accumulates in float.
///
/// Pictures lie as nChw8c or nChw16c: channels in blocks, the last block padded with zeros. All functions run on the
/// calling thread, keep no state, and give the same bits on every call.
struct Shape {
  std::int64_t images = 1, src_channels = 0, dst_channels = 0;
  std::int64_t src_height = 0, src_width = 0, dst_height = 0, dst_width = 0;
  std::int64_t top = 0, left = 0;  ///< zero padding before the picture; what lies behind its end reads as zero, too
  std::int64_t block = 16;         ///< channels per block of both pictures, 8 or 16
  std::int64_t tile = 4;           ///< side of the output tiles, 2, 4 or 6; backward_weights() always takes 4
  Window wanted{};                 ///< of dst, for forward(): tiles outside of it keep what they held
  Window readable{};               ///< of src, for forward(): the rest reads as zero

  std::int64_t padded_src_channels() const { return (src_channels + block - 1) / block * block; }
  std::int64_t padded_dst_channels() const { return (dst_channels + block - 1) / block * block; }
};

/// Of pictures [N,C,H,W].
inline Shape shape_of(const Dims& src, const Dims& dst, std::int64_t top, std::int64_t left, std::int64_t block,
                      std::int64_t tile) {
  return {src[0], src[1], dst[1], src[2], src[3], dst[2], dst[3], top, left, block, tile, {}, {}};
}

/// Sides of tiles that may be the fastest for results [N,C,H,W]: those that take at most 1.3 times the fewest products,
/// edges included; the one with the fewest first.
std::vector<std::int64_t> worthwhile_tiles(const Dims& dst);

/// The shape of the convolution that gives the gradient by the source: of the gradient by the result, with the flipped
/// filter.
Shape backward_data(const Shape& forward);

/// What happens to a result before it is stored, in this order after the bias.
struct Step {
  enum class Kind { sum, leaky_relu, clip } kind = Kind::sum;
  float low = 0, high = 0;  ///< clip: limits; leaky_relu: `low` is the slope below zero, 0 for a plain rectifier
};

/// `plain`: filters [dst_channels, src_channels, 3, 3]. `flipped`: those of the forward convolution whose
/// backward_data() the shape is, [src_channels, dst_channels, 3, 3] of this shape.
enum class Filter { plain, flipped };

/// Of the groups of tiles of a convolution, or of its output channels: the ones to compute, so that threads may share
/// one.
struct Part {
  std::int64_t first = 0, last = std::numeric_limits<std::int64_t>::max();
};

/// Size in floats of the transformed filters, whose order is private to this processor, and the transformation itself.
std::size_t packed_filter_size(const Shape& shape);
/// Parts of it begin at multiples of filter_panel channels.
inline constexpr std::int64_t filter_panel = 32;
void pack_filter(const Shape& shape, Filter kind, const float* filter, float* packed, Part channels = {});

/// dst = steps(src * filter + bias). `bias`: dst_channels padded to whole blocks, or null. A `sum` adds what dst held.
/// `scratch`: 64-byte aligned, one for each thread. A result does not depend on the part it was computed in.
std::size_t forward_scratch_bytes(const Shape& shape);
std::int64_t forward_groups(const Shape& shape);
void forward(const Shape& shape, const float* src, const float* packed, const float* bias, std::span<const Step> steps,
             float* dst, std::byte* scratch, Part groups = {});

/// `filter_gradient` [dst_channels, src_channels, 3, 3] and, unless null, `bias_gradient` [dst_channels], both
/// overwritten, from the source and the gradient by the result of the forward convolution `shape`. `scratch`: 64-byte
/// aligned.
std::size_t backward_weights_scratch_bytes(const Shape& shape);
void backward_weights(const Shape& shape, const float* src, const float* dst_gradient, float* filter_gradient,
                      float* bias_gradient, std::byte* scratch);

}  // namespace latentflow::nn::winograd

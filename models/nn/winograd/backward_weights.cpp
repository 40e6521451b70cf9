// backward_weights.cpp: the gradient by the filter: F(3x3,4x4) at the same points as the convolution itself.
#include "nn/highway/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/winograd/backward_weights.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "multiply-inl.h"
#include "nn/highway/dispatch.h"
#include "patches-inl.h"
#include "tiles.h"
#include "transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

/// Tiles of the result; with the 3x3 filter the gradients take the part of the filter and the filter that of the
/// result.
constexpr int tile = 4, patch = patch_side(tile);
constexpr std::int64_t points = point_count(tile);

/// Sums are read and written once per group, patches of the source and of the gradient once per group and point: large
/// groups save the first, small ones keep the second near.
constexpr std::int64_t group_budget_bytes = 640 << 10;

/// Where the parts of the scratch memory begin, in floats.
struct Places {
  std::int64_t rows, patch_stride, gradient_stride, sum_stride, gradients, sums, bias, end;

  explicit Places(const Shape& shape) {
    const std::int64_t in = shape.padded_src_channels(), out = shape.padded_dst_channels();
    rows = group_size(Tiling(shape, tile), points * (in + out), group_budget_bytes, 2);
    patch_stride = point_stride(rows, in), gradient_stride = point_stride(rows, out),
    sum_stride = point_stride(in, out);
    gradients = points * patch_stride;
    sums = gradients + points * gradient_stride;
    bias = sums + points * sum_stride;
    end = bias + out;
  }
};

/// sums[point][source channel][result channel] += products over the tiles of a group.
template <int Block>
void add_products(const Shape& shape, const Places& places, std::int64_t tiles, float* scratch) {
  const Floats<Channels<Block>> floats;
  const std::int64_t in = shape.padded_src_channels(), out = shape.padded_dst_channels();
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(floats.d));
  for (std::int64_t point = 0; point < points; ++point)
    for (std::int64_t channel = 0; channel < out; channel += 2 * lanes) {
      const Product<float> product{scratch + point * places.patch_stride,
                                   in,
                                   scratch + places.gradients + point * places.gradient_stride + channel,
                                   out,
                                   tiles,
                                   scratch + places.sums + point * places.sum_stride + channel,
                                   out};
      channel + 2 * lanes <= out ? multiply<2, true, true>(floats, product, in)
                                 : multiply<1, true, true>(floats, product, in);
    }
}

/// The sums become filters [dst_channels, src_channels, 3, 3].
template <int Block>
void store_filters(const Shape& shape, const Places& places, const float* sums, float* gradient) {
  const Channels<Block> d;
  const std::int64_t out = shape.padded_dst_channels();
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  constexpr int taps = 9;
  HWY_ALIGN float filters[taps * hn::MaxLanes(d)];
  for (std::int64_t channel = 0; channel < shape.dst_channels; channel += lanes)
    for (std::int64_t c = 0; c < shape.src_channels; ++c) {
      const float* from = sums + c * out + channel;
      transform<OutputTransform<3, patch>>(
          d,
          [&](int row, int column) HWY_ATTR { return hn::LoadU(d, from + (row * patch + column) * places.sum_stride); },
          [&](int row, int column, auto value) HWY_ATTR { hn::Store(value, d, filters + (row * 3 + column) * lanes); });
      for (std::int64_t lane = 0; lane < std::min(lanes, shape.dst_channels - channel); ++lane)
        for (int tap = 0; tap < taps; ++tap)
          gradient[((channel + lane) * shape.src_channels + c) * taps + tap] = filters[tap * lanes + lane];
    }
}

template <int Block>
void sum_pixels(const Shape& shape, const float* gradient, float* sums) {
  const Channels<Block> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t blocks = shape.padded_dst_channels() / Block, pixels = shape.dst_height * shape.dst_width;
  std::fill_n(sums, shape.padded_dst_channels(), 0.0f);
  for (std::int64_t image = 0; image < shape.images; ++image)
    for (std::int64_t channel = 0; channel < blocks * Block; channel += lanes) {
      const float* from = gradient + (image * blocks + channel / Block) * pixels * Block + channel % Block;
      auto sum = hn::Zero(d);
      for (std::int64_t pixel = 0; pixel < pixels; ++pixel) sum = hn::Add(sum, hn::LoadU(d, from + pixel * Block));
      hn::StoreU(hn::Add(sum, hn::LoadU(d, sums + channel)), d, sums + channel);
    }
}

template <int Block>
void backward_weights_blocks(const Shape& shape, const float* src, const float* dst_gradient, float* filter_gradient,
                             float* bias_gradient, float* scratch) {
  const Tiling tiling(shape, tile);
  const Places places(shape);
  const std::int64_t in = shape.padded_src_channels(), out = shape.padded_dst_channels();
  const Picture source{src,
                       in,
                       shape.src_height,
                       shape.src_width,
                       shape.top,
                       shape.left,
                       Window{}.within(shape.src_height, shape.src_width)};
  const Picture gradient{
      dst_gradient, out, shape.dst_height, shape.dst_width, 0, 0, Window{}.within(shape.dst_height, shape.dst_width)};
  std::fill_n(scratch + places.sums, points * places.sum_stride, 0.0f);
  for (std::int64_t first = 0; first < tiling.count; first += places.rows) {
    const std::int64_t tiles = std::min(places.rows, tiling.count - first);
    transform_patches<Block, InputTransform<patch>>(source, tiling, first, tiles, places.rows, scratch);
    transform_patches<Block, FilterTransform<tile, patch>>(gradient, tiling, first, tiles, places.rows,
                                                           scratch + places.gradients);
    add_products<Block>(shape, places, tiles, scratch);
  }
  store_filters<Block>(shape, places, scratch + places.sums, filter_gradient);
  if (bias_gradient == nullptr) return;
  sum_pixels<Block>(shape, dst_gradient, scratch + places.bias);
  std::copy_n(scratch + places.bias, shape.dst_channels, bias_gradient);
}

void backward_weights_any(const Shape& shape, const float* src, const float* dst_gradient, float* filter_gradient,
                          float* bias_gradient, float* scratch) {
  shape.block == 16 ? backward_weights_blocks<16>(shape, src, dst_gradient, filter_gradient, bias_gradient, scratch)
                    : backward_weights_blocks<8>(shape, src, dst_gradient, filter_gradient, bias_gradient, scratch);
}

std::size_t backward_scratch_floats(const Shape& shape) { return static_cast<std::size_t>(Places(shape).end); }

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latentflow::nn::winograd {

HWY_EXPORT(backward_weights_any);
HWY_EXPORT(backward_scratch_floats);

std::size_t backward_weights_scratch_bytes(const Shape& shape) {
  return LATENTFLOW_DISPATCH(backward_scratch_floats)(shape) * sizeof(float);
}

void backward_weights(const Shape& shape, const float* src, const float* dst_gradient, float* filter_gradient,
                      float* bias_gradient, std::byte* scratch) {
  LATENTFLOW_DISPATCH(backward_weights_any)
  (shape, src, dst_gradient, filter_gradient, bias_gradient, reinterpret_cast<float*>(scratch));
}

}  // namespace latentflow::nn::winograd
#endif

// forward.cpp: the convolution itself, and its gradient by the source, which is one too.
#include "nn/highway/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/winograd/forward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "multiply-inl.h"
#include "nn/highway/dispatch.h"
#include "patches-inl.h"
#include "prefetch-inl.h"
#include "steps-inl.h"
#include "tiles.h"
#include "transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

/// The group's patches stay in the second-level cache beside the results of one panel.
constexpr std::int64_t patch_budget_bytes = 240 << 10;

/// Two vectors of output channels are computed together; an odd last one alone.
template <int Block>
std::int64_t panel_width() {
  return 2 * static_cast<std::int64_t>(hn::Lanes(Channels<Block>()));
}

std::int64_t rows_of(const Shape& shape, const Tiling& tiling) {
  return group_size(tiling, point_count(shape.tile) * shape.padded_src_channels(), patch_budget_bytes, most_rows);
}

/// Products [point][tile][column] of the output channels from `channel` become pixels.
template <int Tile, int Block, int Vectors, Ending ending>
HWY_NOINLINE void store_tiles(const Shape& shape, const Tiling& tiling, std::int64_t first, std::int64_t tiles,
                              const float* products, std::int64_t stride, std::int64_t channel, const Store& store) {
  const Channels<Block> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t row_step = shape.dst_width * Block, plane = shape.dst_height * row_step;
  const std::int64_t blocks = shape.padded_dst_channels() / Block;
  for (std::int64_t t = 0; t < tiles; ++t) {
    const Place tile = tiling.at(first + t);
    const std::int64_t down = shape.dst_height - tile.y, across = shape.dst_width - tile.x;
    for (std::int64_t v = 0; v < Vectors; ++v) {
      const std::int64_t c = channel + v * lanes;
      const auto bias = store.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, store.bias + c);
      float* dst =
          store.dst + (tile.image * blocks + c / Block) * plane + tile.y * row_step + tile.x * Block + c % Block;
      const float* from = products + (t * Vectors + v) * lanes;
      const auto read = [&](int row, int column)
                            HWY_ATTR { return hn::LoadU(d, from + (row * patch_side(Tile) + column) * stride); };
      if (down >= Tile && across >= Tile)
        transform<OutputTransform<Tile, patch_side(Tile)>>(d, read, [&](int row, int column, auto value) HWY_ATTR {
          float* to = dst + row * row_step + column * Block;
          value = hn::Add(value, bias);
          if constexpr (ending == Ending::rectify) value = hn::Max(value, hn::Zero(d));
          if constexpr (ending == Ending::any) value = finish(d, value, store.steps, to);
          hn::StoreU(value, d, to);
        });
      else
        transform<OutputTransform<Tile, patch_side(Tile)>>(d, read, [&](int row, int column, auto value) HWY_ATTR {
          if (row >= down || column >= across) return;
          float* to = dst + row * row_step + column * Block;
          hn::StoreU(finish(d, hn::Add(value, bias), store.steps, to), d, to);
        });
    }
  }
}

template <int Tile, int Block, Ending ending>
void forward_blocks(const Shape& shape, const float* src, const float* packed, const Store& store, float* scratch,
                    Part groups) {
  const Floats<Channels<Block>> floats;
  const Tiling tiling(shape, Tile);
  constexpr std::int64_t points = point_count(Tile);
  const std::int64_t in = shape.padded_src_channels(), out = shape.padded_dst_channels(), width = panel_width<Block>();
  const std::int64_t rows = rows_of(shape, tiling), patch_stride = point_stride(rows, in);
  const std::int64_t panels = (out + width - 1) / width;
  float* patches = scratch;
  float* products = scratch + points * patch_stride;
  const Picture picture{src,
                        in,
                        shape.src_height,
                        shape.src_width,
                        shape.top,
                        shape.left,
                        shape.readable.within(shape.src_height, shape.src_width)};
  const PixelPlanes planes{
      src, in / Block, Block * std::int64_t{sizeof(float)}, shape.src_height, shape.src_width, shape.top, shape.left};
  const std::int64_t last_group = std::min(groups.last, group_count(tiling, rows));
  for (std::int64_t first = groups.first * rows; first < last_group * rows; first += rows) {
    const std::int64_t tiles = std::min(rows, tiling.count - first);
    const std::int64_t used = (tiles + 1) / 2 * 2;  // products come in even numbers of rows
    transform_patches<Block, InputTransform<patch_side(Tile)>>(picture, tiling, first, tiles, rows, patches);
    PatchPrefetch following(planes, tiling, first + tiles, std::min(rows, tiling.count - first - tiles),
                            points * panels);
    for (std::int64_t channel = 0; channel < out; channel += width) {
      const bool whole = channel + width <= out;
      const std::int64_t columns = whole ? width : width / 2, stride = point_stride(rows, columns);
      const float* filter = packed + points * in * channel;
      for (std::int64_t point = 0; point < points; ++point) {
        following.next_share();
        const Product<float> product{patches + point * patch_stride, in,     filter + point * in * columns, columns, in,
                                     products + point * stride,      columns};
        whole ? multiply<2, false, false>(floats, product, used) : multiply<1, false, false>(floats, product, used);
      }
      if (whole)
        store_tiles<Tile, Block, 2, ending>(shape, tiling, first, tiles, products, stride, channel, store);
      else
        store_tiles<Tile, Block, 1, ending>(shape, tiling, first, tiles, products, stride, channel, store);
    }
  }
}

template <int Tile, int Block>
void forward_ending(const Shape& shape, const float* src, const float* packed, const Store& store, float* scratch,
                    Part groups) {
  with_ending(ending_of(store.steps),
              [&](auto ending) { forward_blocks<Tile, Block, ending()>(shape, src, packed, store, scratch, groups); });
}

/// Calls `function` with the side of the tiles and the channels per block as types.
template <class Function>
void with_sides(const Shape& shape, const Function& function) {
  const auto with_block = [&](auto tile) {
    shape.block == 16 ? function(tile, std::integral_constant<int, 16>())
                      : function(tile, std::integral_constant<int, 8>());
  };
  switch (shape.tile) {
    case 2: return with_block(std::integral_constant<int, 2>());
    case 4: return with_block(std::integral_constant<int, 4>());
    default: return with_block(std::integral_constant<int, 6>());
  }
}

void forward_any(const Shape& shape, const float* src, const float* packed, const Store& store, float* scratch,
                 Part groups) {
  with_sides(shape, [&](auto tile, auto block) {
    forward_ending<tile(), block()>(shape, src, packed, store, scratch, groups);
  });
}

std::int64_t groups_of(const Shape& shape) {
  const Tiling tiling(shape, shape.tile);
  return group_count(tiling, rows_of(shape, tiling));
}

std::size_t scratch_floats(const Shape& shape) {
  const std::int64_t rows = rows_of(shape, Tiling(shape, shape.tile));
  const std::int64_t width = shape.block == 16 ? panel_width<16>() : panel_width<8>();
  return static_cast<std::size_t>(point_count(shape.tile) *
                                  (point_stride(rows, shape.padded_src_channels()) + point_stride(rows, width)));
}

/// Transformed filters as [panel of output channels][point][input channel][column], zeros where channels are padding.
template <int Tile, int Block>
void pack_blocks(const Shape& shape, Filter kind, const float* filter, float* packed, Part channels) {
  const Channels<Block> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t in = shape.padded_src_channels(), out = shape.padded_dst_channels(), width = panel_width<Block>();
  constexpr int taps = 9, patch = patch_side(Tile);
  constexpr std::int64_t points = point_count(Tile);
  const std::int64_t out_step = kind == Filter::plain ? shape.src_channels * taps : taps,
                     in_step = kind == Filter::plain ? taps : shape.dst_channels * taps;
  HWY_ALIGN float gathered[taps * hn::MaxLanes(d)];
  for (std::int64_t channel = channels.first; channel < std::min(channels.last, out); channel += lanes) {
    const std::int64_t panel = channel / width * width, columns = std::min(width, out - panel);
    const std::int64_t real = std::clamp<std::int64_t>(shape.dst_channels - channel, 0, lanes);
    for (std::int64_t c = 0; c < in; ++c) {
      std::fill_n(gathered, taps * lanes, 0.0f);
      if (c < shape.src_channels)
        for (std::int64_t lane = 0; lane < real; ++lane) {
          const float* from = filter + (channel + lane) * out_step + c * in_step;
          for (int tap = 0; tap < taps; ++tap)
            gathered[tap * lanes + lane] = from[kind == Filter::plain ? tap : taps - 1 - tap];
        }
      float* to = packed + points * in * panel + c * columns + channel - panel;
      transform<FilterTransform<3, patch>>(
          d, [&](int row, int column) HWY_ATTR { return hn::Load(d, gathered + (row * 3 + column) * lanes); },
          [&](int row, int column, auto value)
              HWY_ATTR { hn::StoreU(value, d, to + (row * patch + column) * in * columns); });
    }
  }
}

void pack_any(const Shape& shape, Filter kind, const float* filter, float* packed, Part channels) {
  with_sides(shape,
             [&](auto tile, auto block) { pack_blocks<tile(), block()>(shape, kind, filter, packed, channels); });
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latentflow::nn::winograd {

HWY_EXPORT(forward_any);
HWY_EXPORT(scratch_floats);
HWY_EXPORT(groups_of);
HWY_EXPORT(pack_any);

Shape backward_data(const Shape& forward) {
  Shape shape = forward;
  shape.src_channels = forward.dst_channels, shape.dst_channels = forward.src_channels;
  shape.src_height = forward.dst_height, shape.dst_height = forward.src_height;
  shape.src_width = forward.dst_width, shape.dst_width = forward.src_width;
  shape.top = 2 - forward.top, shape.left = 2 - forward.left;
  return shape;
}

std::vector<std::int64_t> worthwhile_tiles(const Dims& dst) {
  constexpr std::int64_t sides[] = {6, 4, 2};
  const auto products = [&](std::int64_t side) {
    return (dst[2] + side - 1) / side * ((dst[3] + side - 1) / side) * point_count(side);
  };
  std::int64_t fewest = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t side : sides) fewest = std::min(fewest, products(side));
  std::vector<std::int64_t> tiles;
  for (const std::int64_t side : sides)
    if (products(side) * 10 <= fewest * 13) tiles.push_back(side);
  std::stable_sort(tiles.begin(), tiles.end(), [&](auto a, auto b) { return products(a) < products(b); });
  return tiles;
}

std::size_t packed_filter_size(const Shape& shape) {
  return static_cast<std::size_t>(point_count(shape.tile) * shape.padded_src_channels() * shape.padded_dst_channels());
}

void pack_filter(const Shape& shape, Filter kind, const float* filter, float* packed, Part channels) {
  LATENTFLOW_DISPATCH(pack_any)(shape, kind, filter, packed, channels);
}

std::size_t forward_scratch_bytes(const Shape& shape) {
  return LATENTFLOW_DISPATCH(scratch_floats)(shape) * sizeof(float);
}

std::int64_t forward_groups(const Shape& shape) { return LATENTFLOW_DISPATCH(groups_of)(shape); }

void forward(const Shape& shape, const float* src, const float* packed, const float* bias, std::span<const Step> steps,
             float* dst, std::byte* scratch, Part groups) {
  LATENTFLOW_DISPATCH(forward_any)(shape, src, packed, {bias, steps, dst}, reinterpret_cast<float*>(scratch), groups);
}

}  // namespace latentflow::nn::winograd
#endif

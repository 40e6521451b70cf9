// integer_forward.cpp: see integers.h.
#include "integers.h"

#include "nn/highway/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/winograd/integer_forward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include "integer_products-inl.h"
#include "integer_transforms-inl.h"
#include "multiply-inl.h"
#include "nn/highway/dispatch.h"
#include "nn/onednn.h"
#include "prefetch-inl.h"
#include "steps-inl.h"
#include "tiles.h"
#include "transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

constexpr std::int64_t integer_tile = 4, integer_points = point_count(integer_tile);

/// As for floats, the group's patches stay in the second-level cache beside the results of one panel.
constexpr std::int64_t integer_budget_bytes = 240 << 10;

std::int64_t integer_panel_width() { return 2 * static_cast<std::int64_t>(hn::Lanes(Sums())); }

std::int64_t integer_rows(const Shape& shape, const Tiling& tiling) {
  return group_size<std::int16_t>(tiling, integer_points * shape.src_channels, integer_budget_bytes, most_rows);
}

/// Matrices [point][tile][channel] of the transformed patches of a group of tiles, `Lanes` channels at a time.
template <int Lanes, class Byte>
void transform_bytes(const Shape& shape, const ByteSource& src, const Tiling& tiling, std::int64_t first,
                     std::int64_t tiles, std::int64_t rows, std::int16_t* matrices) {
  const hn::CappedTag<std::int16_t, Lanes> d;
  const hn::Rebind<Byte, decltype(d)> bytes;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t channels = shape.src_channels, row_step = shape.src_width * channels;
  const std::int64_t stride = point_stride<std::int16_t>(rows, channels);
  const auto zero = hn::Set(d, static_cast<std::int16_t>(src.zero)),
             zero_at_1 = hn::Set(d, static_cast<std::int16_t>(36 * src.zero));
  for (std::int64_t t = 0; t < tiles; ++t) {
    const Place tile = tiling.at(first + t);
    const std::int64_t y = tile.y - shape.top, x = tile.x - shape.left;
    const bool inside =
        y >= 0 && x >= 0 && y + IntegerInput::from <= shape.src_height && x + IntegerInput::from <= shape.src_width;
    const Byte* patch =
        static_cast<const Byte*>(src.data) + (tile.image * shape.src_height + y) * row_step + x * channels;
    for (std::int64_t channel = 0; channel < channels; channel += lanes) {
      std::int16_t* out = matrices + t * channels + channel;
      const auto pixel = [&](int row, int column) HWY_ATTR {
        const Byte* at = patch + row * row_step + column * channels + channel;
        return hn::PromoteTo(d, hn::LoadU(bytes, at));
      };
      const auto write = [&](int row, int column, auto value)
                             HWY_ATTR { hn::StoreU(value, d, out + (row * IntegerInput::to + column) * stride); };
      if (inside)
        transform<IntegerInput>(d, pixel, write);
      else
        transform<IntegerInput>(
            d,
            [&](int row, int column) HWY_ATTR {
              const bool outside =
                  y + row < 0 || y + row >= shape.src_height || x + column < 0 || x + column >= shape.src_width;
              return outside ? zero : pixel(row, column);
            },
            write);
      if (src.zero == 0) continue;
      // Of equal pixels all that is left is 36 of them where both polynomials are evaluated at 1.
      std::int16_t* at_1 = out + (IntegerInput::to + 1) * stride;
      hn::StoreU(hn::Sub(hn::LoadU(d, at_1), zero_at_1), d, at_1);
    }
  }
}

/// Rounds to the nearest byte, ties to even, or stores floats as they are.
template <class Value, class D, class V>
HWY_INLINE void store_result(D d, V value, Value* to) {
  if constexpr (std::is_same_v<Value, float>) {
    hn::StoreU(value, d, to);
  } else {
    using Limits = std::numeric_limits<Value>;
    value = hn::Min(hn::Max(value, hn::Set(d, Limits::lowest())), hn::Set(d, Limits::max()));
    // Next to 1.5 * 2^23 floats are whole numbers, which end in the bits of the byte.
    const hn::Rebind<std::uint32_t, D> bits;
    const hn::Rebind<std::uint8_t, D> bytes;
    const auto whole = hn::BitCast(bits, hn::Add(value, hn::Set(d, 12582912.0f)));
    hn::StoreU(hn::TruncateTo(bytes, whole), bytes, reinterpret_cast<std::uint8_t*>(to));
  }
}

/// The inverse of 9 modulo 2^32 times what makes 64 of the powers of two in a pixel's multiple: products with it are 64
/// times the pixel.
constexpr std::int32_t to_64th(std::uint32_t multiple) {
  constexpr std::uint32_t inverse_of_9 = 0x38E38E39;
  static_assert(inverse_of_9 * 9 == 1);
  return static_cast<std::int32_t>(inverse_of_9 * (576 / multiple));
}

/// Products [point][tile][column] of the output channels from `channel` become pixels. `scales` are those of 64ths.
template <int Vectors, Ending ending, class Value>
void store_integer_tiles(const Shape& shape, const Tiling& tiling, std::int64_t first, std::int64_t tiles,
                         const std::int32_t* products, std::int64_t stride, std::int64_t channel,
                         const IntegerResult& result) {
  const Sums d;
  const hn::Rebind<float, Sums> floats;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t channels = shape.dst_channels, row_step = shape.dst_width * channels;
  constexpr auto& multiples = IntegerOutput::multiples;
  const auto zero = hn::Set(floats, result.zero);
  for (std::int64_t t = 0; t < tiles; ++t) {
    const Place tile = tiling.at(first + t);
    const std::int64_t down = shape.dst_height - tile.y, across = shape.dst_width - tile.x;
    for (std::int64_t v = 0; v < Vectors; ++v) {
      const std::int64_t c = channel + v * lanes;
      const auto scale = hn::Mul(hn::LoadU(floats, result.scales + c), hn::Set(floats, 1.0f / 64));
      auto bias = hn::LoadU(floats, result.bias + c);
      if constexpr (ending == Ending::nothing) bias = hn::Add(bias, zero);
      Value* dst =
          static_cast<Value*>(result.dst) + (tile.image * shape.dst_height + tile.y) * row_step + tile.x * channels + c;
      const std::int32_t* from = products + (t * Vectors + v) * lanes;
      transform<IntegerOutput>(
          d,
          [&](int row, int column)
              HWY_ATTR { return hn::LoadU(d, from + (row * IntegerOutput::from + column) * stride); },
          [&](int row, int column, auto sum) HWY_ATTR {
            if (row >= down || column >= across) return;
            Value* to = dst + row * row_step + column * channels;
            sum = hn::Mul(sum, hn::Set(d, to_64th(multiples[row] * multiples[column])));
            auto value = hn::MulAdd(hn::ConvertTo(floats, sum), scale, bias);
            if constexpr (ending == Ending::rectify) value = hn::Max(value, hn::Zero(floats));
            if constexpr (ending == Ending::any)
              value = finish(floats, value, result.steps, reinterpret_cast<const float*>(to));
            if constexpr (ending != Ending::nothing) value = hn::Add(value, zero);
            store_result(floats, value, to);
          });
    }
  }
}

/// Results [point][tile][column] of one panel of filters.
template <class Arithmetic>
void multiply_patches(const std::int16_t* patches, std::int64_t in, std::int64_t rows, std::int64_t used,
                      const std::int16_t* filter, std::int64_t columns, std::int32_t* products,
                      PatchPrefetch& following) {
  const Arithmetic arithmetic;
  const std::int64_t patch_stride = point_stride<std::int16_t>(rows, in), pairs = in / 2,
                     stride = point_stride<std::int32_t>(rows, columns);
  for (std::int64_t point = 0; point < integer_points; ++point) {
    const Product<std::int32_t> product{reinterpret_cast<const std::int32_t*>(patches + point * patch_stride),
                                        pairs,
                                        reinterpret_cast<const std::int32_t*>(filter + point * in * columns),
                                        columns,
                                        pairs,
                                        products + point * stride,
                                        columns};
    following.next_share();
    columns == integer_panel_width() ? multiply<2, false, false>(arithmetic, product, used)
                                     : multiply<1, false, false>(arithmetic, product, used);
  }
}

// Which of them a convolution takes is looked up once: as templates of one another they would be dozens.
using TransformBytes = decltype(&transform_bytes<16, std::uint8_t>);
using MultiplyPatches = decltype(&multiply_patches<Pairs>);
using StoreTiles = decltype(&store_integer_tiles<1, Ending::nothing, float>);

TransformBytes transform_for(const Shape& shape, const ByteSource& src) {
  if (shape.src_channels % 32 == 0)
    return src.is_signed ? &transform_bytes<32, std::int8_t> : &transform_bytes<32, std::uint8_t>;
  return src.is_signed ? &transform_bytes<16, std::int8_t> : &transform_bytes<16, std::uint8_t>;
}

MultiplyPatches multiply_for([[maybe_unused]] bool vnni) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if (vnni) return &multiply_patches<PairsByVnni>;
#endif
  return &multiply_patches<Pairs>;
}

template <int Vectors>
StoreTiles store_for(const IntegerResult& result) {
  using Type = IntegerResult::Type;
  Ending ending = ending_of(result.steps);
  // Bytes that begin at zero are rectified by that.
  if (ending == Ending::rectify && result.type == Type::u8 && result.zero == 0) ending = Ending::nothing;
  StoreTiles chosen = nullptr;
  with_ending(ending, [&](auto known) {
    switch (result.type) {
      case Type::u8: chosen = &store_integer_tiles<Vectors, known(), std::uint8_t>; break;
      case Type::s8: chosen = &store_integer_tiles<Vectors, known(), std::int8_t>; break;
      case Type::f32: chosen = &store_integer_tiles<Vectors, known(), float>; break;
    }
  });
  return chosen;
}

void forward_integers_any(const Shape& shape, const ByteSource& src, const std::int16_t* packed,
                          const IntegerResult& result, std::byte* scratch, Part groups, bool vnni) {
  const TransformBytes transform_patches = transform_for(shape, src);
  const MultiplyPatches multiply_panel = multiply_for(vnni);
  const StoreTiles store_whole = store_for<2>(result), store_half = store_for<1>(result);
  const Tiling tiling(shape, integer_tile);
  const std::int64_t in = shape.src_channels, out = shape.dst_channels, width = integer_panel_width();
  const std::int64_t rows = integer_rows(shape, tiling);
  auto* patches = reinterpret_cast<std::int16_t*>(scratch);
  auto* products = reinterpret_cast<std::int32_t*>(patches + integer_points * point_stride<std::int16_t>(rows, in));
  const PixelPlanes planes{src.data, 1, in, shape.src_height, shape.src_width, shape.top, shape.left};
  const std::int64_t last_group = std::min(groups.last, group_count(tiling, rows));
  for (std::int64_t first = groups.first * rows; first < last_group * rows; first += rows) {
    const std::int64_t tiles = std::min(rows, tiling.count - first);
    const std::int64_t used = (tiles + 1) / 2 * 2;  // products come in even numbers of rows
    transform_patches(shape, src, tiling, first, tiles, rows, patches);
    PatchPrefetch following(planes, tiling, first + tiles, std::min(rows, tiling.count - first - tiles),
                            integer_points * ((out + width - 1) / width));
    for (std::int64_t channel = 0; channel < out; channel += width) {
      const std::int64_t columns = std::min(width, out - channel);
      multiply_panel(patches, in, rows, used, packed + integer_points * in * channel, columns, products, following);
      (columns == width ? store_whole : store_half)(shape, tiling, first, tiles, products,
                                                    point_stride<std::int32_t>(rows, columns), channel, result);
    }
  }
}

std::int64_t integers_groups_of(const Shape& shape) {
  const Tiling tiling(shape, integer_tile);
  return group_count(tiling, integer_rows(shape, tiling));
}

std::size_t integers_scratch(const Shape& shape) {
  const std::int64_t rows = integer_rows(shape, Tiling(shape, integer_tile));
  return static_cast<std::size_t>(
      integer_points * (point_stride<std::int16_t>(rows, shape.src_channels) * std::int64_t{sizeof(std::int16_t)} +
                        point_stride<std::int32_t>(rows, integer_panel_width()) * std::int64_t{sizeof(std::int32_t)}));
}

/// Transformed filters as [panel of output channels][point][pair of input channels][column][channel of the pair].
void pack_integers_any(const Shape& shape, const std::int8_t* filter, std::int16_t* packed) {
  const std::int64_t in = shape.src_channels, out = shape.dst_channels, width = integer_panel_width();
  std::int16_t numbers[integer_points];
  for (std::int64_t channel = 0; channel < out; ++channel) {
    const std::int64_t panel = channel / width * width, columns = std::min(width, out - panel);
    for (std::int64_t c = 0; c < in; ++c) {
      integer_filter(filter + (channel * in + c) * 9, numbers);
      std::int16_t* to = packed + integer_points * in * panel + (c / 2 * columns + channel - panel) * 2 + c % 2;
      for (std::int64_t point = 0; point < integer_points; ++point) to[point * in * columns] = numbers[point];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latentflow::nn::winograd {

HWY_EXPORT(forward_integers_any);
HWY_EXPORT(integers_scratch);
HWY_EXPORT(integers_groups_of);
HWY_EXPORT(pack_integers_any);

/// Times pixels of at most 255 within 2^25.
constexpr std::int64_t most_sum_of_weights = ((std::int64_t{1} << 25) - 1) / 255;

bool fits_integers(const Shape& shape) { return shape.src_channels % 16 == 0 && shape.dst_channels % 16 == 0; }

bool in_range(const Shape& shape) { return shape.src_channels * 9 * 128 <= most_sum_of_weights; }

bool in_range(const Shape& shape, const std::int8_t* filter) {
  const std::int64_t taps = shape.src_channels * 9;
  for (std::int64_t channel = 0; channel < shape.dst_channels; ++channel) {
    std::int64_t sum = 0;
    for (std::int64_t tap = 0; tap < taps; ++tap) sum += std::abs(int{filter[channel * taps + tap]});
    if (sum > most_sum_of_weights) return false;
  }
  return true;
}

std::size_t packed_integers_size(const Shape& shape) {
  return static_cast<std::size_t>(point_count(4) * shape.src_channels * shape.dst_channels);
}

void pack_integers(const Shape& shape, const std::int8_t* filter, std::int16_t* packed) {
  LATENTFLOW_DISPATCH(pack_integers_any)(shape, filter, packed);
}

std::size_t integers_scratch_bytes(const Shape& shape) { return LATENTFLOW_DISPATCH(integers_scratch)(shape); }

std::int64_t integers_groups(const Shape& shape) { return LATENTFLOW_DISPATCH(integers_groups_of)(shape); }

void forward_integers(const Shape& shape, const ByteSource& src, const std::int16_t* packed,
                      const IntegerResult& result, std::byte* scratch, Part groups) {
  static const bool vnni = onednn::runs(dnnl::cpu_isa::avx512_core_vnni);
  LATENTFLOW_DISPATCH(forward_integers_any)(shape, src, packed, result, scratch, groups, vnni);
}

}  // namespace latentflow::nn::winograd
#endif

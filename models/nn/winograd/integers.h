// integers.h: 3x3 convolutions of bytes of stride 1 by Winograd's F(4x4, 3x3), exact to the last bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "winograd.h"

namespace latentflow::nn::winograd {

/// Method: the points 0, +-1, +-2 and infinity have transforms in integers (Lavin and Gray 2016; the fractions of the
/// filter's are moved to the output's). Patches of bytes and filters of bytes become numbers of 16 bits, whose products
/// are added in 32. All that follows is computed modulo 2^32 and divided by 576 there, so nothing is lost where a
/// result itself lies within 2^25. A processor that multiplies pairs of 16 bits half as fast as quadruples of 8 bits
/// needs half the time of a direct convolution for the products.
///
/// Pictures lie as [N,H,W,C]; both ends have a multiple of 16 channels. Of a Shape, `block`, `tile` and `readable` do
/// not count. All functions run on the calling thread and keep no state.
bool fits_integers(const Shape& shape);

/// Whether no result can leave the range: any filters, or these [dst_channels, src_channels, 3, 3], times bytes of any
/// zero point.
bool in_range(const Shape& shape);
bool in_range(const Shape& shape, const std::int8_t* filter);

/// Size in numbers of the transformed filters, whose order is private to this processor, and the transformation itself.
std::size_t packed_integers_size(const Shape& shape);
void pack_integers(const Shape& shape, const std::int8_t* filter, std::int16_t* packed);

/// Where a zero of the real picture is `zero`; padding reads as it.
struct ByteSource {
  const void* data = nullptr;
  bool is_signed = false;
  std::int32_t zero = 0;
};

/// dst = round(steps(sum * scale + bias) + zero), clamped to the type; floats are not rounded. `scales`, `bias`: one
/// for each of dst_channels, scales / 64 of full precision; steps count in units of dst, and `sum` is for floats only.
struct IntegerResult {
  enum class Type { u8, s8, f32 } type = Type::u8;
  float zero = 0;
  const float* scales = nullptr;
  const float* bias = nullptr;
  std::span<const Step> steps;
  void* dst = nullptr;
};

/// `scratch`: 64-byte aligned, one for each thread.
std::size_t integers_scratch_bytes(const Shape& shape);
std::int64_t integers_groups(const Shape& shape);
void forward_integers(const Shape& shape, const ByteSource& src, const std::int16_t* packed,
                      const IntegerResult& result, std::byte* scratch, Part groups = {});

}  // namespace latentflow::nn::winograd

// half.h: numbers of IEEE 754 binary16, float16 in ONNX, as their bits.
#pragma once

#include <bit>
#include <cstdint>

namespace latentflow::nn {

inline constexpr float half_limit = 65504;  ///< the largest finite one

// Without branches, so that loops of it become vectors: signs of weights are as good as random.
inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = half & 0x8000u, magnitude = half & 0x7fffu;
  // Exponent and fraction lie 13 bits higher in a float, whose exponent 0 means a power of 2 lower by 112.
  const std::uint32_t finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude << 13) * 0x1p112f);
  const std::uint32_t bits = magnitude >= 0x7c00u ? magnitude << 13 | 0x7f800000u : finite;
  return std::bit_cast<float>(sign << 16 | bits);
}

/// The nearest one, of two equally near ones the even one; for numbers within +-half_limit.
inline std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), sign = bits >> 16 & 0x8000u;
  std::uint32_t magnitude = bits & 0x7fffffffu;
  const float absolute = std::bit_cast<float>(magnitude);
  if (absolute < 0x1p-14f)  // subnormal: multiples of 2^-24, to which a sum with 0.5 rounds
    magnitude = std::bit_cast<std::uint32_t>(absolute + 0.5f) - std::bit_cast<std::uint32_t>(0.5f);
  else
    magnitude = ((magnitude + 0xfffu + (magnitude >> 13 & 1u)) >> 13) - (112u << 10);
  return static_cast<std::uint16_t>(sign | magnitude);
}

}  // namespace latentflow::nn

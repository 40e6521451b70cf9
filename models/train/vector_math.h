// vector_math.h: logarithm and exponential that compilers turn into vector code; for loops of many numbers.
#pragma once

#include <bit>
#include <cstdint>

namespace latentflow::train {

/// Natural logarithm for (0, 1]; relative error below 1e-6 of the result away from 1, absolute near it.
inline float log_of(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  // The mantissa in [sqrt(1/2), sqrt(2)), so that the series runs around 1.
  const std::uint32_t shifted = bits - 0x3f3504f3u;
  const float exponent = static_cast<float>(static_cast<std::int32_t>(shifted) >> 23);
  const float m = std::bit_cast<float>((shifted & 0x007fffffu) + 0x3f3504f3u);
  const float s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
  const float series = 2.0f * s * (1.0f + s2 * (1.0f / 3 + s2 * (1.0f / 5 + s2 * (1.0f / 7 + s2 * (1.0f / 9)))));
  return series + exponent * 0.69314718f;
}

/// e^x, x limited to -87..87; relative error below 5e-7.
inline float exp_of(float x) {
  x = x < -87.0f ? -87.0f : x > 87.0f ? 87.0f : x;
  // Adding 1.5 2^23 rounds to a whole number of halvings and doublings; the rest is within log(2) / 2 of 0.
  const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
  const float f = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  const float series =
      1.0f + f * (1.0f + f * (1.0f / 2 + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f * (1.0f / 720))))));
  return series * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

}  // namespace latentflow::train

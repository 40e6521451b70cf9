// lattice_noise.h: smooth noise for drawn pictures; the same on every machine and thread.
#pragma once

#include <cmath>
#include <cstdint>

#include "data/dice.h"

namespace latentflow::image {

using data::Dice;
using data::scramble;

inline float smooth_step(float low, float high, float x) {
  const float t = std::fmin(1.0f, std::fmax(0.0f, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/// Smooth noise in 0..1 with one bump per unit (Perlin 1985, value variant).
inline float lattice(float x, float y, std::uint64_t seed) {
  const float fx = std::floor(x), fy = std::floor(y);
  const auto corner = [&](float cx, float cy) {
    const auto ix = static_cast<std::uint64_t>(static_cast<std::int64_t>(cx)),
               iy = static_cast<std::uint64_t>(static_cast<std::int64_t>(cy));
    return static_cast<float>(scramble(seed + ix * 0x9e3779b97f4a7c15ull + iy * 0xd1b54a32d192ed03ull) >> 40) /
           16777216.0f;
  };
  const float tx = smooth_step(0, 1, x - fx), ty = smooth_step(0, 1, y - fy);
  const float top = corner(fx, fy) + tx * (corner(fx + 1, fy) - corner(fx, fy));
  const float bottom = corner(fx, fy + 1) + tx * (corner(fx + 1, fy + 1) - corner(fx, fy + 1));
  return top + ty * (bottom - top);
}

/// Octaves of lattice() at halved strength and doubled frequency, 0..1.
inline float fractal(float x, float y, int octaves, std::uint64_t seed) {
  float sum = 0, weight = 0.5f, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * lattice(x, y, seed + static_cast<std::uint64_t>(i) * 7919);
    total += weight;
    weight *= 0.5f, x *= 2.03f, y *= 2.03f;
  }
  return sum / total;
}

}  // namespace latentflow::image

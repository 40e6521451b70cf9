// random.cpp: normal numbers by vector code; see random.h.
#include "random.h"

#include <algorithm>
#include <bit>

#include "nn/gradients/loops.h"
#include "vector_math.h"

namespace latentflow::train {
namespace {

constexpr std::size_t chunk = 1024;  // pairs per pass: stays in the first cache

inline std::uint32_t hash(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x21f0aaadu;
  x = (x ^ (x >> 15)) * 0x735a2d97u;
  return x ^ (x >> 15);
}

/// sin(pi/2 t) and cos(pi/2 t) for t in [-1/2, 1/2].
inline float quarter_sine(float t) {
  const float x = t * 1.57079633f, x2 = x * x;
  return x * (1.0f + x2 * (-1.0f / 6 + x2 * (1.0f / 120 + x2 * (-1.0f / 5040))));
}
inline float quarter_cosine(float t) {
  const float x = t * 1.57079633f, x2 = x * x;
  return 1.0f + x2 * (-1.0f / 2 + x2 * (1.0f / 24 + x2 * (-1.0f / 720 + x2 * (1.0f / 40320))));
}

LATENTFLOW_CLONES void normal_pairs(float* cosines, float* sines, std::size_t pairs, std::uint32_t first,
                                    std::uint32_t low, std::uint32_t high) {
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::uint32_t counter = (first + static_cast<std::uint32_t>(i)) * 2u;
    const std::uint32_t u = hash(hash(counter ^ low) + high), v = hash(hash((counter + 1u) ^ low) + high);
    const float radius2 = -2.0f * log_of((static_cast<float>(u >> 8) + 0.5f) * 0x1.0p-24f);
    const float radius = __builtin_sqrtf(radius2);
    // Two bits choose the quarter turn, the rest the angle within it.
    const float t = static_cast<float>(static_cast<std::int32_t>(v & 0x00ffffffu)) * 0x1.0p-24f - 0.5f;
    const float s = quarter_sine(t), c = quarter_cosine(t);
    const bool swap = (v & 0x40000000u) != 0, negate = (v & 0x80000000u) != 0;
    const float x = swap ? -s : c, y = swap ? c : s;
    cosines[i] = radius * (negate ? -x : x);
    sines[i] = radius * (negate ? -y : y);
  }
}

}  // namespace

void fill_normal(std::span<float> numbers, std::uint64_t key) {
  float cosines[chunk], sines[chunk];
  const auto low = static_cast<std::uint32_t>(key), high = static_cast<std::uint32_t>(key >> 32);
  std::uint32_t first = 0;
  for (std::size_t done = 0; done < numbers.size(); done += 2 * chunk, first += chunk) {
    normal_pairs(cosines, sines, chunk, first, low, high);
    const std::size_t wanted = std::min(numbers.size() - done, 2 * chunk), half = std::min(wanted, chunk);
    std::copy_n(cosines, half, numbers.begin() + static_cast<std::ptrdiff_t>(done));
    std::copy_n(sines, wanted - half, numbers.begin() + static_cast<std::ptrdiff_t>(done + half));
  }
}

}  // namespace latentflow::train

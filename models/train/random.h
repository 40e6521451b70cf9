// random.h: random numbers that depend on a key alone, so that any thread may draw any sample.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

namespace latentflow::train {

/// SplitMix64 (Steele, Lea, Flood 2014) over a key mixed from up to four numbers.
class Random {
 public:
  explicit Random(std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0, std::uint64_t d = 0)
      : state_(mix(mix(mix(mix(a) ^ b) ^ c) ^ d)) {}

  std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15u); }
  /// In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// In [0, bound); requires 0 < bound < 2^53.
  std::int64_t below(std::int64_t bound) {
    return std::min(static_cast<std::int64_t>(uniform() * static_cast<double>(bound)), bound - 1);
  }
  bool chance(double probability) { return uniform() < probability; }

 private:
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

/// Independent standard normal numbers for this key, by the method of Box and Muller (1958) over a counter; about a
/// nanosecond each. Largest magnitude 5.8; the bits may differ between processors with other vector units.
void fill_normal(std::span<float> numbers, std::uint64_t key);

}  // namespace latentflow::train

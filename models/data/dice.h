// dice.h: seeded random numbers for what is drawn; the same on every machine and thread.
#pragma once

#include <cstdint>

namespace latentflow::data {

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): spreads consecutive numbers over all 64 bits.
inline std::uint64_t scramble(std::uint64_t state) {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ull;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebull;
  return state ^ (state >> 31);
}

/// The key of the random numbers of one item, so that they depend on seed and number alone.
inline std::uint64_t item_key(std::int64_t seed, std::uint64_t item) {
  return scramble(static_cast<std::uint64_t>(seed) * 0x9e3779b97f4a7c15ull + item + 1);
}

/// A stream of numbers from one seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull) {}
  float between(float low, float high) {
    state_ += 0x9e3779b97f4a7c15ull;
    return low + (high - low) * static_cast<float>(scramble(state_) >> 40) / 16777216.0f;
  }
  int below(int count) { return static_cast<int>(between(0, static_cast<float>(count) * 0.999999f)); }

 private:
  std::uint64_t state_;
};

}  // namespace latentflow::data

// plan_memory.h: where the intermediate results of a plan live in its arena.
#pragma once

#include <cstddef>
#include <vector>

namespace latentflow::nn {

/// Bytes that are needed from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t bytes = 0, first = 0, last = 0;
};

struct ArenaLayout {
  std::vector<std::size_t> offsets;  ///< one per lifetime, multiples of 64
  std::size_t bytes = 0;             ///< size of the arena
};

/// Greedy best fit: largest first, each into the smallest gap between those that live at the same time
/// (Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference", greedy by size).
ArenaLayout place(const std::vector<Lifetime>& lifetimes);

}  // namespace latentflow::nn

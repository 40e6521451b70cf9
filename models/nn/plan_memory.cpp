// plan_memory.cpp: see plan_memory.h.
#include "plan_memory.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace latentflow::nn {

ArenaLayout place(const std::vector<Lifetime>& lifetimes) {
  constexpr std::size_t step = 64;  // cache line, and what AVX-512 loads like best
  ArenaLayout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  const auto size = [&](std::size_t i) { return (lifetimes[i].bytes + step - 1) / step * step; };

  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return size(a) > size(b); });

  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t i : order) {
    std::size_t best = 0, best_gap = std::numeric_limits<std::size_t>::max(), end = 0;
    for (const std::size_t other : placed) {
      if (lifetimes[other].last < lifetimes[i].first || lifetimes[i].last < lifetimes[other].first) continue;
      const std::size_t start = layout.offsets[other];
      if (start > end && start - end >= size(i) && start - end < best_gap) {
        best = end;
        best_gap = start - end;
      }
      end = std::max(end, start + size(other));
    }
    layout.offsets[i] = best_gap == std::numeric_limits<std::size_t>::max() ? end : best;
    layout.bytes = std::max(layout.bytes, layout.offsets[i] + size(i));
    const auto behind = std::upper_bound(placed.begin(), placed.end(), i, [&](std::size_t a, std::size_t b) {
      return layout.offsets[a] < layout.offsets[b];
    });
    placed.insert(behind, i);
  }
  return layout;
}

}  // namespace latentflow::nn

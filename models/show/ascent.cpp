// ascent.cpp: see ascent.h.
#include "ascent.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/random.h"

namespace latentflow::show {
namespace {

constexpr float shortest_step = 1e-3f;
constexpr int patience = 5;

/// One ascent of every unit from `x`, in place; returns the sums reached.
std::vector<float> climb(const Respond& respond, std::size_t units, std::vector<float>& x, const AscentLimits& limits) {
  const std::size_t features = x.size() / units;
  std::vector<float> step(units, 1.0f), next;
  std::vector<int> idle(units, 0);
  Response here = respond(x);
  for (std::size_t row = 0; row < units; ++row) normalise(std::span(here.gradients).subspan(row * features, features));
  const auto over = [&](std::size_t row) { return step[row] < shortest_step || idle[row] >= patience; };
  for (int turn = 0; turn < limits.steps; ++turn) {
    next = x;
    bool climbing = false;
    for (std::size_t row = 0; row < units; ++row) {
      if (over(row)) continue;
      climbing = true;
      const std::span<float> to = std::span(next).subspan(row * features, features);
      for (std::size_t i = 0; i < features; ++i) to[i] += step[row] * here.gradients[row * features + i];
      normalise(to);
    }
    if (!climbing) break;
    Response there = respond(next);
    for (std::size_t row = 0; row < units; ++row) {
      if (over(row)) continue;
      const float gain = there.sums[row] - here.sums[row];
      step[row] *= gain > 0 ? 1.2f : 0.5f;
      idle[row] = gain > limits.least_gain * std::abs(here.sums[row]) || limits.least_gain == 0 ? 0 : idle[row] + 1;
      if (!(gain > 0)) continue;
      here.sums[row] = there.sums[row];
      const auto begin = static_cast<std::ptrdiff_t>(row * features);
      std::copy_n(next.begin() + begin, features, x.begin() + begin);
      std::copy_n(there.gradients.begin() + begin, features, here.gradients.begin() + begin);
      normalise(std::span(here.gradients).subspan(row * features, features));
    }
  }
  return here.sums;
}

}  // namespace

void normalise(std::span<float> row) {
  const double norm = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
  if (norm > 0)
    for (float& number : row) number = static_cast<float>(number / norm);
}

Ascent ascend(const Respond& respond, std::vector<float> first, std::size_t units, std::uint64_t seed,
              const AscentLimits& limits) {
  const std::size_t features = first.size() / units;
  Ascent best;
  for (int start = 0; start < limits.starts; ++start) {
    std::vector<float> x = first;
    if (start > 0) train::fill_normal(x, train::Random(seed, 0xf117e5, static_cast<std::uint64_t>(start)).next());
    for (std::size_t row = 0; row < units; ++row) normalise(std::span(x).subspan(row * features, features));
    std::vector<float> there = climb(respond, units, x, limits);
    if (start == 0) {
      best = {std::move(x), std::move(there)};
      continue;
    }
    for (std::size_t row = 0; row < units; ++row) {
      if (there[row] <= best.sums[row]) continue;
      best.sums[row] = there[row];
      const auto begin = static_cast<std::ptrdiff_t>(row * features);
      std::copy_n(x.begin() + begin, features, best.rows.begin() + begin);
    }
  }
  return best;
}

}  // namespace latentflow::show

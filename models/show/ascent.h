// ascent.h: inputs of length one that units respond to most, by gradient ascent, whatever computes the response.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace latentflow::show {

/// To rows [units, features]: what each unit makes of its own row, and the gradient of that by the row, [units,
/// features].
struct Response {
  std::vector<float> sums, gradients;
};
using Respond = std::function<Response(std::span<const float> rows)>;

struct AscentLimits {
  int starts = 4;        ///< the given one, and random points
  int steps = 200;       ///< of one ascent
  float least_gain = 0;  ///< of the sum, relative to it: an ascent whose steps gain less for five in a row is over
};

struct Ascent {
  std::vector<float> rows;  ///< [units, features]
  std::vector<float> sums;  ///< reached, per unit
};

/// Inputs under ||x|| = 1 that maximise each unit's sum (Erhan, Bengio, Courville, Vincent 2009): from `first` [units,
/// features], of any length, and from random points, steps along the gradient on the sphere that shrink where they gain
/// nothing; of the starts, the best.
Ascent ascend(const Respond& respond, std::vector<float> first, std::size_t units, std::uint64_t seed,
              const AscentLimits& limits = {});

/// Divides by the length; zeros stay.
void normalise(std::span<float> row);

}  // namespace latentflow::show

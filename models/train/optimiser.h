// optimiser.h: losses with their gradients, AdamW, descent with momentum and the moving average of the weights.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "recipe.h"

namespace latentflow::train {

/// Sum of |output - target| or of squares over these elements, divided by `elements`; writes its gradient.
double loss_and_gradient(Loss loss, std::span<const float> output, std::span<const float> target, std::int64_t elements,
                         std::span<float> gradient);

/// Rate at this point: linear warm-up over the first steps (since the last restart), then half a cosine of `progress`
/// (0..1) down to final_rate.
double learning_rate(const OptimiserRecipe& recipe, std::int64_t step, double progress);

/// Everything that training changes; what a checkpoint holds.
struct OptimiserState {
  std::vector<float> weights, average, first_moment, second_moment;
  std::int64_t step = 0;   ///< updates done
  std::int64_t began = 0;  ///< the step of the last restart, from which moments and average were made
};

/// State before the first step, or after a restart at `step`.
OptimiserState start_state(std::vector<float> weights, std::int64_t step = 0);

/// Sums the shards' gradients in their order, limits the norm, and makes one step of AdamW (Loshchilov, Hutter, ICLR
/// 2019), or of gradient descent with momentum (v = momentum v + gradient, weights -= rate v), and of the average. In
/// parallel, with the same bits for any number of threads. Returns the norm before the limit; if that is not finite,
/// nothing is changed.
double update(const OptimiserRecipe& recipe, double rate, std::span<const std::span<const float>> shard_gradients,
              OptimiserState& state);

}  // namespace latentflow::train

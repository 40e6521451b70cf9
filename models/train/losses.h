// losses.h: the loss of inpainting, which looks at some pixels more than at others.
#pragma once

#include <cstdint>
#include <span>

#include "recipe.h"

namespace latentflow::train {

/// As loss_and_gradient(), with every term multiplied by the weight of its pixel. `output` and `target` are [N,C,P,P],
/// `weights` [N,1,P,P]: one weight serves all channels. Divided by `elements`; writes the gradient.
double weighted_loss_and_gradient(Loss loss, std::span<const float> output, std::span<const float> target,
                                  std::span<const float> weights, std::int64_t channels, std::int64_t area,
                                  std::int64_t elements, std::span<float> gradient);

}  // namespace latentflow::train

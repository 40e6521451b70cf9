// minibatch.h: the rows of one step of training, in shuffled epochs, and their corruption.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/recipe_autoencoder.h"

namespace latentflow::train {

/// Every row once per epoch, in an order that depends on seed, stage and epoch alone; a rest too small for a batch is
/// left out of its epoch.
class RowOrder {
 public:
  /// Requires 1 <= batch <= count.
  RowOrder(std::int64_t count, std::int64_t batch, std::uint64_t seed, std::uint64_t stage)
      : count_(count), batch_(batch), seed_(seed), stage_(stage) {}

  /// The rows of this step, counted from 0; valid until the next call.
  std::span<const std::int64_t> step(std::int64_t step);

 private:
  std::int64_t count_, batch_, epoch_ = -1;
  std::uint64_t seed_, stage_;
  std::vector<std::int64_t> order_;
};

/// Changes `row` in place: numbers become 0 with probability `amount` (masking), or 0 or 1 with equal chance
/// (salt_and_pepper), or get Gaussian noise of that standard deviation. Depends on `key` alone.
void corrupt(InputNoise noise, double amount, std::uint64_t key, std::span<float> row);

}  // namespace latentflow::train

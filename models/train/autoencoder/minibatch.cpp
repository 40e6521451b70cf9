// minibatch.cpp: see minibatch.h.
#include "minibatch.h"

#include <algorithm>
#include <numeric>

#include "train/random.h"

namespace latentflow::train {

std::span<const std::int64_t> RowOrder::step(std::int64_t step) {
  const std::int64_t steps_per_epoch = count_ / batch_, epoch = step / steps_per_epoch;
  if (epoch != epoch_) {
    order_.resize(static_cast<std::size_t>(count_));
    std::iota(order_.begin(), order_.end(), std::int64_t{0});
    Random random(seed_, 0x0de5, stage_, static_cast<std::uint64_t>(epoch));
    for (std::int64_t i = count_; i > 1; --i)
      std::swap(order_[static_cast<std::size_t>(i - 1)], order_[static_cast<std::size_t>(random.below(i))]);
    epoch_ = epoch;
  }
  return std::span(order_).subspan(static_cast<std::size_t>(step % steps_per_epoch * batch_),
                                   static_cast<std::size_t>(batch_));
}

void corrupt(InputNoise noise, double amount, std::uint64_t key, std::span<float> row) {
  Random random(key, 0xc0);
  switch (noise) {
    case InputNoise::none: return;
    case InputNoise::masking:
      for (float& number : row)
        if (random.chance(amount)) number = 0;
      return;
    case InputNoise::salt_and_pepper:
      for (float& number : row)
        if (random.chance(amount)) number = random.chance(0.5) ? 1.0f : 0.0f;
      return;
    case InputNoise::gaussian: {
      std::vector<float> normal(row.size());
      fill_normal(normal, random.next());
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += static_cast<float>(amount) * normal[i];
      return;
    }
  }
}

}  // namespace latentflow::train

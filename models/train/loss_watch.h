// loss_watch.h: the mean loss between two reports, and whether the loss runs away.
#pragma once

#include <algorithm>
#include <cstdint>

namespace latentflow::train {

class LossWatch {
 public:
  /// `batch`: items that a loss is the mean of; the first losses are judged by once they are of a few items together,
  /// for one item alone may be easy by chance. `unlearned`: the loss of a model that has learned nothing, where that is
  /// known beforehand; 0 where it is not.
  explicit LossWatch(std::int64_t batch, double unlearned = 0)
      : first_steps_(std::max<std::int64_t>(1, first_items / batch)), unlearned_(unlearned) {}

  /// `new_phase`: another kind of loss starts, whose values do not compare with those before.
  void add(double loss, bool new_phase) {
    if (new_phase) smooth_ = first_ = lowest_ = 0, seen_ = 0;
    sum_ += loss, ++count_, ++seen_;
    smooth_ = seen_ == 1 ? loss : 0.98 * smooth_ + 0.02 * loss;
    if (seen_ <= first_steps_) first_ += loss / static_cast<double>(first_steps_);
    if (seen_ == 200 || (seen_ > 200 && smooth_ < lowest_)) lowest_ = smooth_;
  }
  /// The smoothed loss is far above that of a model that has learned nothing. Where that is not known: far above the
  /// lowest of this phase, which is known after its first 200 steps, or out of all proportion to the first losses:
  /// weights that were thrown off at once may well come down from there.
  bool runs_away() const {
    if (unlearned_ > 0) return smooth_ > 20 * unlearned_;
    return (seen_ > 200 && smooth_ > 20 * lowest_) || (first_ > 0 && seen_ > first_steps_ && smooth_ > 1000 * first_);
  }
  /// Of the steps since the last call.
  double take_mean() {
    const double mean = count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
    sum_ = 0, count_ = 0;
    return mean;
  }

 private:
  static constexpr std::int64_t first_items = 16;

  std::int64_t first_steps_;
  double unlearned_;
  double sum_ = 0, smooth_ = 0, first_ = 0, lowest_ = 0;
  std::int64_t count_ = 0, seen_ = 0;
};

}  // namespace latentflow::train

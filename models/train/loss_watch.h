// loss_watch.h: the mean loss between two reports, and whether the loss runs away.
#pragma once

#include <cstdint>

namespace latentflow::train {

class LossWatch {
 public:
  /// `new_phase`: another kind of loss starts, whose values do not compare with those before.
  void add(double loss, bool new_phase) {
    if (new_phase) smooth_ = lowest_ = 0, seen_ = 0;
    sum_ += loss, ++count_, ++seen_;
    smooth_ = seen_ == 1 ? loss : 0.98 * smooth_ + 0.02 * loss;
    if (seen_ == 200 || (seen_ > 200 && smooth_ < lowest_)) lowest_ = smooth_;
  }
  /// The smoothed loss is far above the lowest of this phase; never within its first 200 steps.
  bool runs_away() const { return seen_ > 200 && smooth_ > 20 * lowest_; }
  /// Of the steps since the last call.
  double take_mean() {
    const double mean = count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
    sum_ = 0, count_ = 0;
    return mean;
  }

 private:
  double sum_ = 0, smooth_ = 0, lowest_ = 0;
  std::int64_t count_ = 0, seen_ = 0;
};

}  // namespace latentflow::train

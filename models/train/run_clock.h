// run_clock.h: how far a training run is, how fast it goes, and when it is time to report and to keep a checkpoint.
#pragma once

#include <chrono>
#include <cstdint>

#include "trainer.h"

namespace latentflow::train {

class RunClock {
 public:
  /// The job has to outlive it.
  explicit RunClock(const TrainingJob& job) : job_(job) {}

  /// The run begins now. `seconds_before`: of training in earlier runs that this one goes on from. `share_of_steps`: of
  /// the whole training, made in them.
  void start(double seconds_before, double share_of_steps);

  /// Seconds of training over all runs.
  double elapsed() const;
  /// Share of the training that is done: of the steps, or of the time where that is limited and further gone.
  double done(double share_of_steps) const;

  /// A step was made of so many samples, with so much work in floating-point operations.
  void count(std::int64_t samples, double flop);

  bool report_is_due() const;
  /// Adds share, pace and time to `progress`, the pace being that of what was counted since the last report, and hands
  /// it to the job.
  void report(Progress progress, double share_of_steps);

  /// Never for a job that keeps none.
  bool checkpoint_is_due() const;
  void checkpoint_is_written() { kept_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;

  const TrainingJob& job_;
  Clock::time_point started_, reported_, kept_;
  double seconds_before_ = 0;
  double reported_done_ = 0;  ///< share at the last report
  std::int64_t samples_ = 0;  ///< since the last report
  double flop_ = 0;           ///< likewise
};

}  // namespace latentflow::train

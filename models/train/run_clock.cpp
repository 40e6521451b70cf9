// run_clock.cpp: see run_clock.h.
#include "run_clock.h"

#include <algorithm>

namespace latentflow::train {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void RunClock::start(double seconds_before, double share_of_steps) {
  started_ = reported_ = kept_ = Clock::now();
  seconds_before_ = seconds_before;
  reported_done_ = done(share_of_steps);
}

double RunClock::elapsed() const { return seconds_before_ + seconds_since(started_); }

double RunClock::done(double share_of_steps) const {
  return std::min(1.0, job_.time_limit ? std::max(share_of_steps, elapsed() / *job_.time_limit) : share_of_steps);
}

void RunClock::count(std::int64_t samples, double flop) { samples_ += samples, flop_ += flop; }

bool RunClock::report_is_due() const { return seconds_since(reported_) >= job_.report_seconds; }

void RunClock::report(Progress progress, double share_of_steps) {
  const double seconds = seconds_since(reported_);
  progress.done = done(share_of_steps);
  progress.samples_per_second = static_cast<double>(samples_) / seconds;
  progress.gflops = flop_ / seconds * 1e-9;
  progress.seconds = elapsed();
  const double per_second = (progress.done - reported_done_) / seconds;
  progress.seconds_left = per_second > 0 ? (1 - progress.done) / per_second : 0;
  reported_ = Clock::now(), reported_done_ = progress.done, samples_ = 0, flop_ = 0;
  if (job_.report) job_.report(progress);
}

bool RunClock::checkpoint_is_due() const {
  return !job_.checkpoints.empty() && seconds_since(kept_) >= job_.checkpoint_seconds;
}

}  // namespace latentflow::train

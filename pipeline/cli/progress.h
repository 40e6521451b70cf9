// progress.h: how far a run is, on stderr: one line that is updated on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>

#include "latentflow/graph.h"

namespace latentflow::cli {

class ProgressLine {
 public:
  ProgressLine();
  /// At most a few times a second on a terminal, every few seconds elsewhere. One call at a time.
  void update(const Progress& progress);
  /// Removes the line from the terminal.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  const bool terminal_;
  bool shown_ = false;
  Clock::time_point next_;
};

}  // namespace latentflow::cli

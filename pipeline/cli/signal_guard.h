// signal_guard.h: Ctrl-C and SIGTERM while a graph runs: the first drains, the second aborts.
#pragma once

#include "latentflow/graph.h"

namespace latentflow::cli {

/// While it lives, SIGINT and SIGTERM go to `stop`. One at a time.
class SignalGuard {
 public:
  explicit SignalGuard(Stop& stop);
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
};

}  // namespace latentflow::cli

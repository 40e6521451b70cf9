// trace.h: time per node and item of a run, quantities that nodes measured, and the file for chrome://tracing.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "envelope.h"

namespace latentflow {

class Trace {
 public:
  /// `keep_events`: remember every call, for write().
  Trace(const CheckedGraph& graph, bool keep_events);

  /// One call of a node; from any thread.
  void add(std::size_t node, const std::string& item, Clock::time_point begin, Clock::time_point end,
           const std::vector<std::pair<std::string, double>>& measured);

  std::vector<NodeReport> reports() const;
  /// Chrome trace events (JSON object form), times in microseconds since the run began.
  Status write(const Path& file) const;

 private:
  struct PerNode {
    mutable std::mutex mutex;
    NodeReport report;
  };
  struct Event {
    std::size_t node;
    std::string item;
    double begin, length;  ///< microseconds
    int thread;
  };
  Clock::time_point start_ = Clock::now();
  std::vector<std::unique_ptr<PerNode>> nodes_;
  const bool keep_events_;
  std::mutex events_mutex_;
  std::vector<Event> events_;
};

}  // namespace latentflow

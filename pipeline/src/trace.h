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

/// On cache lines of its own, because every call reads it.
class alignas(64) Trace {
 public:
  /// `threads`: concurrency of the arena that calls happen in. `keep_events`: remember every call, for write().
  Trace(const CheckedGraph& graph, int threads, bool keep_events);

  /// One call of a node, from ticks_now() to ticks_now(); from any thread of the arena.
  void add(std::size_t node, const std::string& item, std::uint64_t begin, std::uint64_t end,
           const std::vector<std::pair<std::string, double>>& measured);

  std::vector<NodeReport> reports() const;
  /// Chrome trace events (JSON object form), times in microseconds since the run began.
  Status write(const Path& file) const;

 private:
  /// The calls of one node by one thread, which nobody else writes to; times in ticks.
  struct Calls {
    std::uint64_t count = 0, total = 0, longest = 0;
    std::string slowest_item;
    std::vector<std::pair<std::string, double>> quantities;

    void add_quantity(const std::string& name, double value);
    void add(const Calls& others);
  };
  struct Event {
    std::size_t node;
    std::string item;
    std::uint64_t begin, length;  ///< ticks
    int thread;
  };
  const CheckedGraph& graph_;
  const TickScale scale_;
  std::vector<std::vector<Calls>> calls_;  ///< [thread][node], with space behind so that threads share no cache line
  const bool keep_events_;
  std::mutex events_mutex_;
  std::vector<Event> events_;
};

}  // namespace latentflow

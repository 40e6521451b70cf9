// executor.h: runs a checked graph: admits items by bytes, calls nodes, settles every item exactly once.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "admission.h"
#include "flow.h"
#include "ledger.h"
#include "scratch.h"
#include "sources.h"
#include "trace.h"

namespace latentflow {

class Executor {
 public:
  /// `nodes` are built, `list` is what their sources listed; all outlive the executor. Effective options: threads and
  /// max_memory are set.
  Executor(const CheckedGraph& graph, const std::vector<std::unique_ptr<Node>>& nodes, const ItemList& list,
           const RunOptions& options, Ledger& ledger, Trace& trace);

  /// Returns when nothing is in flight. Fills in the peak of admission and the errors of finish().
  void run(Report& report);

 private:
  /// Admits items while they fit; callers do not wait for each other.
  void pump();
  void admit_while_possible();
  std::shared_ptr<Item> prepare(std::size_t number);
  void probe(Item& item);
  void keep_scratch();
  /// Whether an item does not fit beside `admitted` bytes of others. Call with the mutex held.
  bool exceeds(std::size_t admitted, const Charge& charge) const {
    return admitted + charge.bytes + forecast_.standing().bytes_with(charge) > options_.max_memory;
  }

  std::vector<Slot> call(std::size_t node, const Envelope& envelope);
  std::vector<Slot> call_source(std::size_t node, const Envelope& envelope);
  std::vector<Slot> call_stage(std::size_t node, const Envelope& envelope);
  std::vector<Slot> fail(std::size_t node, Item& item, Error error);
  std::vector<Slot> pass_error(std::size_t node, const std::shared_ptr<const Error>& error) const;
  std::vector<Slot> pack(std::size_t node, Item& item, Result<std::vector<Value>> result,
                         std::shared_ptr<const ItemInfo> info, bool primary);
  void reach_sink(Item& item);
  void settle(Item& item);
  void cancel_rest();
  bool draining() const { return stop_.draining() || stopped_by_failure_.load(); }
  void finish(Report& report);

  const CheckedGraph& graph_;
  const std::vector<std::unique_ptr<Node>>& nodes_;
  const ItemList& list_;
  const RunOptions& options_;
  Ledger& ledger_;
  Trace& trace_;
  std::atomic<bool> stopped_by_failure_{false};  ///< on_error: stop
  Stop own_stop_;
  Stop& stop_;
  ScratchPool scratch_;
  ChargeModel charges_;
  std::vector<std::size_t> rank_;             ///< position of a node in topological order
  std::vector<std::size_t> source_position_;  ///< of a graph node that is a source, in list_.sources
  int sinks_ = 0;
  const std::size_t most_in_flight_;
  const Clock::time_point begin_ = Clock::now();

  std::unique_ptr<Flow> flow_;
  std::atomic<int> pumping_{0};
  std::size_t next_ = 0;             ///< the pump's alone, as is what follows
  std::shared_ptr<Item> candidate_;  ///< probed, and waiting for room
  std::vector<Shape> probed_;        ///< shapes of the last item and what they cost: the next one is often alike
  Charge probed_charge_;

  std::mutex mutex_;  ///< guards what follows, and ledger_
  std::size_t in_flight_ = 0, admitted_bytes_ = 0, peak_bytes_ = 0;
  PeakForecast forecast_;  ///< of the items admitted so far
};

}  // namespace latentflow

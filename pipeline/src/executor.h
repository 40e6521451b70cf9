// executor.h: runs a checked graph: admits items by bytes, calls nodes, settles every item exactly once.
#pragma once

#include <oneapi/tbb/mutex.h>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "admission.h"
#include "flow.h"
#include "ledger.h"
#include "scratch.h"
#include "sources.h"
#include "trace.h"

namespace latentflow {

class CallContext;

class Executor {
 public:
  /// `nodes` are built, `list` is what their sources listed; all outlive the executor. Effective options: threads and
  /// max_memory are set.
  Executor(const CheckedGraph& graph, const std::vector<std::unique_ptr<Node>>& nodes, const ItemList& list,
           const RunOptions& options, Ledger& ledger, Trace& trace);

  /// Returns when nothing is in flight. Fills in the peak of admission and the errors of finish().
  void run(Report& report);

  /// Context::admit() for an item under way. What other items hold meanwhile does not count against it, because they
  /// end without it; nothing is admitted until there is room again. What stands in memory by then does count, so that
  /// which of several items near the ceiling is refused may depend on the order in which they are worked on.
  Status admit_more(Item& item, const Prediction& more);

 private:
  using Lock = std::unique_lock<tbb::mutex>;

  /// Admits what fits, and looks further into the list if nobody else does. Callers do not wait for each other's
  /// headers. Takes over the locked mutex.
  void admit(Lock lock);
  /// The next item if there is room for it. Call with the mutex held, as what follows.
  std::shared_ptr<Item> take_ready();
  /// Whether the caller is the one to look ahead now.
  bool begin_to_look();
  /// Whether an item does not fit beside `admitted` bytes of others.
  bool exceeds(std::size_t admitted, const Charge& charge) const {
    return admitted + charge.bytes + forecast_.standing().bytes_with(charge) > options_.max_memory;
  }
  /// An item that can never fit.
  void refuse_if_too_large(Item& item);
  void keep_scratch();

  /// Some items more with their charges; by one caller at a time.
  std::vector<std::shared_ptr<Item>> look_ahead();
  std::shared_ptr<Item> prepare(std::size_t number);
  void probe(Item& item);
  void refuse(Item& item, std::size_t node, Error error) const;

  void call(std::size_t node, const Envelope& envelope, CallSpace& space);
  void call_source(std::size_t node, const Envelope& envelope, CallSpace& space);
  void call_stage(std::size_t node, const Envelope& envelope, CallSpace& space);
  /// Runs `work`, which fills space.outputs, and notes how long it took; false: it failed, and the slots say so.
  template <class F>
  bool measured_call(std::size_t node, Item& item, CallContext& ctx, CallSpace& space, F&& work);
  void fail(std::size_t node, Item& item, Error error, CallSpace& space);
  void pass_error(std::size_t node, const std::shared_ptr<const Error>& error, CallSpace& space) const;
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
  // Every call reads what is above: what every item changes has cache lines of its own.
  alignas(64) std::size_t next_ = 0;     ///< to look at; who looks ahead has it alone, as what follows
  std::vector<Shape> probed_;            ///< shapes of the last item, per node; the next one is often alike
  std::optional<Charge> probed_charge_;  ///< what they cost

  alignas(64) tbb::mutex mutex_;           ///< guards what follows, and ledger_
  bool looking_ = false;                   ///< somebody looks ahead
  std::atomic<std::size_t> in_flight_{0};  ///< changed with the mutex held
  std::size_t admitted_ = 0;               ///< items
  std::size_t admitted_bytes_ = 0, peak_bytes_ = 0;
  std::deque<std::shared_ptr<Item>> ready_;  ///< next to be admitted
  PeakForecast forecast_;                    ///< of the items admitted so far
};

}  // namespace latentflow

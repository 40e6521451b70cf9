// envelope.h: what travels along the edges of the flow graph: a handle on an item and on values or errors.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admission.h"
#include "latentflow/node.h"
#include "sources.h"
#include "ticks.h"

namespace latentflow {

/// One item on its way, shared by all its envelopes.
struct Item {
  std::uint64_t number = 0;
  const JoinedItem* listed = nullptr;  ///< its name, and what its sources load
  Charge charge;                       ///< memory admitted for it, without the shapes
  Clock::time_point admitted;
  std::optional<Error> refused;  ///< failed at admission; the sources do not load it
  std::atomic<int> sinks_left{0};

  std::mutex mutex;              ///< guards what follows
  std::optional<Error> failure;  ///< the first in the order of the file
  std::size_t failure_rank = 0;  ///< position of its node in topological order
  std::vector<std::string> warnings;

  const std::string& name() const { return listed->name(); }
};

/// The value of one output for one item, or why there is none. Immutable once sent; consumers share it.
struct Slot {
  std::shared_ptr<const Value> value;  ///< null if there was an error
  std::shared_ptr<const Error> error;
  std::shared_ptr<const ItemInfo> info;  ///< what nodes are told of the item; made by the source this value came from
  bool primary = false;                  ///< info was made by the first source of the graph
};

/// One slot on an edge; one per wired input port in front of a node.
struct Envelope {
  std::shared_ptr<Item> item;
  std::vector<Slot> slots;
  std::uint64_t number() const { return item ? item->number : 0; }
};

/// What calls of nodes, one after the other for the same item, work in: only the first of them asks for memory.
struct CallSpace {
  std::vector<const Value*> inputs;
  std::vector<Value*> outputs;
  std::vector<Slot> slots;  ///< what came out of the last call, one per output
  /// When the call before this one ended, if there was one: a chain reads the clock once per call.
  std::optional<std::uint64_t> last_end;
};

}  // namespace latentflow

// flow.h: the oneTBB flow graph of a checked graph: fan-out, joins on the item number, sequencers, bodies.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "check.h"
#include "envelope.h"

namespace latentflow {

/// The most inputs of one node that can be wired (the limit of oneTBB's join_node).
inline constexpr std::size_t most_inputs = 10;

/// Runs one node for one item and leaves one slot per output in the space, which has none before. Never throws.
using NodeBody = std::function<void(std::size_t node, const Envelope& envelope, CallSpace& space)>;

/// Built and used inside one task arena. Every item that is put reaches every node exactly once, as value or as error:
/// that keeps joins and sequencers complete, whatever fails.
class Flow {
 public:
  Flow(const CheckedGraph& graph, NodeBody body);
  ~Flow();

  /// Hands an item to all sources. Item numbers begin at 0 and have no gaps. From any thread of the arena.
  void put(const std::shared_ptr<Item>& item);
  void wait();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace latentflow

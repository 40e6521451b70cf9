// admission.h: memory is bounded before decoding: what an item will need, and how much of that may be in flight.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "latentflow/node.h"

namespace latentflow {

/// What one item needs on its whole route.
struct Charge {
  /// Peak of the item's own memory, whatever order the scheduler chooses: for every node, its working bytes, those of
  /// those nodes that may run beside it while there are threads, and all values that can be alive meanwhile; the
  /// largest of these sums.
  std::size_t bytes = 0;
  std::size_t peak_node = 0;  ///< where that is
  /// Of each thread that works for the item, in its neediest node; threads are shared by all items.
  std::size_t worker_bytes = 0;
  std::size_t worker_limit = no_limit;  ///< what nodes were told that each of them may work in
  int workers = 1;                      ///< threads that need it
  std::vector<SharedMemory> shared;     ///< of all nodes, every owner once
  std::size_t standing_node = 0;        ///< that of which threads and shared memory need most
  std::vector<Shapes> outputs;          ///< per node, per output port; unknown extents have no dims and cost nothing
};

/// What `item` needs beside its charge where `more` turns up while it is under way; the same threads work for both.
Charge further_charge(const Charge& item, const Prediction& more);

/// Counts what `more` says among `shared`: distinct owners add up, of one owner the larger figure counts.
void add_shared(const SharedMemory& more, std::vector<SharedMemory>& shared);

/// Memory that no item owns: what the threads of a run work in, which is kept from item to item, and what nodes share.
class StandingMemory {
 public:
  explicit StandingMemory(int threads) : threads_(threads) {}
  void add(const Charge& charge);
  /// After the items so far.
  std::size_t bytes() const;
  /// If this item came, too.
  std::size_t bytes_with(const Charge& charge) const;

 private:
  int threads_, workers_ = 0;
  std::size_t worker_bytes_ = 0;
  std::vector<SharedMemory> shared_;  ///< every owner once
};

/// Follows the items of a run in their order and tells the peak of their memory: standing memory, and the largest sum
/// of as many items in a row as there are threads. A thread carries an item through before it takes another one, so
/// that the others in flight hold next to nothing.
class PeakForecast {
 public:
  explicit PeakForecast(int threads) : standing_(threads), window_(static_cast<std::size_t>(threads)) {}
  void add(const Charge& charge);
  /// What an item turned out to need beside its charge while it is under way.
  void extend(const Charge& more);
  std::size_t bytes() const { return largest_ + standing_.bytes(); }
  const StandingMemory& standing() const { return standing_; }

 private:
  StandingMemory standing_;
  std::vector<std::size_t> window_;  ///< charges of the last items, in a ring
  std::size_t count_ = 0, sum_ = 0, largest_ = 0;
};

/// What the charges of a graph need, computed once: who comes before whom.
class ChargeModel {
 public:
  /// `threads`: as many nodes can be at work on an item at once. `max_memory`: of items in flight and what stands
  /// beside them.
  ChargeModel(const CheckedGraph& graph, int threads, std::size_t max_memory);
  /// `source_shapes`: per node, the probed shape of sources. Throws nothing; a node whose predict() throws costs
  /// nothing. Threads are told to work in half of the memory at most, all together, so that the other half is left to
  /// items and networks, and those of an item that would not fit alone in what it leaves them. That depends on memory,
  /// threads and the item, not on the items before it, so that results do not either.
  Charge charge(const std::vector<std::unique_ptr<Node>>& nodes, const std::vector<Shape>& source_shapes) const;

 private:
  Charge charge_within(const std::vector<std::unique_ptr<Node>>& nodes, const std::vector<Shape>& source_shapes,
                       std::size_t worker_limit) const;
  /// What the item takes beside the memory of its threads, no other item being there.
  static std::size_t bytes_without_threads(const Charge& charge);
  bool fits_alone(const Charge& charge) const;
  bool before(std::size_t a, std::size_t b) const { return ancestor_[b][a]; }
  const CheckedGraph& graph_;
  const std::size_t threads_, max_memory_;
  std::vector<std::vector<bool>> ancestor_;                       ///< [node][other]: other comes before node
  std::vector<std::vector<std::vector<std::size_t>>> consumers_;  ///< [node][output port]: nodes
};

/// Half of the smaller of cgroup limit and physical memory, in bytes.
std::size_t default_memory_budget();

/// What a process takes with its first items beside their memory: code of libraries that is read in and generated,
/// stacks of threads, heaps. Measured: 12 MiB without a network, 15 to 25 MiB with one.
inline constexpr std::size_t first_use_bytes = std::size_t{16} << 20;

/// A ceiling of the process below which memory that is free goes back to the system sooner, at the cost of time.
inline constexpr std::size_t scarce_memory = std::size_t{512} << 20;

/// Gives the system back what lies free between blocks and at the end of the heap that began with the process, and lets
/// malloc keep no more than 1 MiB at the end of each heap from here on, in this process for good.
void give_unused_memory_back();

/// Resident bytes of this process now (VmRSS); 0 where the system does not say.
std::size_t resident_bytes();

/// Peak resident bytes of this process since its start (VmHWM); 0 where the system does not say.
std::size_t peak_resident_bytes();

}  // namespace latentflow

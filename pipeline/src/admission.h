// admission.h: memory is bounded before decoding: what an item will need, and how much of that may be in flight.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "latentflow/node.h"

namespace latentflow {

/// Peak bytes of one item on its whole route, whatever order the scheduler chooses: for every node, its working bytes,
/// those of the nodes that may run beside it, and all values that can be alive meanwhile; the largest of these sums.
struct Charge {
  std::size_t bytes = 0;
  std::size_t peak_node = 0;
  std::vector<Shapes> outputs;  ///< per node, per output port; unknown extents have no dims and cost nothing
};

/// What the charges of a graph need, computed once: who comes before whom.
class ChargeModel {
 public:
  explicit ChargeModel(const CheckedGraph& graph);
  /// `source_shapes`: per node, the probed shape of sources. Throws nothing; a node whose predict() throws costs
  /// nothing.
  Charge charge(const std::vector<std::unique_ptr<Node>>& nodes, const std::vector<Shape>& source_shapes) const;

 private:
  bool before(std::size_t a, std::size_t b) const { return ancestor_[b][a]; }
  const CheckedGraph& graph_;
  std::vector<std::vector<bool>> ancestor_;                       ///< [node][other]: other comes before node
  std::vector<std::vector<std::vector<std::size_t>>> consumers_;  ///< [node][output port]: nodes
};

/// Half of the smaller of cgroup limit and physical memory, in bytes.
std::size_t default_memory_budget();

/// Resident bytes of this process now (VmRSS); 0 where the system does not say.
std::size_t resident_bytes();

/// Peak resident bytes of this process since its start (VmHWM); 0 where the system does not say.
std::size_t peak_resident_bytes();

}  // namespace latentflow

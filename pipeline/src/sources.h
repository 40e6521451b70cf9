// sources.h: what the sources of a graph list, joined by key into the items of a run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "latentflow/node.h"

namespace latentflow {

/// One item of the first source and its partners.
struct JoinedItem {
  std::vector<const SourceItem*> from_source;  ///< per source; null: no partner
  std::vector<std::string> no_partner;         ///< per source: why there is none
};

struct ItemList {
  std::vector<std::size_t> sources;             ///< graph nodes that are sources, in file order; the first is primary
  std::vector<std::vector<SourceItem>> listed;  ///< per source; JoinedItem points into it
  std::vector<JoinedItem> items;
  std::vector<std::string> warnings;  ///< what was listed but takes part in no item
};

/// Calls list() of every source; errors go to `diagnostics` with the place of the node. A further source with exactly
/// one item shares it among all items; otherwise partners have equal keys.
ItemList list_sources(const CheckedGraph& graph, const std::vector<std::unique_ptr<Node>>& nodes,
                      Diagnostics& diagnostics);

}  // namespace latentflow

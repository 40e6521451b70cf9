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
  struct Partner {
    const SourceItem* item = nullptr;  ///< null: none
    std::string why_none;
  };
  std::vector<Partner> partners;  ///< per source

  const std::string& name() const { return partners.front().item->name; }
};

struct ItemList {
  std::vector<std::size_t> sources;             ///< graph nodes that are sources, in file order; the first is primary
  std::vector<std::vector<SourceItem>> listed;  ///< per source; JoinedItem points into it
  std::vector<JoinedItem> items;
  std::vector<std::string> warnings;  ///< what was listed but takes part in no item
};

/// Calls list() of every source; errors go to `diagnostics` with the place of the node. A further source with exactly
/// one item shares it among all items; otherwise partners have equal keys. What a list names and has no
/// such partner takes one whose name is the end of its path, whatever the extension ("photos/a.png" of a list and
/// "a.jpg" of a folder): the one with the longest end in common. Where several have, or one fits several items, these
/// have no partner and say why.
ItemList list_sources(const CheckedGraph& graph, const std::vector<std::unique_ptr<Node>>& nodes,
                      Diagnostics& diagnostics);

}  // namespace latentflow

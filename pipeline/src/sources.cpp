// sources.cpp: see sources.h.
#include "sources.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <unordered_set>

namespace latentflow {
namespace {

using Keys = std::map<std::string, std::vector<const SourceItem*>>;

void check_names(const CheckedNode& node, const std::vector<SourceItem>& listed, Diagnostics& diagnostics) {
  std::unordered_set<std::string_view> names;
  names.reserve(listed.size());
  for (const SourceItem& item : listed)
    if (!names.insert(item.name).second)
      return diagnostics.error(node.place,
                               fmt::format("'{}' ({}) lists '{}' twice", node.id, node.info->name, item.name));
}

std::string stem_of(const SourceItem& item) {
  return std::filesystem::path(item.name).replace_extension().generic_string();
}

/// Those of `item`: of its key, else of its whole name, else of its name without extension. Keys carry an extension
/// only where two items of one source would share one, and it need not be so in the other source.
Keys::const_iterator find_partners(const Keys& keys, const SourceItem& item) {
  auto found = keys.find(item.key);
  if (found == keys.end()) found = keys.find(item.name);
  if (found == keys.end()) found = keys.find(stem_of(item));
  return found;
}

/// "a.png, b.png and 3 more"
std::string some_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 3); ++i) text += (i ? ", " : "") + names[i];
  return names.size() > 3 ? fmt::format("{} and {} more", text, names.size() - 3) : text;
}

}  // namespace

ItemList list_sources(const CheckedGraph& graph, const std::vector<std::unique_ptr<Node>>& nodes,
                      Diagnostics& diagnostics) {
  ItemList list;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (nodes[i] == nullptr || graph.nodes[i].info->role != Role::source) continue;
    Result<std::vector<SourceItem>> listed = nodes[i]->list();
    if (!listed)
      diagnostics.error(graph.nodes[i].place, fmt::format("'{}' ({}): {}", graph.nodes[i].id, graph.nodes[i].info->name,
                                                          listed.error().message));
    list.sources.push_back(i);
    list.listed.push_back(listed ? std::move(*listed) : std::vector<SourceItem>{});
    check_names(graph.nodes[i], list.listed.back(), diagnostics);
  }
  if (!diagnostics.ok() || list.listed.empty()) return list;

  list.items.reserve(list.listed[0].size());
  for (const SourceItem& item : list.listed[0]) {
    if (item.key.empty()) continue;  // stands for missing partners, and there is nothing it could be missing for
    list.items.emplace_back().partners.push_back({&item, ""});
  }
  if (list.items.empty()) list.warnings.push_back(fmt::format("'{}' lists no items", graph.nodes[list.sources[0]].id));

  for (std::size_t source = 1; source < list.sources.size(); ++source) {
    const std::string& id = graph.nodes[list.sources[source]].id;
    const auto& listed = list.listed[source];
    Keys keys, of_one_name;                // by key; and several that differ in their extension alone, by their stem
    const SourceItem* stand_in = nullptr;  // the item for those without a partner of their own
    std::set<const SourceItem*> used;
    for (const SourceItem& item : listed) {
      if (item.key.empty())
        used.insert(stand_in = &item);
      else
        keys[item.key].push_back(&item);
      if (item.key == item.name && stem_of(item) != item.name) of_one_name[stem_of(item)].push_back(&item);
    }
    for (JoinedItem& joined : list.items) {
      const SourceItem* partner = nullptr;
      std::string why;
      const std::string& key = joined.partners[0].item->key;
      if (listed.size() == 1) {
        partner = &listed[0];
      } else if (const auto found = find_partners(keys, *joined.partners[0].item);
                 found == keys.end() && of_one_name[stem_of(*joined.partners[0].item)].size() > 1) {
        const auto& several = of_one_name[stem_of(*joined.partners[0].item)];
        std::vector<std::string> names;
        for (const SourceItem* item : several) names.push_back(item->name);
        why = fmt::format("'{}' is ambiguous in {}: {}; needs one of them, or one with the same extension",
                          joined.name(), id, some_names(names));
        used.insert(several.begin(), several.end());
      } else if (found == keys.end() && stand_in != nullptr) {
        partner = stand_in;
      } else if (found == keys.end()) {
        why = fmt::format("no partner for '{}' in {}", key, id);
      } else if (found->second.size() > 1) {
        why = fmt::format("{} partners for '{}' in {}: {}, {}", found->second.size(), key, id, found->second[0]->name,
                          found->second[1]->name);
        used.insert(found->second.begin(), found->second.end());
      } else {
        partner = found->second[0];
      }
      used.insert(partner);
      joined.partners.push_back({partner, std::move(why)});
    }
    std::vector<std::string> left;
    for (const SourceItem& item : listed)
      if (!used.contains(&item)) left.push_back(item.name);
    if (!left.empty())
      list.warnings.push_back(fmt::format("{} of '{}' have no partner in '{}' and were not used: {}", left.size(), id,
                                          graph.nodes[list.sources[0]].id, some_names(left)));
  }
  return list;
}

}  // namespace latentflow

// sources.cpp: see sources.h.
#include "sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <unordered_set>
#include <vector>

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
  // The name of what lies outside of its list has lost its folders.
  if (item.from_list && item.key != item.name && item.key != stem_of(item)) return found;
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

/// By what an item is joined where no key is equal, last part first and without extension: its name, or its path where
/// a list names it.
std::vector<std::string> parts_from_the_end(const SourceItem& item) {
  std::filesystem::path whole = (item.from_list ? item.path : std::filesystem::path(item.name)).lexically_normal();
  whole.replace_extension();
  std::vector<std::string> parts;
  for (const auto& part : whole) parts.push_back(part.string());
  std::reverse(parts.begin(), parts.end());
  return parts;
}

/// An item with its parts_from_the_end().
struct Ending {
  explicit Ending(const SourceItem& one)
      : item(&one), parts(parts_from_the_end(one)), extension(std::filesystem::path(one.name).extension().string()) {}
  const SourceItem* item;
  std::vector<std::string> parts;
  std::string extension;
};

/// How much of their ends two items have in common, 2 for a part and 1 for the extension; 0 where they cannot be
/// partners: a name that no list wrote down has to be in the other one as a whole.
std::size_t common_end(const Ending& one, const Ending& other) {
  if (!one.item->from_list && !other.item->from_list) return 0;
  const auto [of_one, of_other] =
      std::mismatch(one.parts.begin(), one.parts.end(), other.parts.begin(), other.parts.end());
  if ((of_one != one.parts.end() && !one.item->from_list) || (of_other != other.parts.end() && !other.item->from_list))
    return 0;
  const auto common = static_cast<std::size_t>(of_one - one.parts.begin());
  return 2 * common + (common > 0 && one.extension == other.extension ? 1 : 0);
}

/// Gives items without a partner of their key (whose last entry it fills in) one whose name ends like theirs, see
/// list_sources(); those of `used` have one already.
void join_by_ends(const std::vector<JoinedItem*>& unmatched, const std::vector<SourceItem>& listed,
                  const std::string& id, std::set<const SourceItem*>& used) {
  if (unmatched.empty()) return;
  std::map<std::string, std::vector<Ending>> by_last_part;
  for (const SourceItem& item : listed) {
    if (item.key.empty()) continue;
    Ending ending(item);
    if (!ending.parts.empty()) by_last_part[ending.parts[0]].push_back(std::move(ending));
  }
  std::map<const SourceItem*, std::vector<JoinedItem*>> wanted;
  std::vector<const SourceItem*> several;
  for (JoinedItem* joined : unmatched) {
    const Ending own(*joined->partners[0].item);
    if (own.parts.empty()) continue;
    std::vector<const SourceItem*> nearest;
    std::size_t most = 1;
    for (const Ending& candidate : by_last_part[own.parts[0]]) {
      const std::size_t common = common_end(own, candidate);
      if (common > most) nearest.clear();
      if (common >= most) nearest.push_back(candidate.item), most = common;
    }
    if (nearest.size() == 1 && !used.contains(nearest[0])) wanted[nearest[0]].push_back(joined);
    if (nearest.size() < 2) continue;
    std::vector<std::string> names;
    for (const SourceItem* candidate : nearest) names.push_back(candidate->name);
    several.insert(several.end(), nearest.begin(), nearest.end());
    joined->partners.back().why_none =
        fmt::format("'{}' is ambiguous in {}: {}; needs one of them, or one in folders of the same names",
                    joined->name(), id, some_names(names));
  }
  for (const auto& [partner, takers] : wanted) {
    used.insert(partner);
    std::vector<std::string> names;
    for (const JoinedItem* joined : takers) names.push_back(joined->name());
    for (JoinedItem* joined : takers)
      if (takers.size() == 1)
        joined->partners.back().item = partner;
      else
        joined->partners.back().why_none =
            fmt::format("'{}' in {} is ambiguous: it fits {}; needs one for each, in folders of the same names",
                        partner->name, id, some_names(names));
  }
  used.insert(several.begin(), several.end());
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
    std::vector<JoinedItem*> unmatched;
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
                 found == keys.end() && !joined.partners[0].item->from_list &&
                 of_one_name[stem_of(*joined.partners[0].item)].size() > 1) {
        const auto& several = of_one_name[stem_of(*joined.partners[0].item)];
        std::vector<std::string> names;
        for (const SourceItem* item : several) names.push_back(item->name);
        why = fmt::format("'{}' is ambiguous in {}: {}; needs one of them, or one with the same extension",
                          joined.name(), id, some_names(names));
        used.insert(several.begin(), several.end());
      } else if (found == keys.end()) {
        unmatched.push_back(&joined);
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
    join_by_ends(unmatched, listed, id, used);
    for (JoinedItem* joined : unmatched) {
      JoinedItem::Partner& partner = joined->partners.back();
      if (partner.item != nullptr || !partner.why_none.empty()) continue;
      partner.item = stand_in;
      if (stand_in == nullptr)
        partner.why_none = fmt::format("no partner for '{}' in {}", joined->partners[0].item->key, id);
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

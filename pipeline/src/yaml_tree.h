// yaml_tree.h: YAML text as a small tree that keeps places, quotes and the order of keys.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "diagnostics.h"

namespace latentflow {

struct YamlNode {
  enum class Type { null, text, list, map };
  Type type = Type::null;
  Place place;
  std::string text;
  bool quoted = false;
  bool reported = false;                               ///< stands for something that was refused
  std::vector<YamlNode> items;                         ///< of a list
  std::vector<std::pair<YamlNode, YamlNode>> entries;  ///< of a map, in file order, keys unique texts

  /// "a text", "a list", "a map", "nothing": for messages.
  const char* type_name() const;
};

/// Reads one document. Reports and leaves out what a strict graph file must not have: repeated keys, merge keys,
/// anchors, aliases, tags, keys that are no plain texts, further documents. Nothing if the text is no YAML at all.
std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file, Diagnostics& diagnostics);

}  // namespace latentflow

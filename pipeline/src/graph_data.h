// graph_data.h: a graph file as data: what was written, each piece with its place; nothing is looked up yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diagnostics.h"
#include "latentflow/schema.h"

namespace latentflow {

/// A value as written: for a parameter of a node, a wire or a parameter of the graph.
struct Written {
  Raw raw;
  Place place;
  bool quoted = false;
};

/// `name: {type: ..., default: ..., doc: ...}` below params.
struct ParameterDecl {
  std::string name, type, doc;
  Place place, type_place;
  std::optional<Written> value;  ///< the default, or what an override said
  bool overridden = false;
  bool broken = false;  ///< the value is not of the type, which was reported
  mutable bool used = false;
};

/// `key: value` of a node, other than `node`.
struct EntryDecl {
  std::string key;
  Place key_place;
  Written value;
};

/// `id: {node: type, ...}` below nodes.
struct NodeDecl {
  std::string id, type;
  Place place, type_place;
  std::vector<EntryDecl> entries;
};

/// What happens after an item failed.
enum class OnError { skip, stop };

struct GraphDecl {
  std::string file, name, doc;
  Place place;
  std::vector<ParameterDecl> parameters;
  std::vector<NodeDecl> nodes;
  OnError on_error = OnError::skip;
  int threads = 0;             ///< 0: not set
  std::size_t max_memory = 0;  ///< bytes, 0: not set

  const ParameterDecl* find_parameter(const std::string& name) const {
    for (const ParameterDecl& parameter : parameters)
      if (parameter.name == name) return &parameter;
    return nullptr;
  }
};

/// The structure of a graph file: keys, types, names. Everything wrong goes to `diagnostics`; what could be read is
/// returned.
GraphDecl read_graph(const std::string& text, const std::string& file, Diagnostics& diagnostics);

/// Letters, digits, '_' and '-', beginning with a letter.
bool is_name(const std::string& text);

/// "2G", "512M", "64K", "1000000": bytes in powers of 1024. Nothing for other texts.
std::optional<std::size_t> parse_size(const std::string& text);

/// "1.4 GiB", "12 MiB", "800 bytes"
std::string format_size(std::size_t bytes);

}  // namespace latentflow

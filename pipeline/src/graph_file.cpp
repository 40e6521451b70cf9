// graph_file.cpp: YAML to GraphDecl; see graph_data.h.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "graph_data.h"
#include "parameters.h"
#include "yaml_tree.h"

namespace latentflow {
namespace {

class Reader {
 public:
  Reader(GraphDecl& graph, Diagnostics& diagnostics) : graph_(graph), diagnostics_(diagnostics) {}

  void read(const YamlNode& root) {
    graph_.place = root.place;
    if (root.type != YamlNode::Type::map)
      return diagnostics_.error(
          root.place, fmt::format("a graph file is a map with 'graph:' and 'nodes:', this is {}", root.type_name()));
    bool has_nodes = false, has_name = false;
    for (const auto& [key, value] : root.entries) {
      if (key.text == "graph")
        has_name = true, graph_.name = text_of(value, "graph");
      else if (key.text == "doc")
        graph_.doc = text_of(value, "doc");
      else if (key.text == "params")
        read_parameters(value);
      else if (key.text == "settings")
        read_settings(value);
      else if (key.text == "nodes")
        has_nodes = true, read_nodes(value);
      else
        unknown_key(key, "a graph file", {"graph", "doc", "params", "nodes", "settings"});
    }
    if (!has_name) diagnostics_.error(root.place, "the graph has no name; begin the file with 'graph: NAME'");
    if (!has_nodes) diagnostics_.error(root.place, "the graph has no nodes; add 'nodes:'");
  }

 private:
  void unknown_key(const YamlNode& key, const std::string& owner, const std::vector<std::string>& known) {
    diagnostics_.error(key.place, fmt::format("{} has no key '{}'{}", owner, key.text, hint(key.text, known)));
  }

  std::string text_of(const YamlNode& value, const std::string& what) {
    if (value.type != YamlNode::Type::text)
      diagnostics_.error(value.place, fmt::format("{} is {}, needs a single text", what, value.type_name()));
    return value.text;
  }

  bool is_map(const YamlNode& value, const std::string& what, const std::string& needs) {
    if (value.type == YamlNode::Type::map) return true;
    diagnostics_.error(value.place, fmt::format("{} is {}, needs {}", what, value.type_name(), needs));
    return false;
  }

  void check_name(const YamlNode& key, const std::string& what) {
    if (!is_name(key.text))
      diagnostics_.error(
          key.place, fmt::format("{} name '{}' may have letters, digits, '_' and '-' only, and begins with a letter",
                                 what, key.text));
  }

  /// A scalar or a list of scalars; maps and nothing are refused.
  std::optional<Written> written(const YamlNode& value, const std::string& what) {
    Written result{{}, value.place, value.quoted};
    switch (value.type) {
      case YamlNode::Type::text: result.raw.text = value.text; return result;
      case YamlNode::Type::null:
        if (!value.reported) diagnostics_.error(value.place, fmt::format("{} has no value", what));
        return std::nullopt;
      case YamlNode::Type::map:
        diagnostics_.error(value.place, fmt::format("{} is a map, needs a single value or a list", what));
        return std::nullopt;
      case YamlNode::Type::list: break;
    }
    result.raw.is_list = true;
    for (const YamlNode& item : value.items) {
      if (item.type == YamlNode::Type::text)
        result.raw.items.push_back(item.text);
      else
        diagnostics_.error(item.place,
                           fmt::format("{} holds {} in its list, needs single values", what, item.type_name()));
    }
    return result;
  }

  void read_parameters(const YamlNode& value) {
    if (!is_map(value, "params", "a map of parameters: 'sigma: {type: number, default: 25}'")) return;
    for (const auto& [key, declared] : value.entries) {
      ParameterDecl parameter;
      parameter.name = key.text;
      parameter.place = key.place;
      check_name(key, "parameter");
      if (is_map(declared, key.text, "a map with a type: '{type: number, default: 25}'"))
        read_parameter(parameter, declared);
      else
        parameter.type = "text", parameter.used = true;
      graph_.parameters.push_back(std::move(parameter));
    }
  }

  void read_parameter(ParameterDecl& parameter, const YamlNode& declared) {
    for (const auto& [key, value] : declared.entries) {
      if (key.text == "type")
        parameter.type = text_of(value, parameter.name + ".type"), parameter.type_place = value.place;
      else if (key.text == "doc")
        parameter.doc = text_of(value, parameter.name + ".doc");
      else if (key.text == "default")
        parameter.value = written(value, parameter.name + ".default");
      else
        unknown_key(key, fmt::format("parameter '{}'", parameter.name), {"type", "default", "doc"});
    }
    if (parameter.type_place.line == 0) {
      diagnostics_.error(parameter.place, fmt::format("parameter '{}' has no type; known: {}", parameter.name,
                                                      join_words(parameter_types())));
      parameter.type = "text";
    } else if (const auto& known = parameter_types();
               std::find(known.begin(), known.end(), parameter.type) == known.end()) {
      diagnostics_.error(parameter.type_place, fmt::format("parameter '{}' has unknown type '{}'{}", parameter.name,
                                                           parameter.type, hint(parameter.type, known)));
      parameter.type = "text";
    }
    if (parameter.value) check_parameter_value(parameter, diagnostics_);
  }

  void read_settings(const YamlNode& value) {
    if (!is_map(value, "settings", "a map: 'settings: {on_error: skip}'")) return;
    for (const auto& [key, setting] : value.entries) {
      if (key.text == "on_error") {
        const std::string word = text_of(setting, "on_error");
        if (word == "stop")
          graph_.on_error = OnError::stop;
        else if (word != "skip" && setting.type == YamlNode::Type::text)
          diagnostics_.error(setting.place, fmt::format("on_error is '{}', allowed: skip, stop", word));
      } else if (key.text == "threads") {
        std::int64_t number = 0;
        const Status parsed = schema::parse(Raw{setting.text, {}, false}, number);
        if (setting.type != YamlNode::Type::text || !parsed || number < 1 || number > 1024)
          diagnostics_.error(setting.place, fmt::format("threads is '{}', allowed 1 to 1024", setting.text));
        else
          graph_.threads = static_cast<int>(number);
      } else if (key.text == "max_memory") {
        const auto bytes = parse_size(setting.text);
        if (!bytes)
          diagnostics_.error(setting.place,
                             fmt::format("max_memory is '{}', needs a size such as 2G or 512M", setting.text));
        else
          graph_.max_memory = *bytes;
      } else {
        unknown_key(key, "settings", {"on_error", "threads", "max_memory"});
      }
    }
  }

  void read_nodes(const YamlNode& value) {
    if (!is_map(value, "nodes", "a map of nodes: 'photos: {node: read_images, path: photos}'")) return;
    if (value.entries.empty()) diagnostics_.error(value.place, "the graph has no nodes");
    for (const auto& [key, declared] : value.entries) {
      NodeDecl node;
      node.id = key.text;
      node.place = key.place;
      check_name(key, "node");
      if (graph_.find_parameter(node.id))
        diagnostics_.error(key.place,
                           fmt::format("'{}' is the name of a parameter and of a node; rename one", node.id));
      if (!is_map(declared, key.text, "a map with a node type: '{node: read_images, path: photos}'")) continue;
      bool has_type = false;
      for (const auto& [entry, entry_value] : declared.entries) {
        if (entry.text == "node") {
          has_type = true;
          node.type = text_of(entry_value, node.id + ".node");
          node.type_place = entry_value.place;
        } else if (auto read = written(entry_value, node.id + "." + entry.text)) {
          node.entries.push_back({entry.text, entry.place, std::move(*read)});
        } else {
          node.entries.push_back({entry.text, entry.place, {{}, {}, false}});
        }
      }
      if (!has_type)
        diagnostics_.error(key.place, fmt::format("'{}' does not say what it is; add 'node: TYPE'", node.id));
      graph_.nodes.push_back(std::move(node));
    }
  }

  GraphDecl& graph_;
  Diagnostics& diagnostics_;
};

}  // namespace

bool is_name(const std::string& text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !letter(text[0])) return false;
  for (char c : text)
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '_' && c != '-') return false;
  return true;
}

std::optional<std::size_t> parse_size(const std::string& text) {
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || !(number > 0) || number > 1e15) return std::nullopt;
  std::string unit(end, text.data() + text.size());
  if (unit.ends_with("iB"))
    unit.resize(unit.size() - 2);
  else if (unit.size() == 2 && unit.ends_with("B"))
    unit.resize(1);
  double factor = 0;
  if (unit.empty() || unit == "B")
    factor = 1;
  else if (unit == "K" || unit == "k")
    factor = 1024.0;
  else if (unit == "M")
    factor = 1024.0 * 1024;
  else if (unit == "G")
    factor = 1024.0 * 1024 * 1024;
  else if (unit == "T")
    factor = 1024.0 * 1024 * 1024 * 1024;
  const double bytes = std::floor(number * factor);
  if (!(bytes >= 1) || bytes > 1e17) return std::nullopt;
  return static_cast<std::size_t>(bytes);
}

std::string format_size(std::size_t bytes) {
  const double value = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  if (value < 1024.0 * 1024) return fmt::format("{:.3g} KiB", value / 1024);
  if (value < 1024.0 * 1024 * 1000) return fmt::format("{:.3g} MiB", value / (1024.0 * 1024));
  return fmt::format("{:.3g} GiB", value / (1024.0 * 1024 * 1024));
}

GraphDecl read_graph(const std::string& text, const std::string& file, Diagnostics& diagnostics) {
  GraphDecl graph;
  graph.file = file;
  graph.place = {file, 1, 1};
  Diagnostics syntax;
  const std::optional<YamlNode> root = parse_yaml(text, file, diagnostics);
  if (root)
    Reader(graph, diagnostics).read(*root);
  else if (diagnostics.ok())
    diagnostics.error({file, 0, 0}, "the file is empty; a graph file begins with 'graph: NAME'");
  return graph;
}

}  // namespace latentflow

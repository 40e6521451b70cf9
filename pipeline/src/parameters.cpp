// parameters.cpp: see parameters.h.
#include "parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "yaml_tree.h"

namespace latentflow {
namespace {

template <class T>
Status parses_as(const Raw& raw) {
  T target{};
  return schema::parse(raw, target);
}

struct ParameterType {
  std::string name;
  Status (*check)(const Raw&);
};

const std::vector<ParameterType>& types() {
  static const std::vector<ParameterType> table{
      {"path", parses_as<Path>},
      {"text", parses_as<std::string>},
      {"number", parses_as<double>},
      {"integer", parses_as<std::int64_t>},
      {"bool", parses_as<bool>},
      {"noise_level", parses_as<NoiseLevel>},
      {"range", parses_as<NumberRange>},
      {"list of text", parses_as<std::vector<std::string>>},
      {"list of number", parses_as<std::vector<double>>},
  };
  return table;
}

/// The value of an override: a list in brackets through YAML, anything else as it stands.
Written override_value(const std::string& text, const Place& place, Diagnostics& diagnostics) {
  Written value{{text, {}, false}, place, true};
  if (!text.starts_with('[') || !text.ends_with(']')) return value;
  Diagnostics ignored;
  const std::optional<YamlNode> list = parse_yaml(text, place.file, ignored);
  if (!list || list->type != YamlNode::Type::list) {
    diagnostics.error(place, "the value begins like a list but cannot be read as one");
    return value;
  }
  value.raw = {{}, {}, true};
  for (const YamlNode& item : list->items) value.raw.items.push_back(item.text);
  return value;
}

void override_node(GraphDecl& graph, const std::string& id, const std::string& key, Written value, const Place& place,
                   Diagnostics& diagnostics) {
  std::vector<std::string> ids;
  for (NodeDecl& node : graph.nodes) {
    ids.push_back(node.id);
    if (node.id != id) continue;
    if (key == "node") return diagnostics.error(place, "the type of a node cannot be overridden, only its parameters");
    for (EntryDecl& entry : node.entries) {
      if (entry.key != key) continue;
      Diagnostics ignored;  // parameters that the file uses here still count as used
      substitute(graph, id, entry.value, ignored);
      entry.key_place = place;
      entry.value = std::move(value);
      return;
    }
    return node.entries.push_back({key, place, std::move(value)});
  }
  diagnostics.error(place, fmt::format("the graph has no node '{}'{}", id, hint(id, ids)));
}

void override_parameter(GraphDecl& graph, const std::string& name, Written value, const Place& place,
                        Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (ParameterDecl& parameter : graph.parameters) {
    names.push_back(parameter.name);
    if (parameter.name != name) continue;
    parameter.value = std::move(value);
    parameter.overridden = true;
    return check_parameter_value(parameter, diagnostics);
  }
  const std::string advice =
      names.empty() ? "; set a parameter of a node with NODE.PARAMETER=VALUE" : hint(name, names);
  diagnostics.error(place, fmt::format("the graph has no parameter '{}'{}", name, advice));
}

struct Lookup {
  const GraphDecl& graph;
  const std::string& subject;
  const Written& value;
  Diagnostics& diagnostics;
  Substituted result;

  const ParameterDecl* find(const std::string& name) {
    if (const ParameterDecl* parameter = graph.find_parameter(name)) {
      parameter->used = true;
      if (!parameter->value || parameter->broken) return result.unset = true, nullptr;
      const std::string how =
          parameter->overridden ? parameter->value->place.text() : "default at " + parameter->value->place.text();
      result.origin += fmt::format("{}${}: {}", result.origin.empty() ? "" : "; ", name, how);
      return parameter;
    }
    std::vector<std::string> names;
    for (const ParameterDecl& known : graph.parameters) names.push_back(known.name);
    fail(fmt::format("{} uses ${}, but the graph has no such parameter{}", subject, name, hint(name, names)));
    return nullptr;
  }

  void fail(std::string message) {
    diagnostics.error(value.place, std::move(message));
    result.failed = true;
  }

  /// `${name}` and `$$` inside a text.
  std::string expand(const std::string& text) {
    std::string expanded;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] != '$' || at + 1 == text.size()) {
        expanded += text[at];
      } else if (text[at + 1] == '$') {
        expanded += '$', ++at;
      } else if (text[at + 1] == '{') {
        const std::size_t end = text.find('}', at);
        if (end == std::string::npos) return fail(fmt::format("{} has '${{' without '}}'", subject)), expanded;
        const std::string name = text.substr(at + 2, end - at - 2);
        if (const ParameterDecl* parameter = find(name)) {
          if (parameter->value->raw.is_list)
            fail(fmt::format("{} puts the list ${} inside a text", subject, name));
          else
            expanded += parameter->value->raw.text;
        }
        at = end;
      } else {
        std::size_t end = at + 1;
        while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
        if (end == at + 1)
          expanded += '$';
        else {
          const std::string name = text.substr(at + 1, end - at - 1);
          fail(fmt::format("{} is '{}'; write ${{{}}} for a parameter inside a text, or $$ for a dollar", subject, text,
                           name));
          return expanded;
        }
      }
    }
    return expanded;
  }
};

}  // namespace

const std::vector<std::string>& parameter_types() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const ParameterType& type : types()) list.push_back(type.name);
    return list;
  }();
  return names;
}

void check_parameter_value(ParameterDecl& parameter, Diagnostics& diagnostics) {
  for (const ParameterType& type : types()) {
    if (type.name != parameter.type) continue;
    const Status status = type.check(parameter.value->raw);
    parameter.broken = !status;
    if (!status) diagnostics.error(parameter.value->place, parameter.name + " " + status.error().message);
  }
}

void apply_overrides(GraphDecl& graph, const std::vector<std::string>& overrides, Diagnostics& diagnostics) {
  for (const std::string& text : overrides) {
    const Place place{"--set " + text, 0, 0};
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      diagnostics.error(place, "needs the form PARAMETER=VALUE or NODE.PARAMETER=VALUE");
      continue;
    }
    const std::string target = text.substr(0, equals);
    Written value = override_value(text.substr(equals + 1), place, diagnostics);
    const std::size_t dot = target.find('.');
    if (dot == std::string::npos)
      override_parameter(graph, target, std::move(value), place, diagnostics);
    else
      override_node(graph, target.substr(0, dot), target.substr(dot + 1), std::move(value), place, diagnostics);
  }
}

Substituted substitute(const GraphDecl& graph, const std::string& subject, const Written& value,
                       Diagnostics& diagnostics) {
  Lookup lookup{graph, subject, value, diagnostics, {}};
  Substituted& result = lookup.result;
  result.place = value.place;
  const auto whole = [](const std::string& text) {
    return text.size() > 1 && text[0] == '$' && is_name(text.substr(1));
  };
  if (!value.raw.is_list && whole(value.raw.text)) {
    if (const ParameterDecl* parameter = lookup.find(value.raw.text.substr(1))) {
      result.raw = parameter->value->raw;
      if (parameter->overridden) result.place = parameter->value->place;
    }
  } else if (!value.raw.is_list) {
    result.raw.text = lookup.expand(value.raw.text);
  } else {
    result.raw.is_list = true;
    for (const std::string& item : value.raw.items) {
      if (!whole(item))
        result.raw.items.push_back(lookup.expand(item));
      else if (const ParameterDecl* parameter = lookup.find(item.substr(1))) {
        if (parameter->value->raw.is_list)
          result.raw.items.insert(result.raw.items.end(), parameter->value->raw.items.begin(),
                                  parameter->value->raw.items.end());
        else
          result.raw.items.push_back(parameter->value->raw.text);
      }
    }
  }
  if (result.origin.empty()) result.origin = value.place.text();
  return result;
}

std::string show(const Raw& raw) { return raw.is_list ? "[" + join_words(raw.items) + "]" : raw.text; }

}  // namespace latentflow

// check.cpp: see check.h.
#include "check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "parameters.h"

namespace latentflow {
namespace {

class Checker {
 public:
  Checker(const GraphDecl& graph, const Host& host, Diagnostics& diagnostics)
      : graph_(graph), host_(host), diagnostics_(diagnostics) {}

  CheckedGraph run() {
    for (const NodeDecl& node : graph_.nodes) look_up(node);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      if (checked_.nodes[i].info) {
        bind_parameters(graph_, graph_.nodes[i], checked_.nodes[i], diagnostics_);
        wire(i);
      }
    if (all_known_) {
      check_ends();
      sort();
    }
    check_parameters();
    checked_.name = graph_.name;
    checked_.doc = graph_.doc;
    checked_.on_error = graph_.on_error;
    checked_.threads = graph_.threads;
    checked_.max_memory = graph_.max_memory;
    return std::move(checked_);
  }

 private:
  void look_up(const NodeDecl& node) {
    CheckedNode checked{node.id, node.place, nullptr, {}, false, {}, {}};
    checked.info = node.type.empty() ? nullptr : host_.find_node(node.type);
    if (checked.info) {
      checked.inputs.resize(checked.info->inputs.size());
    } else {
      all_known_ = false;
      if (!node.type.empty()) report_unknown_type(node);
      for (const EntryDecl& entry : node.entries)  // so that its parameters count as used
        if (!entry.value.place.file.empty()) substitute(graph_, node.id + "." + entry.key, entry.value, diagnostics_);
    }
    checked_.nodes.push_back(std::move(checked));
  }

  void report_unknown_type(const NodeDecl& node) {
    std::vector<std::string> known;
    for (const NodeInfo* info : host_.nodes()) known.push_back(info->name);
    std::string message = fmt::format("unknown node '{}'{}", node.type, hint(node.type, known));
    std::vector<std::string> refused;
    for (const PluginStatus& plugin : host_.plugins())
      if (plugin.state == PluginStatus::State::refused) refused.push_back(plugin.path.filename().string());
    if (known.empty() && refused.empty())
      message += "; no plugins were found, set LATENTFLOW_PLUGIN_PATH";
    else if (!refused.empty() && nearest(node.type, known).empty())
      message += fmt::format("; refused plugins ('latentflow plugins' says why): {}", join_words(refused));
    diagnostics_.error(node.type_place, std::move(message));
  }

  void wire(std::size_t index) {
    const NodeDecl& node = graph_.nodes[index];
    CheckedNode& checked = checked_.nodes[index];
    bool any = false;
    for (std::size_t port = 0; port < checked.info->inputs.size(); ++port) {
      const PortInfo& declared = checked.info->inputs[port];
      const auto entry = std::find_if(node.entries.begin(), node.entries.end(),
                                      [&](const EntryDecl& one) { return one.key == declared.name; });
      if (entry != node.entries.end()) {
        any = true;
        connect(node, checked, port, *entry);
      } else if (!declared.optional) {
        any = true;
        diagnostics_.error(node.place, fmt::format("'{}' ({}) needs its input '{}' wired: {}", node.id,
                                                   checked.info->name, declared.name, declared.doc));
      }
    }
    if (!any && !checked.info->inputs.empty())
      diagnostics_.error(node.place, fmt::format("'{}' ({}) has no input wired; it takes {}", node.id,
                                                 checked.info->name, join_words(port_names(checked.info->inputs))));
  }

  void connect(const NodeDecl& node, CheckedNode& checked, std::size_t port, const EntryDecl& entry) {
    const PortInfo& declared = checked.info->inputs[port];
    const std::string subject = node.id + "." + declared.name;
    if (entry.value.place.file.empty()) return;
    if (entry.value.raw.is_list)
      return diagnostics_.error(entry.value.place,
                                fmt::format("{} is an input, needs the name of one node, not a list", subject));
    const std::string& target = entry.value.raw.text;
    if (target.starts_with('$')) {
      if (const ParameterDecl* parameter = graph_.find_parameter(target.substr(1))) parameter->used = true;
      return diagnostics_.error(
          entry.value.place,
          fmt::format("{} is an input, needs the name of a node; parameters carry no values of items", subject));
    }
    const std::size_t dot = target.find('.');
    const std::string id = target.substr(0, dot);
    std::vector<std::string> ids;
    for (std::size_t from = 0; from < checked_.nodes.size(); ++from) {
      if (&checked_.nodes[from] != &checked) ids.push_back(checked_.nodes[from].id);
      if (checked_.nodes[from].id != id) continue;
      if (!checked_.nodes[from].info) return;
      return connect_to(checked, port, entry, from, dot == std::string::npos ? "" : target.substr(dot + 1));
    }
    diagnostics_.error(entry.value.place,
                       fmt::format("{} takes from '{}', but there is no such node{}", subject, id, hint(id, ids)));
  }

  void connect_to(CheckedNode& checked, std::size_t port, const EntryDecl& entry, std::size_t from,
                  const std::string& output) {
    const NodeInfo& source = *checked_.nodes[from].info;
    const std::string& id = checked_.nodes[from].id;
    const PortInfo& declared = checked.info->inputs[port];
    const std::string subject = checked.id + "." + declared.name;
    if (source.outputs.empty())
      return diagnostics_.error(
          entry.value.place,
          fmt::format("{} takes from '{}', but {} is a sink and has no outputs", subject, id, source.name));
    std::size_t out = 0;
    if (!output.empty()) {
      const auto found = std::find_if(source.outputs.begin(), source.outputs.end(),
                                      [&](const PortInfo& one) { return one.name == output; });
      if (found == source.outputs.end())
        return diagnostics_.error(entry.value.place, fmt::format("'{}' ({}) has no output '{}'{}", id, source.name,
                                                                 output, hint(output, port_names(source.outputs))));
      out = static_cast<std::size_t>(found - source.outputs.begin());
    }
    if (source.outputs[out].kind != declared.kind)
      return diagnostics_.error(entry.value.place,
                                fmt::format("{}.{} carries {}, {} wants {}", id, source.outputs[out].name,
                                            to_string(source.outputs[out].kind), subject, to_string(declared.kind)));
    checked.inputs[port] = Wire{from, out};
    checked.settings.push_back({declared.name, id + "." + source.outputs[out].name, entry.value.place.text()});
  }

  void check_ends() {
    bool source = false, sink = false;
    std::vector<bool> used(checked_.nodes.size());
    for (const NodeDecl& node : graph_.nodes)  // by what was written, so that a mistyped wire is not reported twice
      for (const EntryDecl& entry : node.entries)
        for (std::size_t i = 0; i < checked_.nodes.size(); ++i)
          if (const std::string& id = checked_.nodes[i].id;
              entry.value.raw.text == id || entry.value.raw.text.starts_with(id + "."))
            used[i] = used[i] || is_input(node, entry.key);
    for (std::size_t i = 0; i < checked_.nodes.size(); ++i) {
      const CheckedNode& node = checked_.nodes[i];
      source = source || node.info->role == Role::source;
      sink = sink || node.info->role == Role::sink;
      if (node.info->role != Role::sink && !used[i])
        diagnostics_.error(
            node.place,
            fmt::format(
                "nothing takes the output of '{}' ({}); wire {} into another node, or leave it out", node.id,
                node.info->name,
                node.info->outputs.size() == 1 ? "it" : "one of " + join_words(port_names(node.info->outputs))));
    }
    if (checked_.nodes.empty()) return;
    if (!source)
      diagnostics_.error(graph_.nodes.front().place,
                         "the graph has no source, so nothing would ever run; add a node such as read_images");
    if (!sink)
      diagnostics_.error(graph_.nodes.front().place,
                         "the graph has no sink, so its results would be lost; add a node such as write_images");
  }

  bool is_input(const NodeDecl& node, const std::string& key) const {
    const NodeInfo* info = host_.find_node(node.type);
    return info && std::any_of(info->inputs.begin(), info->inputs.end(),
                               [&](const PortInfo& port) { return port.name == key; });
  }

  /// Topological order; what cannot be ordered is on a cycle or behind one.
  void sort() {
    std::vector<bool> done(checked_.nodes.size());
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t i = 0; i < checked_.nodes.size(); ++i) {
        if (done[i]) continue;
        const auto& inputs = checked_.nodes[i].inputs;
        if (!std::all_of(inputs.begin(), inputs.end(), [&](const auto& wire) { return !wire || done[wire->node]; }))
          continue;
        checked_.order.push_back(i);
        done[i] = moved = true;
      }
    }
    for (std::size_t i = 0; i < done.size(); ++i)
      if (!done[i]) return report_cycle(i, done);
  }

  /// Walks backwards over unfinished inputs from `start` until a node comes again.
  void report_cycle(std::size_t start, const std::vector<bool>& done) {
    std::vector<std::size_t> path;
    for (std::size_t at = start; std::find(path.begin(), path.end(), at) == path.end();) {
      path.push_back(at);
      for (const auto& wire : checked_.nodes[at].inputs)
        if (wire && !done[wire->node]) {
          at = wire->node;
          start = at;
          break;
        }
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), start));
    std::reverse(path.begin(), path.end());
    std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
    std::string text = checked_.nodes[path.front()].id;
    for (std::size_t i = 1; i < path.size(); ++i) text += " -> " + checked_.nodes[path[i]].id;
    diagnostics_.error(checked_.nodes[path.front()].place,
                       fmt::format("the nodes run in a circle: {} -> {}", text, checked_.nodes[path.front()].id));
  }

  void check_parameters() {
    for (const ParameterDecl& parameter : graph_.parameters) {
      if (!parameter.used)
        diagnostics_.error(parameter.place,
                           fmt::format("parameter '{}' is not used; write ${} in a node, or leave it out",
                                       parameter.name, parameter.name));
      else if (!parameter.value)
        checked_.missing.push_back({parameter.name, parameter.place, parameter.type, parameter.doc});
      checked_.parameters.push_back({parameter.name, parameter.value ? show(parameter.value->raw) : "",
                                     !parameter.value       ? "not set yet"
                                     : parameter.overridden ? parameter.value->place.text()
                                                            : "default at " + parameter.value->place.text()});
    }
  }

  const GraphDecl& graph_;
  const Host& host_;
  Diagnostics& diagnostics_;
  CheckedGraph checked_;
  bool all_known_ = true;
};

}  // namespace

CheckedGraph check_graph(const GraphDecl& graph, const Host& host, Diagnostics& diagnostics) {
  return Checker(graph, host, diagnostics).run();
}

}  // namespace latentflow

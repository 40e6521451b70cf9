// info_commands.cpp: nodes, describe, schema, docs and plugins: what there is.
#include <fmt/format.h>

#include <algorithm>

#include "command_line.h"
#include "commands.h"
#include "describe.h"
#include "diagnostics.h"

namespace latentflow::cli {

int nodes() {
  const Host host;
  std::size_t width = 4;
  for (const NodeInfo* info : host.nodes()) width = std::max(width, info->name.size());
  for (const NodeInfo* info : host.nodes()) {
    const char* role = info->role == Role::source ? "source" : info->role == Role::sink ? "sink" : "stage";
    fmt::print("{:<{}}  {:<6}  {}\n", info->name, width, role, info->summary);
  }
  if (host.nodes().empty()) say("latentflow: error: no plugins were found; 'latentflow plugins' says more\n");
  return host.nodes().empty() ? 1 : 0;
}

int describe(const std::string& node) {
  const Host host;
  if (const NodeInfo* info = host.find_node(node)) {
    fmt::print("{}", describe_text(*info));
    return 0;
  }
  std::vector<std::string> known;
  for (const NodeInfo* info : host.nodes()) known.push_back(info->name);
  say("latentflow: error: unknown node '{}'{}\n", node, hint(node, known));
  return 1;
}

int schema() {
  const Host host;
  fmt::print("{}", json_schema(host.nodes()));
  return 0;
}

int docs() {
  const Host host;
  fmt::print("{}", describe_markdown(host.nodes()));
  return 0;
}

int plugins() {
  const Host host;
  bool refused = false;
  for (const PluginStatus& plugin : host.plugins()) {
    switch (plugin.state) {
      case PluginStatus::State::loaded:
        fmt::print("loaded    {} {} ({}): {}\n", plugin.name, plugin.version, plugin.path.string(),
                   join_words(plugin.nodes));
        break;
      case PluginStatus::State::shadowed: fmt::print("shadowed  {}: {}\n", plugin.path.string(), plugin.reason); break;
      case PluginStatus::State::refused:
        refused = true;
        fmt::print("refused   {}: {}\n", plugin.path.string(), plugin.reason);
        break;
    }
  }
  if (host.plugins().empty())
    fmt::print("no plugins were found; put folders with plugins into LATENTFLOW_PLUGIN_PATH\n");
  return refused ? 1 : 0;
}

}  // namespace latentflow::cli

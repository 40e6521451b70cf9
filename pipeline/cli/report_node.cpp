// report_node.cpp: see report_node.h.
#include "report_node.h"

#include <fmt/format.h>

#include <algorithm>

namespace latentflow::cli {
namespace {

/// The value of a parameter, or the "node.port" of a wire; empty if it is not set.
std::string setting_of(const ExplainedNode& node, const std::string& name) {
  for (const ExplainedSetting& setting : node.settings)
    if (setting.name == name) return setting.value;
  return "";
}

const ExplainedNode* last_of(const std::vector<ExplainedNode>& nodes, const std::string& type) {
  const auto found =
      std::find_if(nodes.rbegin(), nodes.rend(), [&](const ExplainedNode& node) { return node.type == type; });
  return found == nodes.rend() ? nullptr : &*found;
}

/// Follows the first wired picture input of each node up to a source.
std::string origin_of(const Host& host, const std::vector<ExplainedNode>& nodes, std::string output) {
  while (true) {
    const std::string id = output.substr(0, output.find('.'));
    const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const ExplainedNode& one) { return one.id == id; });
    const NodeInfo* info = node == nodes.end() ? nullptr : host.find_node(node->type);
    if (info == nullptr) return output;
    std::string from;
    for (const PortInfo& port : info->inputs)
      if (port.kind == Kind::image && from.empty()) from = setting_of(*node, port.name);
    if (from.empty()) return output;
    output = from;
  }
}

/// In single quotes, as YAML has them.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : c == '$' ? std::string("$$") : std::string(1, c);
  return result + "'";
}

}  // namespace

Result<std::string> report_node(const Host& host, const Graph& graph, const Path& folder) {
  const std::vector<ExplainedNode> nodes = graph.explain();
  std::string id = "report";
  while (std::any_of(nodes.begin(), nodes.end(), [&](const ExplainedNode& node) { return node.id == id; }))
    id += "_page";
  std::string pictures;
  if (const ExplainedNode* sheet = last_of(nodes, "write_sheet");
      sheet != nullptr && !setting_of(*sheet, "b").empty()) {
    for (const char* port : {"a", "b", "c", "d"})
      if (const std::string from = setting_of(*sheet, port); !from.empty())
        pictures += fmt::format("{}: {}, ", port, from);
    if (const std::string captions = setting_of(*sheet, "captions"); !captions.empty())
      pictures += "captions: " + captions + ", ";
  } else if (const ExplainedNode* saved = last_of(nodes, "write_images"); saved != nullptr) {
    const std::string after = setting_of(*saved, "image"), before = origin_of(host, nodes, after);
    if (before == after)
      return invalid_argument(
          fmt::format("--report: '{}' writes pictures as they were read, there is no before and after", saved->id));
    pictures = fmt::format("a: {}, b: {}, ", before, after);
  } else {
    return invalid_argument(
        "--report: the graph has neither a write_sheet with two pictures nor a write_images, whose pictures it shows");
  }
  if (const ExplainedNode* table = last_of(nodes, "write_table"))
    pictures += fmt::format("record: {}, ", setting_of(*table, "record"));
  return fmt::format("{}: {{node: write_report, {}title: {}, path: {}}}", id, pictures, quoted(graph.name()),
                     quoted((folder / "index.html").string()));
}

}  // namespace latentflow::cli

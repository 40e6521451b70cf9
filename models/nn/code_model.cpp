// code_model.cpp: see code_model.h.
#include "code_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>
#include <vector>

namespace latentflow::nn {
namespace {

constexpr std::int64_t most_features = 1 << 24;

Status check_outputs(const Graph& graph) {
  if (graph.inputs.size() == 1 && graph.outputs.size() == 2) return success();
  return invalid_argument(
      fmt::format("network \"{}\" has {} inputs and {} outputs; a model of codes has one input and the outputs code "
                  "and reconstruction",
                  graph.name, graph.inputs.size(), graph.outputs.size()));
}

}  // namespace

std::string to_string(const CodeItem& item) {
  if (item.kind == CodeItem::Kind::tensor) return fmt::format("tensor {}", item.features());
  return fmt::format("{} {}x{}x{}", item.kind == CodeItem::Kind::image ? "image" : "patch", item.height, item.width,
                     item.channels);
}

Result<CodeItem> parse_code_item(const std::string& text) {
  CodeItem item;
  long long height = 0, width = 0, channels = 0;
  int used = 0;
  const auto whole = [&] { return used == static_cast<int>(text.size()); };
  const auto sane = [](long long extent) { return extent >= 1 && extent <= most_features; };
  if (std::sscanf(text.c_str(), "tensor %lld%n", &width, &used) == 1 && whole() && sane(width)) {
    item.width = width;
    return item;
  }
  for (const auto& [pattern, kind] : {std::pair("image %lldx%lldx%lld%n", CodeItem::Kind::image),
                                      std::pair("patch %lldx%lldx%lld%n", CodeItem::Kind::patch)}) {
    used = 0;
    if (std::sscanf(text.c_str(), pattern, &height, &width, &channels, &used) != 3 || !whole()) continue;
    if (!sane(height) || !sane(width) || (channels != 1 && channels != 3) || height * width > most_features) break;
    return CodeItem{kind, height, width, channels};
  }
  return bad_input(
      fmt::format("item is \"{}\", needs \"image HxWxC\", \"patch HxWxC\" (C 1 or 3) or \"tensor N\"", text));
}

Result<std::int64_t> code_keep(const Graph& graph, std::int64_t codes) {
  const auto found = graph.metadata.find(code_keep_key);
  if (found == graph.metadata.end()) return std::int64_t{0};
  const std::string& text = found->second;
  std::int64_t keep = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), keep);
  if (failure != std::errc() || end != text.data() + text.size() || keep < 1 || keep > codes)
    return bad_input(fmt::format("{} is \"{}\", allowed 1 to {}", code_keep_key, text, codes));
  return keep;
}

std::optional<CodedSize> parse_coded_size(const std::string& text) {
  CodedSize size;
  int used = 0;
  if (std::sscanf(text.c_str(), "%5dx%5d%n", &size.width, &size.height, &used) != 2 ||
      used != static_cast<int>(text.size()) || size.width < 1 || size.height < 1 ||
      size.width > CodedSize::longest_side || size.height > CodedSize::longest_side)
    return std::nullopt;
  return size;
}

void keep_largest(std::span<float> code, std::int64_t keep) {
  if (keep >= static_cast<std::int64_t>(code.size())) return;
  if (std::any_of(code.begin(), code.end(), [](float number) { return std::isnan(number); })) return;
  std::vector<float> sorted(code.begin(), code.end());
  const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(keep - 1);
  std::nth_element(sorted.begin(), last, sorted.end(), std::greater<>());
  const float least = *last;
  std::int64_t equal = keep - std::count_if(code.begin(), code.end(), [&](float number) { return number > least; });
  for (float& number : code)
    if (!(number > least) && !(number == least && equal-- > 0)) number = 0;
}

Result<Graph> cut(const Graph& graph, const std::string& input, const std::string& output) {
  const auto find = [&](const std::string& name) {
    const auto found = std::find_if(graph.values.begin(), graph.values.end(),
                                    [&](const ValueInfo& value) { return value.name == name; });
    return found == graph.values.end() ? no_value : static_cast<ValueId>(found - graph.values.begin());
  };
  const ValueId from = find(input), to = find(output);
  for (const auto& [id, name] : {std::pair(from, input), std::pair(to, output)})
    if (id == no_value) return not_found(fmt::format("network \"{}\" has no value \"{}\"", graph.name, name));

  // Backwards from the output: which nodes are needed.
  std::set<ValueId> needed{to};
  std::vector<bool> kept(graph.nodes.size());
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (!needed.contains(node.output) || node.output == from) continue;
    kept[i] = true;
    for (const ValueId id : node.inputs)
      if (id != no_value) needed.insert(id);
  }
  for (const ValueId id : graph.inputs)
    if (id != from && needed.contains(id))
      return invalid_argument(
          fmt::format("value \"{}\" of network \"{}\" is computed from \"{}\", too, not from \"{}\" alone", output,
                      graph.name, graph.value(id).name, input));
  Graph part = graph;
  part.name = fmt::format("{}_{}", graph.name, output);
  part.nodes.clear();
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (kept[i]) part.nodes.push_back(graph.nodes[i]);
  part.inputs = {from};
  part.outputs = {to};
  part.metadata.erase("weights_sha256");
  part.metadata["image_input"] = input;
  return part;
}

Result<Graph> encoder_of(const Graph& graph) {
  if (Status status = check_outputs(graph); !status) return status.error();
  return cut(graph, graph.value(graph.inputs[0]).name, graph.value(graph.outputs[0]).name);
}

Result<Graph> decoder_of(const Graph& graph) {
  if (Status status = check_outputs(graph); !status) return status.error();
  return cut(graph, graph.value(graph.outputs[0]).name, graph.value(graph.outputs[1]).name);
}

}  // namespace latentflow::nn

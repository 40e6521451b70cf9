// shapes.cpp: extents of every value of a graph for given inputs, and the work they mean; see graph.h.
#include <fmt/format.h>

#include "node_shape.h"

namespace latentflow::nn {
namespace {

Status check_extents(const Dims& dims, const std::string& subject) {
  std::int64_t count = 1;
  for (const std::int64_t extent : dims) {
    if (extent < 1 || extent > extent_limit || (count *= extent) > element_limit)
      return invalid_argument(fmt::format("{} has the shape {}, allowed are extents from 1 and {} elements in all",
                                          subject, to_string(dims), element_limit));
  }
  return success();
}

}  // namespace

Result<std::vector<Dims>> infer_shapes(const Graph& graph, std::span<const Dims> input_dims) {
  if (input_dims.size() != graph.inputs.size())
    return invalid_argument(fmt::format("network \"{}\" has {} inputs, got shapes for {}", graph.name,
                                        graph.inputs.size(), input_dims.size()));
  std::vector<Dims> shapes(graph.values.size());
  std::vector<bool> known(graph.values.size(), false);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (!graph.values[i].constant) continue;
    shapes[i] = graph.values[i].constant->dims();
    known[i] = true;
  }
  for (std::size_t i = 0; i < input_dims.size(); ++i) {
    const ValueInfo& input = graph.value(graph.inputs[i]);
    const std::string subject = fmt::format("input \"{}\"", input.name);
    if (Status status = check_extents(input_dims[i], subject); !status) return status.error();
    // Declared heights, widths and batch sizes are often just those of the picture the exporter traced with, so they
    // do not bind; the nodes say what they need.
    const bool other_rank = !input.dims.empty() && input.dims.size() != input_dims[i].size();
    if (other_rank || (input.dims.size() > 1 && input.dims[1] > 0 && input.dims[1] != input_dims[i][1]))
      return invalid_argument(fmt::format("{} of network \"{}\" needs the shape {} with the same channels, got {}",
                                          subject, graph.name, to_string(input.dims), to_string(input_dims[i])));
    shapes[static_cast<std::size_t>(graph.inputs[i])] = input_dims[i];
    known[static_cast<std::size_t>(graph.inputs[i])] = true;
  }
  for (const Node& node : graph.nodes) {
    std::vector<const Dims*> inputs;
    for (const ValueId id : node.inputs) {
      if (id != no_value && !known[static_cast<std::size_t>(id)])
        return invalid_argument(fmt::format("node \"{}\" ({}) needs \"{}\", which no earlier node makes", node.name,
                                            to_string(node.op), graph.value(id).name));
      inputs.push_back(id == no_value ? nullptr : &shapes[static_cast<std::size_t>(id)]);
    }
    Result<Dims> out = output_dims(node, inputs);
    if (!out) return out.error();
    const std::string subject = fmt::format("the output of node \"{}\" ({})", node.name, to_string(node.op));
    if (Status status = check_extents(*out, subject); !status) return status.error();
    shapes[static_cast<std::size_t>(node.output)] = std::move(*out);
    known[static_cast<std::size_t>(node.output)] = true;
  }
  return shapes;
}

std::int64_t multiply_adds(const Graph& graph, const std::vector<Dims>& shapes) {
  const auto shape = [&](ValueId id) -> const Dims& { return shapes[static_cast<std::size_t>(id)]; };
  std::int64_t total = 0;
  for (const Node& node : graph.nodes) {
    const Dims& out = shape(node.output);
    switch (node.op) {
      case Op::conv: {  // every output sums over one weight filter
        const Dims& weights = shape(node.inputs[1]);
        total += element_count(out) * weights[1] * weights[2] * weights[3];
        break;
      }
      case Op::conv_transpose: {  // every input is spread by one weight filter
        const Dims& weights = shape(node.inputs[1]);
        total += element_count(shape(node.inputs[0])) * weights[1] * weights[2] * weights[3];
        break;
      }
      case Op::gemm:
        total += element_count(out) * shape(node.inputs[0])[node.as<GemmAttributes>().trans_a ? 0 : 1];
        break;
      case Op::matmul: total += element_count(out) * shape(node.inputs[0]).back(); break;
      default: break;
    }
  }
  return total;
}

}  // namespace latentflow::nn

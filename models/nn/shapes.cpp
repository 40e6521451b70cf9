// shapes.cpp: extents of every value of a graph for given inputs, and the work they mean; see graph.h.
#include <fmt/format.h>

#include <array>

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

// Two sizes for an extent that is not known yet; what comes out equal for both does not depend on it. They are
// multiples of all usual strides and block sizes.
std::int64_t stand_in(std::size_t axis, int trial) { return axis == 0 ? 2 + trial : 2880 * (1 + trial); }

}  // namespace

Result<std::optional<Dims>> declared_output_dims(const Graph& graph, const Node& node) {
  std::array<Dims, 2> outputs;
  for (const int trial : {0, 1}) {
    std::vector<Dims> inputs(node.inputs.size());
    std::vector<const Dims*> pointers(node.inputs.size(), nullptr), declared(node.inputs.size(), nullptr);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (node.inputs[i] == no_value) continue;
      const ValueInfo& info = graph.value(node.inputs[i]);
      if (info.dims.empty() && !info.constant) return std::optional<Dims>{};
      inputs[i] = info.dims;
      pointers[i] = &inputs[i];
      declared[i] = &info.dims;
    }
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (std::size_t axis = 0; axis < inputs[i].size(); ++axis) {
        if (inputs[i][axis] >= 0) continue;
        const bool channels = i == 0 && axis == 1 && inputs.size() > 1 && inputs[1].size() == 4;
        const auto* conv = node.op == Op::conv ? std::get_if<ConvAttributes>(&node.attributes) : nullptr;
        if (channels && conv != nullptr && conv->group >= 1 && conv->group < extent_limit)
          inputs[i][axis] = inputs[1][1] * conv->group;
        else if (channels && node.op == Op::conv_transpose)
          inputs[i][axis] = inputs[1][0];
        else
          inputs[i][axis] = stand_in(axis, trial);
      }
    Result<std::optional<Dims>> out = output_dims(node, pointers, declared);
    if (!out || !*out) return out;
    outputs[static_cast<std::size_t>(trial)] = std::move(**out);
  }
  Dims& dims = outputs[0];
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    const bool clamped = node.op == Op::slice && graph.value(node.inputs[0]).dims[axis] < 0;
    if (clamped || dims[axis] != outputs[1][axis])
      dims[axis] = -1;
    else if (dims[axis] < 1 || dims[axis] > extent_limit)
      return invalid_argument(
          fmt::format("the output of node \"{}\" ({}) has the extent {} along axis {}, allowed 1 to {}", node.name,
                      to_string(node.op), dims[axis], axis, extent_limit));
  }
  return std::optional<Dims>(dims);
}

Status declare_dims(Graph& graph) {
  for (const Node& node : graph.nodes) {
    const auto dims = declared_output_dims(graph, node);
    if (!dims) return dims.error();
    graph.value(node.output).dims = dims->value_or(Dims{});
  }
  return success();
}

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

std::int64_t multiply_adds(const Node& node, const std::vector<Dims>& shapes) {
  const auto shape = [&](ValueId id) -> const Dims& { return shapes[static_cast<std::size_t>(id)]; };
  const auto filter = [&] {  // weights that one output (Conv) or one input (ConvTranspose) meets
    const Dims& weights = shape(node.inputs[1]);
    return weights[1] * weights[2] * weights[3];
  };
  switch (node.op) {
    case Op::conv: return element_count(shape(node.output)) * filter();
    case Op::conv_transpose: return element_count(shape(node.inputs[0])) * filter();
    case Op::gemm:
      return element_count(shape(node.output)) * shape(node.inputs[0])[node.as<GemmAttributes>().trans_a ? 0 : 1];
    case Op::matmul: return element_count(shape(node.output)) * shape(node.inputs[0]).back();
    default: return 0;
  }
}

std::int64_t multiply_adds(const Graph& graph, const std::vector<Dims>& shapes) {
  std::int64_t total = 0;
  for (const Node& node : graph.nodes) total += multiply_adds(node, shapes);
  return total;
}

}  // namespace latentflow::nn

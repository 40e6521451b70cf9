// passes.cpp: see passes.h.
#include "passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "node_shape.h"

namespace latentflow::nn {
namespace {

// y = scale * x + shift, per channel.
struct Affine {
  std::vector<float> scale, shift;
};

Result<Affine> affine_of(const Graph& graph, const Node& node) {
  const auto refuse = [&](const std::string& fact) {
    return unsupported(fmt::format("node \"{}\" (BatchNormalization) {}", node.name, fact));
  };
  if (node.inputs.size() != 5) return refuse(fmt::format("needs 5 inputs, got {}", node.inputs.size()));
  std::array<std::span<const float>, 4> numbers;  // scale, bias, mean, variance
  for (std::size_t i = 0; i < 4; ++i) {
    if (!graph.is_constant(node.inputs[i + 1])) return refuse("needs constant statistics");
    numbers[i] = graph.value(node.inputs[i + 1]).constant->span();
    if (numbers[i].size() != numbers[0].size()) return refuse("needs statistics of one length");
  }
  Affine result;
  for (std::size_t channel = 0; channel < numbers[0].size(); ++channel) {
    const double variance = static_cast<double>(numbers[3][channel]) + node.as<BatchNormalizationAttributes>().epsilon;
    if (!(variance > 0))
      return refuse(fmt::format("has the variance {} in channel {}, allowed above 0", variance, channel));
    const double scale = numbers[0][channel] / std::sqrt(variance);
    result.scale.push_back(static_cast<float>(scale));
    result.shift.push_back(static_cast<float>(numbers[1][channel] - numbers[2][channel] * scale));
  }
  return result;
}

// Output channel of each weight, row-major; empty when the node cannot absorb an affine map.
std::vector<std::size_t> output_channels(const Graph& graph, const Node& node, std::size_t channels) {
  if (node.inputs.size() < 2 || !graph.is_constant(node.inputs[1])) return {};
  const Dims& dims = graph.value(node.inputs[1]).constant->dims();
  std::vector<std::size_t> result(static_cast<std::size_t>(element_count(dims)));
  const auto extent = [&](std::size_t axis) { return static_cast<std::size_t>(dims[axis]); };
  if (node.op == Op::gemm) {
    if (dims.size() != 2) return {};
    const bool rows = node.as<GemmAttributes>().trans_b;
    if (extent(rows ? 0 : 1) != channels) return {};
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = rows ? i / extent(1) : i % extent(1);
    return result;
  }
  if (dims.size() != 4) return {};
  const std::size_t kernel = extent(2) * extent(3);
  if (node.op == Op::conv) {
    if (extent(0) != channels) return {};
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = i / (kernel * extent(1));
    return result;
  }
  const auto group = static_cast<std::size_t>(node.as<ConvAttributes>().group);
  if (extent(1) * group != channels) return {};
  const std::size_t inputs_per_group = extent(0) / group;
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t input = i / (kernel * extent(1)), within = i / kernel % extent(1);
    result[i] = input / inputs_per_group * extent(1) + within;
  }
  return result;
}

bool absorb(Graph& graph, Node& node, const Affine& affine) {
  if (node.op != Op::conv && node.op != Op::conv_transpose && node.op != Op::gemm) return false;
  const std::size_t channels = affine.scale.size();
  const auto channel_of = output_channels(graph, node, channels);
  if (channel_of.empty()) return false;
  const bool biased = node.inputs.size() > 2 && node.inputs[2] != no_value;
  std::vector<float> bias(channels, 0);
  if (biased) {
    if (!graph.is_constant(node.inputs[2])) return false;
    const Tensor& old = *graph.value(node.inputs[2]).constant;
    const bool row =
        static_cast<std::size_t>(old.size()) == channels && static_cast<std::size_t>(old.dims().back()) == channels;
    if (!row && old.size() != 1) return false;
    const float beta = node.op == Op::gemm ? node.as<GemmAttributes>().beta : 1;
    for (std::size_t i = 0; i < channels; ++i) bias[i] = beta * old.span()[row ? i : 0];
  }
  for (std::size_t i = 0; i < channels; ++i) bias[i] = bias[i] * affine.scale[i] + affine.shift[i];
  // New constants: the old ones may be shared with other nodes.
  Tensor weights = *graph.value(node.inputs[1]).constant;
  float* out = weights.mutable_data();
  for (std::size_t i = 0; i < channel_of.size(); ++i) out[i] *= affine.scale[channel_of[i]];
  node.inputs.resize(3, no_value);
  node.inputs[1] = graph.add_constant(node.name + ".folded_weight", std::move(weights));
  node.inputs[2] =
      graph.add_constant(node.name + ".folded_bias", Tensor::from({static_cast<std::int64_t>(channels)}, bias));
  if (node.op == Op::gemm) std::get<GemmAttributes>(node.attributes).beta = 1;
  return true;
}

std::size_t uses(const Graph& graph, ValueId id) {
  auto count = static_cast<std::size_t>(std::count(graph.outputs.begin(), graph.outputs.end(), id));
  for (const Node& node : graph.nodes)
    count += static_cast<std::size_t>(std::count(node.inputs.begin(), node.inputs.end(), id));
  return count;
}

// Calls visit(index of a, index of b) for every output element of a broadcast, row-major.
template <class Visit>
void broadcast(const Dims& out, const Dims& a, const Dims& b, Visit visit) {
  const auto strides = [&](const Dims& dims) {
    Dims result(out.size(), 0);
    std::int64_t stride = 1;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      const std::size_t axis = dims.size() - 1 - i;
      if (dims[axis] != 1) result[out.size() - 1 - i] = stride;
      stride *= dims[axis];
    }
    return result;
  };
  const Dims of_a = strides(a), of_b = strides(b);
  for (std::int64_t index = 0, count = element_count(out); index < count; ++index) {
    std::int64_t rest = index, at_a = 0, at_b = 0;
    for (std::size_t axis = out.size(); axis-- > 0;) {
      at_a += rest % out[axis] * of_a[axis];
      at_b += rest % out[axis] * of_b[axis];
      rest /= out[axis];
    }
    visit(at_a, at_b);
  }
}

std::optional<Tensor> evaluate(const Graph& graph, const Node& node, const Dims& dims) {
  const Tensor& x = *graph.value(node.inputs[0]).constant;
  const auto map = [&](auto function) {
    Tensor result(dims);
    std::transform(x.span().begin(), x.span().end(), result.mutable_data(), function);
    return result;
  };
  const auto combine = [&](auto function) {
    const Tensor& y = *graph.value(node.inputs[1]).constant;
    Tensor result(dims);
    float* out = result.mutable_data();
    broadcast(dims, x.dims(), y.dims(),
              [&](std::int64_t a, std::int64_t b) { *out++ = function(x.data()[a], y.data()[b]); });
    return result;
  };
  switch (node.op) {
    case Op::add: return combine([](float a, float b) { return a + b; });
    case Op::sub: return combine([](float a, float b) { return a - b; });
    case Op::mul: return combine([](float a, float b) { return a * b; });
    case Op::relu: return map([](float v) { return std::max(v, 0.0f); });
    case Op::leaky_relu:
      return map([alpha = node.as<LeakyReluAttributes>().alpha](float v) { return v < 0 ? alpha * v : v; });
    case Op::sigmoid: return map([](float v) { return 1 / (1 + std::exp(-v)); });
    case Op::tanh: return map([](float v) { return std::tanh(v); });
    case Op::clip:
      return map([a = node.as<ClipAttributes>()](float v) { return std::min(std::max(v, a.low), a.high); });
    case Op::reshape:
    case Op::flatten: return x.reshaped(dims);
    default: return {};
  }
}

}  // namespace

Status fold_batch_normalization(Graph& graph) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    if (node.op != Op::batch_normalization) {
      nodes.push_back(std::move(node));
      continue;
    }
    const Result<Affine> affine = affine_of(graph, node);
    if (!affine) return affine.error();
    const ValueId x = node.inputs[0];
    const auto maker = std::find_if(nodes.begin(), nodes.end(), [&](const Node& other) { return other.output == x; });
    // Nodes before this one have moved to `nodes`, so uses are counted in both lists.
    std::size_t count = uses(graph, x);
    for (const Node& other : nodes)
      count += static_cast<std::size_t>(std::count(other.inputs.begin(), other.inputs.end(), x));
    if (maker != nodes.end() && count == 1 && absorb(graph, *maker, *affine)) {
      maker->output = node.output;
      continue;
    }
    const auto channels = static_cast<std::int64_t>(affine->scale.size());
    const Dims dims = graph.value(x).dims.size() == 2 ? Dims{channels} : Dims{channels, 1, 1};
    const ValueId scale = graph.add_constant(node.name + ".scale", Tensor::from(dims, affine->scale));
    const ValueId shift = graph.add_constant(node.name + ".shift", Tensor::from(dims, affine->shift));
    graph.values.push_back({node.name + ".scaled", graph.value(x).dims, {}});
    const auto scaled = static_cast<ValueId>(graph.values.size() - 1);
    nodes.push_back({Op::mul, node.name + ".scaled", {x, scale}, scaled, {}});
    nodes.push_back({Op::add, node.name, {scaled, shift}, node.output, {}});
  }
  graph.nodes = std::move(nodes);
  return success();
}

Status fold_constants(Graph& graph) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    const bool output = std::find(graph.outputs.begin(), graph.outputs.end(), node.output) != graph.outputs.end();
    const bool constant =
        !output && !node.inputs.empty() &&
        std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) { return graph.is_constant(id); });
    if (constant) {
      const auto dims = declared_output_dims(graph, node);
      if (!dims) return dims.error();
      if (*dims && element_count(**dims) > element_limit)
        return out_of_memory(fmt::format("node \"{}\" is too large", node.name));
      if (*dims) graph.value(node.output).constant = evaluate(graph, node, **dims);
    }
    if (!graph.is_constant(node.output))
      nodes.push_back(std::move(node));
    else
      graph.value(node.output).dims = graph.value(node.output).constant->dims();
  }
  graph.nodes = std::move(nodes);
  return success();
}

Status remove_unused(Graph& graph) {
  std::vector<bool> needed(graph.values.size(), false);
  const auto need = [&](ValueId id) {
    if (id != no_value) needed[static_cast<std::size_t>(id)] = true;
  };
  for (const ValueId id : graph.outputs) need(id);
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (!needed[static_cast<std::size_t>(node->output)]) continue;
    for (const ValueId id : node->inputs) need(id);
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  for (const ValueId id : graph.inputs) need(id);

  std::vector<ValueId> places(graph.values.size(), no_value);
  std::vector<ValueInfo> values;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (!needed[i]) continue;
    places[i] = static_cast<ValueId>(values.size());
    values.push_back(std::move(graph.values[i]));
  }
  graph.values = std::move(values);
  const auto move = [&](ValueId& id) {
    if (id != no_value) id = places[static_cast<std::size_t>(id)];
  };
  for (ValueId& id : graph.inputs) move(id);
  for (ValueId& id : graph.outputs) move(id);
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) move(id);
    move(node.output);
  }
  return success();
}

Result<Graph> optimised(Graph graph) {
  for (Status (*pass)(Graph&) : {fold_batch_normalization, fold_constants, remove_unused})
    if (Status status = pass(graph); !status) return status.error();
  return graph;
}

}  // namespace latentflow::nn

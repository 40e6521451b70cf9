// quantization.cpp: see quantization.h.
#include "quantization.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "onednn.h"

namespace latentflow::nn {
namespace {

/// Calls visit(index of the element, index of its scale), row-major.
template <class Visit>
void for_each_element(const Dims& dims, const QuantizeAttributes& grid, Visit visit) {
  const auto count = static_cast<std::size_t>(element_count(dims));
  std::size_t inner = std::max<std::size_t>(count, 1), extent = 1;
  if (grid.scales.size() > 1) {
    extent = grid.scales.size(), inner = 1;
    for (std::size_t axis = static_cast<std::size_t>(grid.axis) + 1; axis < dims.size(); ++axis)
      inner *= static_cast<std::size_t>(dims[axis]);
  }
  for (std::size_t i = 0; i < count; ++i) visit(i, i / inner % extent);
}

/// Sums of two neighbouring input channels cannot leave 16 bits for inputs of 0..255.
bool pairs_fit(const Tensor& weights, const QuantizeAttributes& grid) {
  const Dims& dims = weights.dims();
  const auto outputs = static_cast<std::size_t>(dims[0]), inputs = static_cast<std::size_t>(dims[1]),
             area = static_cast<std::size_t>(dims[2] * dims[3]);
  const std::vector<std::int32_t> q = integers_of(weights, grid);
  for (std::size_t m = 0; m < outputs; ++m)
    for (std::size_t c = 0; c + 1 < inputs; c += 2)
      for (std::size_t k = 0; k < area; ++k) {
        const std::int32_t a = q[(m * inputs + c) * area + k], b = q[(m * inputs + c + 1) * area + k];
        if (std::max(a, 0) + std::max(b, 0) > 128 || std::min(a, 0) + std::min(b, 0) < -128) return false;
      }
  return true;
}

bool has_vnni() {
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx2_vnni || isa >= dnnl::cpu_isa::avx512_core_vnni;
}

}  // namespace

Precision precision_of(std::string_view name) {
  for (const auto& [known, precision] : precision_names)
    if (known == name) return precision;
  return Precision::automatic;
}

Status check_bfloat(std::string_view otherwise) {
  if (onednn::runs(dnnl::cpu_isa::avx512_core)) return success();
  return unsupported(
      fmt::format("precision bf16 needs a processor with AVX-512, this one (or ONEDNN_MAX_CPU_ISA) has none; precision "
                  "{} runs everywhere",
                  otherwise));
}

std::string grid_fault(const QuantizeAttributes& grid, const Dims& dims) {
  if (grid.scales.empty()) return "no scale";
  if (grid.scales.size() != grid.zero_points.size())
    return fmt::format("{} scales with {} zero points", grid.scales.size(), grid.zero_points.size());
  for (const float scale : grid.scales)
    if (!(scale >= std::numeric_limits<float>::min() && scale <= std::numeric_limits<float>::max()))
      return fmt::format("a scale of {}, allowed are numbers above 0", scale);
  for (const std::int32_t zero : grid.zero_points)
    if (zero < grid.low() || zero > grid.high())
      return fmt::format("a zero point of {}, allowed {} to {}", zero, grid.low(), grid.high());
  if (grid.scales.size() == 1) return {};
  if (grid.axis < 0 || static_cast<std::size_t>(grid.axis) >= dims.size())
    return fmt::format("axis {} of a value with {} axes", grid.axis, dims.size());
  const std::int64_t extent = dims[static_cast<std::size_t>(grid.axis)];
  if (extent >= 0 && static_cast<std::size_t>(extent) != grid.scales.size())
    return fmt::format("{} scales for {} along axis {}", grid.scales.size(), extent, grid.axis);
  return {};
}

std::vector<std::int32_t> integers_of(const Tensor& real, const QuantizeAttributes& grid) {
  std::vector<std::int32_t> result(static_cast<std::size_t>(real.size()));
  const float* x = real.data();
  for_each_element(real.dims(), grid, [&](std::size_t i, std::size_t scale) {
    const std::int32_t zero = grid.zero_points[scale];
    const float at = x[i] / grid.scales[scale], low = static_cast<float>(grid.low() - zero),
                high = static_cast<float>(grid.high() - zero);
    result[i] = static_cast<std::int32_t>(std::nearbyint(at > low ? std::min(at, high) : low)) + zero;
  });
  return result;
}

Tensor real_of(const std::vector<std::int32_t>& integers, const Dims& dims, const QuantizeAttributes& grid) {
  Tensor real(dims);
  float* y = real.mutable_data();
  for_each_element(dims, grid, [&](std::size_t i, std::size_t scale) {
    y[i] = static_cast<float>(integers[i] - grid.zero_points[scale]) * grid.scales[scale];
  });
  return real;
}

Tensor rounded(const Tensor& real, const QuantizeAttributes& grid) {
  return real_of(integers_of(real, grid), real.dims(), grid);
}

bool has_quantized_layers(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) { return node.op == Op::quantize; });
}

const Node* maker_of(const Graph& graph, ValueId id) {
  for (const Node& node : graph.nodes)
    if (node.output == id) return &node;
  return nullptr;
}

void remove_rounding(Graph& graph) {
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs)
      if (const Node* maker = maker_of(graph, id); maker != nullptr && maker->op == Op::quantize)
        id = maker->inputs[0];  // nodes come in order, so that one is no quantized value any more
    const bool output = std::find(graph.outputs.begin(), graph.outputs.end(), node.output) != graph.outputs.end();
    if (node.op == Op::quantize && !output) continue;
    if (node.op != Op::quantize) continue;
    node.op = Op::clip;  // by nothing: a copy under the name of the output
    constexpr float infinite = std::numeric_limits<float>::infinity();
    node.attributes = ClipAttributes{-infinite, infinite};
  }
  std::erase_if(graph.nodes, [](const Node& node) { return node.op == Op::quantize; });
}

void remove_rounding(Graph& graph, const std::vector<std::size_t>& readers) {
  for (const std::size_t index : readers) {
    Node& node = graph.nodes[index];
    for (ValueId& id : node.inputs)
      if (const Node* maker = maker_of(graph, id); maker != nullptr && maker->op == Op::quantize) id = maker->inputs[0];
  }
  std::erase_if(graph.nodes, [&](const Node& node) {
    if (node.op != Op::quantize) return false;
    const auto reads = [&](const Node& other) {
      return std::find(other.inputs.begin(), other.inputs.end(), node.output) != other.inputs.end();
    };
    return std::none_of(graph.nodes.begin(), graph.nodes.end(), reads) &&
           std::find(graph.outputs.begin(), graph.outputs.end(), node.output) == graph.outputs.end();
  });
}

bool runs_in_integers(const Graph& graph, const Node& node) {
  if (node.op != Op::conv || node.as<ConvAttributes>().group != 1 || !graph.is_constant(node.inputs[1])) return false;
  const ValueInfo& weights = graph.value(node.inputs[1]);
  const Node* maker = maker_of(graph, node.inputs[0]);
  if (!weights.grid || maker == nullptr || maker->op != Op::quantize) return false;
  const auto& grid = *weights.grid;
  return maker->as<QuantizeAttributes>().scales.size() == 1 && grid.is_signed &&
         (grid.scales.size() == 1 || grid.axis == 0) &&
         std::all_of(grid.zero_points.begin(), grid.zero_points.end(), [](std::int32_t zero) { return zero == 0; });
}

bool direct_sums_fit(const QuantizeAttributes& input, const Tensor& weights, const QuantizeAttributes& grid) {
  return has_vnni() || (!input.is_signed && pairs_fit(weights, grid));
}

}  // namespace latentflow::nn

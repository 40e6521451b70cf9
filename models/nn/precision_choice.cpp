// precision_choice.cpp: see precision_choice.h.
#include "precision_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "algorithm_choice.h"
#include "layers/convolution.h"
#include "node_shape.h"
#include "quantization.h"

namespace latentflow::nn {
namespace {

/// A Conv by itself: operands, output, and requests for its layers.
class LoneConvolution {
 public:
  enum class Size { whole, timed };

  /// `bytes_before`: its input is made by a convolution in integers, which leaves floats with their channels last.
  LoneConvolution(const Graph& graph, const Node& node, const std::vector<Dims>& shapes, Size size,
                  bool bytes_before = false)
      : node_(node), rounding_(*maker_of(graph, node.inputs[0])) {
    for (const ValueId id : node.inputs) {
      if (id == no_value) {
        operands_.emplace_back();
        continue;
      }
      const ValueInfo& value = graph.value(id);
      const Dims& dims = shapes[static_cast<std::size_t>(id)];
      operands_.push_back({id, dims, plain_layout(dims), value.constant ? &*value.constant : nullptr,
                           value.grid ? &*value.grid : nullptr});
    }
    Operand& picture = operands_[0];
    picture.grid = &rounding_.as<QuantizeAttributes>();
    if (size == Size::timed) picture.dims = part_of(picture.dims);
    picture.layout = bytes_before                           ? left_by_integers()
                     : picture.dims[1] >= preferred_block() ? blocked_layout(picture.dims, preferred_block())
                                                            : plain_layout(picture.dims);
    std::vector<const Dims*> inputs;
    for (const Operand& operand : operands_) inputs.push_back(operand.id == no_value ? nullptr : &operand.dims);
    if (const Result<Dims> out = output_dims(node, inputs)) output_ = *out;
  }

  const Dims& input() const { return operands_[0].dims; }
  const Dims& output() const { return output_; }
  LayerRequest in_floats(PackedWeights& weights, Winograd winograd) const {
    return {node_, operands_, output_, {}, weights, winograd};
  }
  /// Its result as floats, or as those of `rounding`.
  LayerRequest in_integers(PackedWeights& weights, Winograd winograd, const Node* rounding = nullptr) const {
    LayerRequest made{node_, operands_, output_, {}, weights, winograd};
    made.integers = true;
    if (rounding != nullptr) made.rounding = &rounding->as<QuantizeAttributes>();
    return made;
  }
  /// Makes of floats as a convolution in integers leaves them those that `in_floats` reads; null where it reads them.
  std::unique_ptr<Layer> rearrangement(const Layer& in_floats) const {
    const Layout& read = in_floats.sources[0].layout;
    return read == left_by_integers() ? nullptr : make_reorder(left_by_integers(), read);
  }
  /// The layer that makes bytes of the input.
  LayerResult conversion(PackedWeights& weights) const { return to_bytes(rounding_, operands_[0], weights); }
  /// The layer that makes bytes of a result in floats.
  LayerResult conversion_behind(const Node& rounding, const Layout& floats, PackedWeights& weights) const {
    return to_bytes(rounding, {no_value, output_, floats, nullptr, nullptr}, weights);
  }

 private:
  /// timed_part() of the input, but no less than the filter reaches over.
  Dims part_of(const Dims& whole) const {
    const auto& geometry = node_.as<ConvAttributes>();
    Dims part = timed_part(whole, operands_[1].dims[0]);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t reach = geometry.dilations[axis] * (geometry.kernel[axis] - 1) + 1;
      part[axis + 2] = std::min(whole[axis + 2], std::max(part[axis + 2], reach));
    }
    return part;
  }
  Layout left_by_integers() const { return channels_last_layout(input(), onednn::Memory::data_type::f32); }
  static LayerResult to_bytes(const Node& rounding, const Operand& picture, PackedWeights& weights) {
    LayerRequest made{rounding, {&picture, 1}, picture.dims, {}, weights};
    made.integers = true;
    return make_quantization(made);
  }

  const Node& node_;
  const Node& rounding_;
  std::vector<Operand> operands_;
  Dims output_;
};

bool keeps_integers(Op op) { return op == Op::relu || op == Op::leaky_relu; }

/// The result of a convolution in integers is rounded as it is stored: no conversion is needed before `node`.
bool comes_as_bytes(const Graph& graph, const Node& node, const std::vector<bool>& integers) {
  const Node* maker = maker_of(graph, maker_of(graph, node.inputs[0])->inputs[0]);
  while (maker != nullptr && keeps_integers(maker->op)) maker = maker_of(graph, maker->inputs[0]);
  return maker != nullptr && integers[static_cast<std::size_t>(maker - graph.nodes.data())];
}

/// Whether the node reads a rounded value from whose rounding a remainder is taken, x - round(x), to be used beside it.
bool needs_rounding(const Graph& graph, const Node& node) {
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
    const Node* rounding = id == no_value ? nullptr : maker_of(graph, id);
    if (rounding == nullptr || rounding->op != Op::quantize) return false;
    return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& other) {
      return other.op == Op::sub && other.inputs[0] == rounding->inputs[0] && other.inputs[1] == id;
    });
  });
}

/// The rounding of the result for a convolution in integers, null where nothing but floats is wanted of it.
const Node* rounding_behind(const Graph& graph, const Node& node, const std::vector<bool>& integers) {
  ValueId value = node.output;
  const Node* rounding = nullptr;
  bool wanted = false;
  for (const Node& later : graph.nodes) {  // in the order of computation
    if (std::find(later.inputs.begin(), later.inputs.end(), value) == later.inputs.end()) continue;
    if (rounding == nullptr && keeps_integers(later.op)) value = later.output;
    if (later.op == Op::quantize) rounding = &later, value = later.output;
    if (later.op == Op::conv && rounding != nullptr)
      wanted = wanted || integers[static_cast<std::size_t>(&later - graph.nodes.data())];
  }
  return wanted ? rounding : nullptr;
}

constexpr const char *in_floats = "f32", *in_integers = "int8";

/// The name of the faster way, from timing both: each is charged with what stands between it and neighbours in
/// integers.
std::string time_both(const LoneConvolution& alone, const std::string& key, const Node* rounding, bool bytes_before,
                      Winograd winograd) {
  PackedWeights weights;  // of layers that are timed and dropped
  auto integers = make_integer_convolution(alone.in_integers(weights, winograd, rounding));
  if (integers == nullptr) integers = make_integer_convolution(alone.in_integers(weights, winograd));
  const auto floats = make_convolution(alone.in_floats(weights, winograd));
  const auto conversion = alone.conversion(weights);
  if (integers == nullptr || !floats || !conversion) return in_floats;
  const auto rearrangement = bytes_before ? alone.rearrangement(**floats) : nullptr;
  const auto behind = rounding == nullptr ? LayerResult(std::unique_ptr<Layer>())
                                          : alone.conversion_behind(*rounding, (*floats)->output, weights);
  const auto float_seconds = [&] {
    return best_thread_seconds(**floats) + (rearrangement != nullptr ? best_thread_seconds(*rearrangement) : 0) +
           (behind && *behind != nullptr ? best_thread_seconds(**behind) : 0);
  };
  const auto integer_seconds = [&] {
    return best_thread_seconds(*integers) + (bytes_before ? 0 : best_thread_seconds(**conversion));
  };
  const std::vector<TimedAlgorithm> ways{{in_floats, float_seconds}, {in_integers, integer_seconds}};
  return fastest(key, ways);
}

}  // namespace

std::vector<bool> integer_convolutions(const Graph& graph, const std::vector<Dims>& shapes, Winograd winograd) {
  PackedWeights weights;  // nothing is packed to find out
  std::vector<bool> result(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!runs_in_integers(graph, node)) continue;
    const LoneConvolution alone(graph, node, shapes, LoneConvolution::Size::whole);
    result[i] = has_integer_convolution(alone.in_integers(weights, winograd));
  }
  return result;
}

Graph without_slow_integers(const Graph& graph, const std::vector<Dims>& shapes, Winograd winograd) {
  const onednn::OneThread one_thread;
  const std::vector<bool> integers = integer_convolutions(graph, shapes, winograd);
  std::vector<std::size_t> slow;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!runs_in_integers(graph, node) || !integers[i]) {
      if (!needs_rounding(graph, node)) slow.push_back(i);
      continue;
    }
    const bool bytes_before = comes_as_bytes(graph, node, integers);
    const LoneConvolution alone(graph, node, shapes, LoneConvolution::Size::timed, bytes_before);
    const Node* rounding = rounding_behind(graph, node, integers);
    const auto& geometry = node.as<ConvAttributes>();
    const std::string key =
        fmt::format("int8 {} {} kernel {} strides {} dilations {} winograd {} bytes before {} behind {}",
                    fmt::join(alone.input(), "x"), fmt::join(alone.output(), "x"), fmt::join(geometry.kernel, "x"),
                    fmt::join(geometry.strides, "x"), fmt::join(geometry.dilations, "x"), static_cast<int>(winograd),
                    bytes_before, rounding != nullptr);
    auto faster = known_algorithm(key);
    if (faster != in_floats && faster != in_integers) faster = time_both(alone, key, rounding, bytes_before, winograd);
    if (faster == in_floats) slow.push_back(i);
  }
  Graph faster = graph;  // shares the weights
  remove_rounding(faster, slow);
  return faster;
}

}  // namespace latentflow::nn

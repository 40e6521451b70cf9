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
  /// At most `rows` rows of its input and `images` of the batch.
  LoneConvolution(const Graph& graph, const Node& node, const std::vector<Dims>& shapes, std::int64_t rows,
                  std::int64_t images)
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
    picture.dims[0] = std::min(picture.dims[0], images);
    picture.dims[2] = std::min(picture.dims[2], rows);
    picture.layout = picture.dims[1] >= preferred_block() ? blocked_layout(picture.dims, preferred_block())
                                                          : plain_layout(picture.dims);
    std::vector<const Dims*> inputs;
    for (const Operand& operand : operands_) inputs.push_back(operand.id == no_value ? nullptr : &operand.dims);
    if (const Result<Dims> out = output_dims(node, inputs)) output_ = *out;
  }

  const Dims& input() const { return operands_[0].dims; }
  const Dims& output() const { return output_; }
  LayerRequest request(PackedWeights& weights, Winograd winograd, bool integers) const {
    LayerRequest made{node_, operands_, output_, {}, weights, winograd};
    made.integers = integers;
    return made;
  }
  /// The layer that makes the bytes.
  LayerRequest conversion(PackedWeights& weights) const {
    LayerRequest made{rounding_, std::span(operands_).first(1), operands_[0].dims, {}, weights};
    made.integers = true;
    return made;
  }

 private:
  const Node& node_;
  const Node& rounding_;
  std::vector<Operand> operands_;
  Dims output_;
};

double seconds(const Layer& layer) {
  std::vector<std::shared_ptr<float>> buffers;
  const auto zeros = [&](std::size_t bytes) {
    buffers.push_back(aligned_floats(bytes));
    std::fill_n(reinterpret_cast<char*>(buffers.back().get()), bytes, char{0});
    return buffers.back().get();
  };
  std::vector<const float*> sources;
  for (const Layer::Source& source : layer.sources) sources.push_back(zeros(layout_bytes(source.layout)));
  float* output = zeros(layout_bytes(layer.output));
  auto* scratch = reinterpret_cast<std::byte*>(zeros(layer.scratch_bytes));
  return best_thread_seconds(3, [&] { layer.run({sources, output, scratch}); });
}

/// The result of a convolution in integers is rounded as it is stored: no conversion is needed before `node`.
bool comes_as_bytes(const Graph& graph, const Node& node, const std::vector<bool>& integers) {
  const auto index_of = [&](ValueId id) {
    const Node* maker = maker_of(graph, id);
    return maker == nullptr ? graph.nodes.size() : static_cast<std::size_t>(maker - graph.nodes.data());
  };
  std::size_t at = index_of(graph.nodes[index_of(node.inputs[0])].inputs[0]);
  while (at < graph.nodes.size() && (graph.nodes[at].op == Op::relu || graph.nodes[at].op == Op::leaky_relu))
    at = index_of(graph.nodes[at].inputs[0]);
  return at < graph.nodes.size() && integers[at];
}

}  // namespace

std::vector<bool> integer_convolutions(const Graph& graph, const std::vector<Dims>& shapes, PackedWeights& weights) {
  std::vector<bool> result(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!runs_in_integers(graph, node)) continue;
    const LoneConvolution alone(graph, node, shapes, extent_limit, extent_limit);
    result[i] = make_integer_convolution(alone.request(weights, Winograd::off, true)) != nullptr;
  }
  return result;
}

Graph without_slow_integers(const Graph& graph, const std::vector<Dims>& shapes, PackedWeights& weights,
                            Winograd winograd) {
  constexpr std::int64_t timed_rows = 96;
  const onednn::OneThread one_thread;
  const std::vector<bool> integers = integer_convolutions(graph, shapes, weights);
  std::vector<std::size_t> slow;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!runs_in_integers(graph, node)) {
      slow.push_back(i);
      continue;
    }
    const LoneConvolution alone(graph, node, shapes, timed_rows, 1);
    const auto in_integers = make_integer_convolution(alone.request(weights, winograd, true));
    auto in_floats = make_convolution(alone.request(weights, winograd, false));
    auto conversion = make_quantization(alone.conversion(weights));
    if (!integers[i] || in_integers == nullptr || !in_floats || !conversion) {
      slow.push_back(i);
      continue;
    }
    const bool converted = !comes_as_bytes(graph, node, integers);
    const auto& geometry = node.as<ConvAttributes>();
    const std::string key = fmt::format("int8 {} {} kernel {} strides {} dilations {} winograd {} converted {}",
                                        fmt::join(alone.input(), "x"), fmt::join(alone.output(), "x"),
                                        fmt::join(geometry.kernel, "x"), fmt::join(geometry.strides, "x"),
                                        fmt::join(geometry.dilations, "x"), static_cast<int>(winograd), converted);
    const std::vector<TimedAlgorithm> ways{
        {"f32", [&] { return seconds(**in_floats); }},
        {"int8", [&] { return seconds(*in_integers) + (converted ? seconds(**conversion) : 0); }}};
    if (fastest(key, ways) == "f32") slow.push_back(i);
  }
  Graph faster = graph;  // shares the weights
  remove_rounding(faster, slow);
  return faster;
}

}  // namespace latentflow::nn

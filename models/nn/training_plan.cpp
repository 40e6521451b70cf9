// training_plan.cpp: lays out the values of a graph, makes the layers and runs them; see training_plan.h.
#include "training_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace latentflow::nn {
namespace {

bool is_convolution(Op op) { return op == Op::conv || op == Op::conv_transpose; }

bool is_elementwise(Op op) {
  switch (op) {
    case Op::relu:
    case Op::leaky_relu:
    case Op::sigmoid:
    case Op::tanh:
    case Op::clip:
    case Op::add:
    case Op::sub:
    case Op::mul: return true;
    default: return false;
  }
}

/// What is known about the values before any memory exists.
struct Survey {
  std::vector<bool> trained;  ///< a parameter lies before it
  std::vector<bool> reaches_output;
  std::vector<int> uses;
  std::vector<const Node*> fused_relu;  ///< per node of the graph: the Relu that its convolution does as well
};

Survey survey(const Graph& graph) {
  Survey result{std::vector<bool>(graph.values.size(), false), std::vector<bool>(graph.values.size(), false),
                std::vector<int>(graph.values.size(), 0), std::vector<const Node*>(graph.nodes.size(), nullptr)};
  const auto at = [](ValueId id) { return static_cast<std::size_t>(id); };
  for (const Node& node : graph.nodes)
    for (const ValueId id : node.inputs) {
      if (id == no_value) continue;
      ++result.uses[at(id)];
      if (graph.is_constant(id) || result.trained[at(id)]) result.trained[at(node.output)] = true;
    }
  for (const ValueId id : graph.outputs) ++result.uses[at(id)], result.reaches_output[at(id)] = true;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    if (!result.reaches_output[at(graph.nodes[i].output)]) continue;
    for (const ValueId id : graph.nodes[i].inputs)
      if (id != no_value) result.reaches_output[at(id)] = true;
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op != Op::conv || result.uses[at(graph.nodes[i].output)] != 1) continue;
    for (const Node& after : graph.nodes)
      if (after.op == Op::relu && after.inputs[0] == graph.nodes[i].output) result.fused_relu[i] = &after;
  }
  return result;
}

Error refuse(const Node& node, const std::string& why) {
  return unsupported(fmt::format("node \"{}\" ({}) cannot be trained: {}", node.name, to_string(node.op), why));
}

TrainingLayerResult make_layer(const TrainingRequest& request, const Graph& graph) {
  const Node& node = request.node;
  const auto from_node = [&](std::size_t input) { return request.inputs[input].value != nullptr; };
  switch (node.op) {
    case Op::conv:
    case Op::conv_transpose:
      if (!from_node(0) || !graph.is_constant(node.inputs[1]) ||
          (node.inputs.size() > 2 && request.inputs[2].value != nullptr))
        return refuse(node, "its weights and bias have to be constants, and its picture none");
      return node.op == Op::conv ? make_convolution_training(request, request.inputs[1].dims)
                                 : make_transposed_convolution_training(request, request.inputs[1].dims);
    case Op::relu:
    case Op::leaky_relu:
    case Op::sigmoid:
    case Op::tanh:
    case Op::clip: return from_node(0) ? make_elementwise_training(request) : refuse(node, "its input is a constant");
    case Op::space_to_depth:
    case Op::depth_to_space:
      return from_node(0) ? make_rearrangement_training(request) : refuse(node, "its input is a constant");
    case Op::concat: return make_rearrangement_training(request);
    case Op::add:
    case Op::sub:
    case Op::mul: return make_elementwise_training(request);
    case Op::gemm:
    case Op::matmul: return make_dense_training(request);
    case Op::reshape:
    case Op::flatten:
    case Op::slice:
    case Op::pad:
    case Op::resize:
    case Op::average_pool:
    case Op::global_average_pool: return make_linear_map_training(request);
    case Op::max_pool: return make_max_pool_training(request);
    case Op::softmax: return from_node(0) ? make_softmax_training(request) : refuse(node, "its input is a constant");
    case Op::quantize: return refuse(node, "rounding has no gradient; train the network before it is quantized");
    case Op::batch_normalization: break;
  }
  return refuse(node, "fold it into the convolution before it first");
}

}  // namespace

Result<std::unique_ptr<TrainingPlan>> TrainingPlan::create(const Graph& graph, std::span<const Dims> input_dims,
                                                           const ParameterLayout& parameters, PackedParameters& packed,
                                                           Winograd winograd) {
  if (graph.outputs.size() != 1)
    return unsupported(
        fmt::format("network \"{}\" has {} outputs, a trained one has 1", graph.name, graph.outputs.size()));
  Result<std::vector<Dims>> shapes = infer_shapes(graph, input_dims);
  if (!shapes) return shapes.error();
  const Survey known = survey(graph);
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].constant && known.uses[i] > 1)
      return unsupported(fmt::format("constant \"{}\" is used {} times, a trained one is used once",
                                     graph.values[i].name, known.uses[i]));
  const onednn::OneThread one_thread;

  std::unique_ptr<TrainingPlan> plan(new TrainingPlan(graph));
  plan->inputs_ = graph.inputs;
  plan->output_ = graph.outputs[0];
  plan->gradients_.assign(parameters.size(), 0.0f);
  const auto value = [&](ValueId id) -> TrainingValue& { return plan->values_[static_cast<std::size_t>(id)]; };

  // Blocked are the outputs of convolutions, pictures of whole blocks, and what elementwise operators make of blocked
  // values alone, so that flat loops serve.
  std::vector<bool> blocked(graph.values.size(), false);
  const auto is_blocked = [&](ValueId id) { return id != no_value && blocked[static_cast<std::size_t>(id)]; };
  for (const Node& node : graph.nodes) {
    const Dims& dims = (*shapes)[static_cast<std::size_t>(node.output)];
    bool result = is_convolution(node.op) || (dims.size() == 4 && dims[1] % preferred_block() == 0);
    if (is_elementwise(node.op))
      result = std::all_of(node.inputs.begin(), node.inputs.end(), is_blocked) &&
               dims == (*shapes)[static_cast<std::size_t>(node.inputs[0])] &&
               dims == (*shapes)[static_cast<std::size_t>(node.inputs.back())];
    blocked[static_cast<std::size_t>(node.output)] = result;
  }
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    TrainingValue& v = plan->values_[i];
    v.dims = (*shapes)[i];
    if (graph.values[i].constant || v.dims.empty()) continue;
    v.blocked = blocked[i];
    v.layout = v.blocked ? blocked_layout(v.dims, preferred_block()) : onednn::plain(v.dims);
    v.stored = static_cast<std::int64_t>(v.layout.get_size() / sizeof(float));
    plan->storage_.push_back(zeroed_floats(v.layout.get_size()));
    v.data = plan->storage_.back().get();
    if (!known.trained[i] || !known.reaches_output[i]) continue;
    plan->storage_.push_back(zeroed_floats(v.layout.get_size()));
    v.gradient = plan->storage_.back().get();
  }
  TrainingValue& output = value(plan->output_);
  if (output.gradient == nullptr)
    return invalid_argument(fmt::format("network \"{}\" has nothing to train", graph.name));
  if (output.blocked) {
    plan->boundary_ = zeroed_floats(onednn::plain(output.dims).get_size());
    plan->boundary_gradient_ = zeroed_floats(onednn::plain(output.dims).get_size());
  }

  // Whoever comes first on the way back writes a gradient, all others add to it.
  std::vector<bool> written(graph.values.size(), false);
  std::vector<bool> done_by_convolution(graph.values.size(), false);
  for (const Node* relu : known.fused_relu)
    if (relu != nullptr) done_by_convolution[static_cast<std::size_t>(relu->output)] = true;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (!known.reaches_output[static_cast<std::size_t>(node.output)]) continue;
    if (node.op == Op::relu && done_by_convolution[static_cast<std::size_t>(node.output)]) continue;
    const Node* relu = known.fused_relu[i];
    TrainingRequest request{node,
                            {},
                            value(relu != nullptr ? relu->output : node.output),
                            relu != nullptr,
                            parameters,
                            packed,
                            plan->gradients_.data(),
                            plan->scratch_,
                            plan->accumulation_,
                            winograd};
    for (const ValueId id : node.inputs) {
      if (id == no_value || graph.is_constant(id)) {
        request.inputs.push_back({nullptr, false, id, id == no_value ? Dims{} : value(id).dims});
        continue;
      }
      request.inputs.push_back({&value(id), written[static_cast<std::size_t>(id)], no_value, value(id).dims});
      if (request.inputs.back().wants_gradient()) written[static_cast<std::size_t>(id)] = true;
    }
    TrainingLayerResult layer = make_layer(request, graph);
    if (!layer) return layer.error();
    plan->layers_.push_back(std::move(*layer));
    if (is_convolution(node.op)) {
      const Dims& weights = value(node.inputs[1]).dims;
      const Dims& spread = value(node.op == Op::conv ? node.output : node.inputs[0]).dims;
      const bool backward_data = value(node.inputs[0]).gradient != nullptr;
      plan->flop_ += 2.0 * static_cast<double>(element_count(spread) * weights[1] * weights[2] * weights[3]) *
                     (backward_data ? 3 : 2);
    }
  }
  std::reverse(plan->layers_.begin(), plan->layers_.end());
  for (SharedScratch* shared : {&plan->scratch_, &plan->accumulation_}) {
    plan->storage_.push_back(zeroed_floats(shared->bytes()));
    shared->bind(reinterpret_cast<std::byte*>(plan->storage_.back().get()));
  }
  return plan;
}

std::span<float> TrainingPlan::input(std::size_t index) {
  TrainingValue& v = values_[static_cast<std::size_t>(inputs_[index])];
  return {v.data, static_cast<std::size_t>(element_count(v.dims))};
}

std::span<const float> TrainingPlan::output() const {
  const TrainingValue& v = values_[static_cast<std::size_t>(output_)];
  return {v.blocked ? boundary_.get() : v.data, static_cast<std::size_t>(element_count(v.dims))};
}

std::span<float> TrainingPlan::output_gradient() {
  TrainingValue& v = values_[static_cast<std::size_t>(output_)];
  return {v.blocked ? boundary_gradient_.get() : v.gradient, static_cast<std::size_t>(element_count(v.dims))};
}

const Dims& TrainingPlan::output_dims() const { return values_[static_cast<std::size_t>(output_)].dims; }

void TrainingPlan::forward() {
  const onednn::OneThread one_thread;
  for (const auto& layer : layers_) layer->forward();
  const TrainingValue& v = values_[static_cast<std::size_t>(output_)];
  if (v.blocked) onednn::reorder(v.layout, v.data, onednn::plain(v.dims), boundary_.get());
}

void TrainingPlan::backward() {
  const onednn::OneThread one_thread;
  const TrainingValue& v = values_[static_cast<std::size_t>(output_)];
  if (v.blocked) onednn::reorder(onednn::plain(v.dims), boundary_gradient_.get(), v.layout, v.gradient);
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) (*layer)->backward();
}

}  // namespace latentflow::nn

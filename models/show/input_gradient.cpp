// input_gradient.cpp: see input_gradient.h.
#include "input_gradient.h"

#include <algorithm>
#include <set>

namespace latentflow::show {
namespace {

/// Adds a parameter of zeros to the input, so that the gradient by the parameter, which plans compute, is that by the
/// input. Parameters that several nodes use become one for each, as plans want them. Returns the parameter.
nn::ValueId add_offset(nn::Graph& graph, const Dims& input) {
  const nn::ValueId picture = graph.inputs[0];
  std::set<nn::ValueId> used;
  for (nn::Node& node : graph.nodes)
    for (nn::ValueId& id : node.inputs) {
      if (!graph.is_constant(id) || used.insert(id).second) continue;
      const std::string name = graph.value(id).name + "." + node.name;
      id = graph.add_constant(name, *graph.value(id).constant);
    }
  const nn::ValueId offset = graph.add_constant("input.offset", Tensor::filled(input, 0));
  const nn::ValueId moved = graph.add_node(nn::Op::add, "input.moved", {picture, offset});
  std::rotate(graph.nodes.begin(), graph.nodes.end() - 1, graph.nodes.end());
  for (std::size_t i = 1; i < graph.nodes.size(); ++i)
    std::replace(graph.nodes[i].inputs.begin(), graph.nodes[i].inputs.end(), picture, moved);
  return offset;
}

}  // namespace

Result<std::unique_ptr<InputGradient>> InputGradient::create(const nn::Graph& network, const Dims& input) {
  nn::Graph graph = network;
  const nn::ValueId offset = add_offset(graph, input);
  std::unique_ptr<InputGradient> made(new InputGradient(std::move(graph)));
  auto plan = nn::TrainingPlan::create(made->graph_, {&input, 1}, made->layout_, made->packed_);
  if (!plan) return plan.error();
  made->plan_ = std::move(*plan);
  made->packed_.pack(made->layout_, made->layout_.gather(made->graph_));
  made->offset_ = made->layout_.offset(offset);
  made->size_ = static_cast<std::size_t>(element_count(input));
  return made;
}

std::span<const float> InputGradient::forward(std::span<const float> input) {
  std::copy(input.begin(), input.end(), plan_->input(0).begin());
  plan_->forward();
  return plan_->output();
}

std::span<const float> InputGradient::backward(std::span<const float> weights) {
  std::copy(weights.begin(), weights.end(), plan_->output_gradient().begin());
  plan_->backward();
  return plan_->gradients().subspan(offset_, size_);
}

}  // namespace latentflow::show

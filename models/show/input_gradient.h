// input_gradient.h: how the output of a network changes with its input, by the backward passes that training uses.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "latentflow/result.h"
#include "nn/parameters.h"
#include "nn/training_plan.h"

namespace latentflow::show {

/// Of one network with one input and one output, for one shape of the input. One thread at a time.
class InputGradient {
 public:
  /// `network` is one that was optimised. Errors: those of nn::TrainingPlan, which name the node: operators without a
  /// gradient, such as rounding to integers.
  static Result<std::unique_ptr<InputGradient>> create(const nn::Graph& network, const Dims& input);

  /// Row-major output; valid until the next call.
  std::span<const float> forward(std::span<const float> input);
  const Dims& output_dims() const { return plan_->output_dims(); }

  /// At the last forward(), any number of times: the gradient by the input of the sum of weights[i] * output[i]; valid
  /// until the next call.
  std::span<const float> backward(std::span<const float> weights);

 private:
  explicit InputGradient(nn::Graph graph) : graph_(std::move(graph)), layout_(graph_) {}

  nn::Graph graph_;
  nn::ParameterLayout layout_;
  nn::PackedParameters packed_;
  std::unique_ptr<nn::TrainingPlan> plan_;
  std::size_t offset_ = 0, size_ = 0;  ///< of the input's gradient among those of the parameters
};

}  // namespace latentflow::show

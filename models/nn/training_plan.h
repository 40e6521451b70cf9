// training_plan.h: a graph prepared to be trained on batches of one shape: forward that keeps, backward that sums.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/gradients/layer.h"
#include "nn/graph.h"
#include "nn/parameters.h"

namespace latentflow::nn {

/// One shard's worth of buffers and one-thread primitives. One thread at a time; several plans run side by side on the
/// same packed parameters. Every constant of the graph is trained and may be used by one node only.
class TrainingPlan {
 public:
  static Result<std::unique_ptr<TrainingPlan>> create(const Graph& graph, std::span<const Dims> input_dims,
                                                      const ParameterLayout& parameters, PackedParameters& packed,
                                                      Winograd winograd = Winograd::automatic);

  /// Row-major storage of input `index`, to be filled before forward().
  std::span<float> input(std::size_t index);
  /// Row-major output of the last forward(); valid until the next one.
  std::span<const float> output() const;
  /// Row-major: d loss / d output, to be filled before backward().
  std::span<float> output_gradient();

  void forward();
  void backward();

  /// d loss / d parameters of the last backward(), flat.
  std::span<const float> gradients() const { return gradients_; }
  /// Floating point operations of the convolutions of forward and backward, by the direct algorithm.
  double flop() const { return flop_; }
  const Dims& output_dims() const;

 private:
  explicit TrainingPlan(const Graph& graph) : values_(graph.values.size()) {}

  std::vector<TrainingValue> values_;
  std::vector<std::unique_ptr<TrainingLayer>> layers_;
  std::vector<ValueId> inputs_;
  ValueId output_ = no_value;
  std::vector<float> gradients_;
  std::vector<std::shared_ptr<float>> storage_;
  SharedScratch scratch_, accumulation_;
  std::shared_ptr<float> boundary_, boundary_gradient_;  ///< row-major copies of a blocked output
  double flop_ = 0;
};

}  // namespace latentflow::nn

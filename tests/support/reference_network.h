// reference_network.h: networks computed by plain loops in double precision, one formula per operator.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "nn/graph.h"

namespace latentflow::testing {

/// All outputs of the graph; shapes come from nn::infer_shapes, values from loops that follow the ONNX text.
std::vector<Tensor> reference_run(const nn::Graph& graph, const std::vector<Tensor>& inputs);

/// Uniform in [-1, 1].
Tensor random_tensor(Dims dims, std::mt19937& generator);

/// Largest absolute difference; infinity when the shapes differ.
double largest_difference(const Tensor& a, const Tensor& b);

/// Largest minus smallest element.
double value_range(const Tensor& tensor);

}  // namespace latentflow::testing

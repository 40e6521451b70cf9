// dense.cpp: see dense.h.
#include "dense.h"

#include <tbb/parallel_for.h>

#include <algorithm>

#include "nn/gemm.h"
#include "row_loops.h"

namespace latentflow::train {
namespace {

/// target[j] += sum of column j; cut by columns, so that the order of the sums is fixed.
void add_column_sums(const std::vector<float>& matrix, std::int64_t rows, std::int64_t columns, float* target) {
  constexpr std::int64_t width = 64;
  tbb::parallel_for(std::int64_t{0}, (columns + width - 1) / width, [&](std::int64_t part) {
    const std::int64_t begin = part * width, end = std::min(columns, begin + width);
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t j = begin; j < end; ++j) target[j] += matrix[static_cast<std::size_t>(row * columns + j)];
  });
}

void multiply(Tape& tape, const nn::Gemm& gemm, const float* a, const float* b, float* c) {
  if (tape.bfloat)
    (*tape.bfloat)(gemm, a, b, c);
  else
    gemm(a, b, c);
}

}  // namespace

float first_derivative(Activation activation, float a) {
  switch (activation) {
    case Activation::linear: return 1;
    case Activation::sigmoid: return a * (1 - a);
    case Activation::tanh: return 1 - a * a;
    case Activation::relu: return a > 0 ? 1.0f : 0.0f;
  }
  return 0;
}

float second_derivative(Activation activation, float a) {
  switch (activation) {
    case Activation::sigmoid: return a * (1 - a) * (1 - 2 * a);
    case Activation::tanh: return -2 * a * (1 - a * a);
    default: return 0;
  }
}

void for_rows(std::int64_t count, const std::function<void(std::int64_t)>& visit) {
  tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, count, 8), [&](const tbb::blocked_range<std::int64_t>& part) {
    for (std::int64_t row = part.begin(); row < part.end(); ++row) visit(row);
  });
}

void forward(std::span<const DenseLayer> layers, std::span<const float> parameters, std::span<const float> input,
             std::int64_t rows, Tape& tape, const std::function<void(std::size_t l, std::span<float>)>& after) {
  tape.rows = rows;
  tape.values.resize(layers.size() + 1);
  tape.extra.assign(layers.size(), {});
  tape.values[0].assign(input.begin(), input.end());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const DenseLayer& layer = layers[l];
    std::vector<float>& output = tape.values[l + 1];
    output.resize(static_cast<std::size_t>(rows * layer.outputs));
    multiply(tape, {false, !layer.tied, rows, layer.outputs, layer.inputs}, tape.values[l].data(),
             parameters.data() + layer.weight, output.data());
    for_rows(rows, [&](std::int64_t row) {
      add_bias_and_squash(layer.activation, parameters.data() + layer.bias, output.data() + row * layer.outputs,
                          layer.outputs);
    });
    if (after) after(l, output);
  }
}

void backward(std::span<const DenseLayer> layers, std::span<const float> parameters, Tape& tape, std::size_t first,
              std::size_t last, std::vector<float>& delta, std::span<float> gradient, bool through_activation) {
  const std::int64_t rows = tape.rows;
  std::vector<float> below;
  for (std::size_t l = last; l-- > first;) {
    const DenseLayer& layer = layers[l];
    const std::vector<float>&input = tape.values[l], &output = tape.values[l + 1], &extra = tape.extra[l];
    const bool squashed = layer.activation != Activation::linear && (through_activation || l + 1 < last);
    if (squashed || !extra.empty())
      for_rows(rows, [&](std::int64_t row) {
        const auto begin = static_cast<std::size_t>(row * layer.outputs);
        const std::size_t end = begin + static_cast<std::size_t>(layer.outputs);
        if (squashed) multiply_by_slope(layer.activation, &output[begin], &delta[begin], layer.outputs);
        if (!extra.empty())
          for (std::size_t i = begin; i < end; ++i) delta[i] += extra[i];
      });
    float* weight_gradient = gradient.data() + layer.weight;
    if (layer.tied)
      multiply(tape, {true, false, layer.inputs, layer.outputs, rows, 1}, input.data(), delta.data(), weight_gradient);
    else
      multiply(tape, {true, false, layer.outputs, layer.inputs, rows, 1}, delta.data(), input.data(), weight_gradient);
    add_column_sums(delta, rows, layer.outputs, gradient.data() + layer.bias);
    if (l == 0) return;
    below.resize(static_cast<std::size_t>(rows * layer.inputs));
    multiply(tape, {false, layer.tied, rows, layer.inputs, layer.outputs}, delta.data(),
             parameters.data() + layer.weight, below.data());
    delta.swap(below);
  }
}

}  // namespace latentflow::train

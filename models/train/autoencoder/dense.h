// dense.h: fully connected layers over one flat array of parameters, forward and backward, on all threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "nn/bfloat_gemm.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::train {

/// y = s(x W^T + b) with W [outputs, inputs]. Offsets are into the flat array. A tied layer shares the weights of
/// another: they lie there as [inputs, outputs].
struct DenseLayer {
  std::int64_t inputs = 0, outputs = 0;
  Activation activation = Activation::linear;
  std::size_t weight = 0, bias = 0;
  bool tied = false;
};

/// s'(z) and s''(z) from a = s(z).
float first_derivative(Activation activation, float a);
float second_derivative(Activation activation, float a);

/// Calls visit(row) for rows 0 to count - 1, in parallel.
void for_rows(std::int64_t count, const std::function<void(std::int64_t)>& visit);

/// What forward keeps for backward: values[0] is the input [rows, inputs], values[l + 1] the output of layer l.
struct Tape {
  explicit Tape(TrainingPrecision precision = TrainingPrecision::f32) {
    if (precision == TrainingPrecision::bf16) bfloat.emplace();
  }

  std::int64_t rows = 0;
  std::vector<std::vector<float>> values;
  /// Per layer, empty or [rows, outputs]: what a penalty adds to d loss / d z of this layer.
  std::vector<std::vector<float>> extra;
  std::optional<nn::BfloatGemm> bfloat;  ///< computes the products, forward and backward
};

/// `input` [rows, inputs of the first layer]. `after`, if given, may change the output of layer `l` in place.
void forward(std::span<const DenseLayer> layers, std::span<const float> parameters, std::span<const float> input,
             std::int64_t rows, Tape& tape, const std::function<void(std::size_t l, std::span<float>)>& after = {});

/// Goes back from layer `last` - 1 to `first`. `delta` is d loss / d output of layer last - 1 (or d / d z there, when
/// `through_activation` is false); on return, d loss / d input of layer `first` (left as it is where first is 0:
/// nothing below is trained). Adds to `gradient`, which is flat like the parameters.
void backward(std::span<const DenseLayer> layers, std::span<const float> parameters, Tape& tape, std::size_t first,
              std::size_t last, std::vector<float>& delta, std::span<float> gradient, bool through_activation = true);

}  // namespace latentflow::train

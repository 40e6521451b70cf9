// contractive.cpp: the contractive penalty, by the cheap formula of one layer or the Jacobian of several.
#include <tbb/parallel_for.h>

#include <algorithm>

#include "autoencoder.h"
#include "nn/gemm.h"

namespace latentflow::train {
namespace {

/// Squared length of the weights of every unit.
std::vector<double> squared_lengths(const DenseLayer& layer, std::span<const float> parameters) {
  std::vector<double> lengths(static_cast<std::size_t>(layer.outputs));
  const float* weights = parameters.data() + layer.weight;
  for_rows(layer.outputs, [&](std::int64_t unit) {
    double sum = 0;
    for (std::int64_t i = 0; i < layer.inputs; ++i) {
      const auto weight = static_cast<double>(weights[unit * layer.inputs + i]);
      sum += weight * weight;
    }
    lengths[static_cast<std::size_t>(unit)] = sum;
  });
  return lengths;
}

double one_layer(const DenseLayer& layer, std::span<const float> parameters, double lambda, Tape& tape,
                 std::span<float> gradient) {
  const std::int64_t rows = tape.rows, units = layer.outputs;
  const std::vector<double> lengths = squared_lengths(layer, parameters);
  const std::vector<float>& code = tape.values[1];
  std::vector<float>& extra = tape.extra[0];
  if (!gradient.empty()) extra.resize(code.size());
  const double share = lambda / static_cast<double>(rows);
  std::vector<double> sums(static_cast<std::size_t>(rows));
  for_rows(rows, [&](std::int64_t row) {
    for (std::int64_t j = 0; j < units; ++j) {
      const auto at = static_cast<std::size_t>(row * units + j);
      const double length = lengths[static_cast<std::size_t>(j)];
      const auto first = static_cast<double>(first_derivative(layer.activation, code[at]));
      sums[static_cast<std::size_t>(row)] += first * first * length;
      if (!gradient.empty())
        extra[at] += static_cast<float>(2 * share * first *
                                        static_cast<double>(second_derivative(layer.activation, code[at])) * length);
    }
  });
  double value = 0;
  for (const double sum : sums) value += sum;
  if (gradient.empty()) return share * value;
  float* weight_gradient = gradient.data() + layer.weight;
  const float* weights = parameters.data() + layer.weight;
  for_rows(units, [&](std::int64_t j) {
    double slope = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto first =
          static_cast<double>(first_derivative(layer.activation, code[static_cast<std::size_t>(row * units + j)]));
      slope += first * first;
    }
    const auto factor = static_cast<float>(2 * share * slope);
    for (std::int64_t i = 0; i < layer.inputs; ++i)
      weight_gradient[j * layer.inputs + i] += factor * weights[j * layer.inputs + i];
  });
  return share * value;
}

/// Of one item: J_l = D_l P_l with P_1 = W_1, P_l = W_l J_{l-1} and D_l the diagonal of s'; and back.
class ItemJacobian {
 public:
  ItemJacobian(std::span<const DenseLayer> layers, std::span<const float> parameters)
      : layers_(layers), parameters_(parameters), products_(layers.size()), jacobians_(layers.size()) {}

  /// ||J||_F^2 of item `row`.
  double run(const Tape& tape, std::int64_t row) {
    const std::int64_t features = layers_[0].inputs;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const DenseLayer& layer = layers_[l];
      const float* weights = parameters_.data() + layer.weight;
      products_[l].resize(static_cast<std::size_t>(layer.outputs * features));
      if (l == 0)
        std::copy_n(weights, products_[l].size(), products_[l].begin());
      else
        nn::Gemm{false, false, layer.outputs, features, layer.inputs}(weights, jacobians_[l - 1].data(),
                                                                      products_[l].data());
      jacobians_[l] = products_[l];
      const float* a = tape.values[l + 1].data() + row * layer.outputs;
      for_rows(layer.outputs, [&](std::int64_t j) {
        const float slope = first_derivative(layer.activation, a[j]);
        for (std::int64_t i = 0; i < features; ++i) jacobians_[l][static_cast<std::size_t>(j * features + i)] *= slope;
      });
    }
    std::vector<double> sums(static_cast<std::size_t>(layers_.back().outputs));
    for_rows(layers_.back().outputs, [&](std::int64_t j) {
      for (std::int64_t i = 0; i < features; ++i) {
        const auto entry = static_cast<double>(jacobians_.back()[static_cast<std::size_t>(j * features + i)]);
        sums[static_cast<std::size_t>(j)] += entry * entry;
      }
    });
    double value = 0;
    for (const double sum : sums) value += sum;
    return value;
  }

  /// Adds `scale` times the gradient of what run() returned.
  void differentiate(Tape& tape, std::int64_t row, float scale, std::span<float> gradient) {
    const std::int64_t features = layers_[0].inputs;
    std::vector<float> delta = jacobians_.back(), below;
    for (float& number : delta) number *= 2 * scale;
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const DenseLayer& layer = layers_[l];
      const float* a = tape.values[l + 1].data() + row * layer.outputs;
      float* extra = tape.extra[l].data() + row * layer.outputs;
      for_rows(layer.outputs, [&](std::int64_t j) {
        const auto begin = static_cast<std::size_t>(j * features);
        double inner = 0;
        for (std::size_t i = begin; i < begin + static_cast<std::size_t>(features); ++i)
          inner += static_cast<double>(delta[i]) * static_cast<double>(products_[l][i]);
        extra[j] += static_cast<float>(inner) * second_derivative(layer.activation, a[j]);
        const float slope = first_derivative(layer.activation, a[j]);
        for (std::size_t i = begin; i < begin + static_cast<std::size_t>(features); ++i) delta[i] *= slope;
      });
      float* weight_gradient = gradient.data() + layer.weight;
      if (l == 0) {
        for_rows(layer.outputs, [&](std::int64_t j) {
          for (std::int64_t i = j * features; i < (j + 1) * features; ++i)
            weight_gradient[i] += delta[static_cast<std::size_t>(i)];
        });
        return;
      }
      nn::Gemm{false, true, layer.outputs, layer.inputs, features, 1}(delta.data(), jacobians_[l - 1].data(),
                                                                      weight_gradient);
      below.resize(static_cast<std::size_t>(layer.inputs * features));
      nn::Gemm{true, false, layer.inputs, features, layer.outputs}(parameters_.data() + layer.weight, delta.data(),
                                                                   below.data());
      delta.swap(below);
    }
  }

 private:
  std::span<const DenseLayer> layers_;
  std::span<const float> parameters_;
  std::vector<std::vector<float>> products_, jacobians_;
};

}  // namespace

double contractive_penalty(std::span<const DenseLayer> encoder, std::span<const float> parameters, double lambda,
                           Tape& tape, std::span<float> gradient) {
  if (encoder.size() == 1) return one_layer(encoder[0], parameters, lambda, tape, gradient);
  if (!gradient.empty())
    for (std::size_t l = 0; l < encoder.size(); ++l) tape.extra[l].resize(tape.values[l + 1].size());
  const double share = lambda / static_cast<double>(tape.rows);
  double value = 0;
  ItemJacobian jacobian(encoder, parameters);
  // Item by item, each on all threads: the sums have one order, and one item's matrices are large enough.
  for (std::int64_t row = 0; row < tape.rows; ++row) {
    value += jacobian.run(tape, row);
    if (!gradient.empty()) jacobian.differentiate(tape, row, static_cast<float>(share), gradient);
  }
  return share * value;
}

}  // namespace latentflow::train

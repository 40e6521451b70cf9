// objective.cpp: loss and penalties of an autoencoder with their gradients; see autoencoder.h.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "autoencoder.h"
#include "row_loops.h"
#include "train/random.h"

namespace latentflow::train {
namespace {

/// Loss of all rows, and its gradient by the output (squared) or by the sums z of sigmoid outputs (cross-entropy).
double reconstruction_loss(Reconstruction kind, const std::vector<float>& output, std::span<const float> target,
                           std::int64_t rows, std::vector<float>& delta) {
  const std::size_t width = output.size() / static_cast<std::size_t>(rows);
  const auto share = static_cast<float>(1.0 / static_cast<double>(rows));
  std::vector<double> losses(static_cast<std::size_t>(rows));
  delta.resize(output.size());
  for_rows(rows, [&](std::int64_t row) {
    const std::size_t begin = static_cast<std::size_t>(row) * width;
    losses[static_cast<std::size_t>(row)] =
        row_loss(kind, &output[begin], &target[begin], share, &delta[begin], static_cast<std::int64_t>(width));
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(rows);
}

}  // namespace

double Terms::total() const { return std::accumulate(penalties.begin(), penalties.end(), loss); }

double bernoulli_kl(double rho, double a) {
  a = std::clamp(a, 1e-7, 1 - 1e-7);
  return rho * std::log(rho / a) + (1 - rho) * std::log((1 - rho) / (1 - a));
}

double AutoencoderGradient::kl_sparse(const Penalty& penalty, std::vector<float>& delta) const {
  const std::vector<float>& code = tape_.values[autoencoder_.encoder];
  const std::int64_t rows = tape_.rows, units = autoencoder_.codes();
  std::vector<double> means(static_cast<std::size_t>(units));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t j = 0; j < units; ++j)
      means[static_cast<std::size_t>(j)] += static_cast<double>(code[static_cast<std::size_t>(row * units + j)]);
  double value = 0;
  std::vector<float> slopes(means.size());
  for (std::size_t j = 0; j < means.size(); ++j) {
    const double mean = std::clamp(means[j] / static_cast<double>(rows), 1e-7, 1 - 1e-7);
    value += bernoulli_kl(penalty.rho, mean);
    slopes[j] = static_cast<float>(penalty.beta * ((1 - penalty.rho) / (1 - mean) - penalty.rho / mean) /
                                   static_cast<double>(rows));
  }
  for_rows(rows, [&](std::int64_t row) {
    for (std::size_t j = 0; j < slopes.size(); ++j)
      delta[static_cast<std::size_t>(row) * slopes.size() + j] += slopes[j];
  });
  return penalty.beta * value;
}

double AutoencoderGradient::stochastic_contractive(const Penalty& penalty, std::span<const float> parameters,
                                                   std::uint64_t key, std::vector<float>& delta,
                                                   std::span<float> gradient) {
  const std::int64_t rows = tape_.rows, features = autoencoder_.features(), units = autoencoder_.codes();
  std::vector<float> input(static_cast<std::size_t>(rows * features));
  for_rows(rows, [&](std::int64_t row) {
    const auto begin = static_cast<std::size_t>(row * features);
    const std::span<float> noise = std::span(input).subspan(begin, static_cast<std::size_t>(features));
    fill_normal(noise, Random(key, 0x5cae, static_cast<std::uint64_t>(row)).next());
    for (std::size_t i = 0; i < noise.size(); ++i)
      noise[i] = tape_.values[0][begin + i] + static_cast<float>(penalty.s) * noise[i];
  });
  forward(autoencoder_.encoder_layers(), parameters, input, rows, noisy_);
  const std::vector<float>&code = tape_.values[autoencoder_.encoder], &other = noisy_.values[autoencoder_.encoder];
  std::vector<float> back(code.size());
  std::vector<double> sums(static_cast<std::size_t>(rows));
  const auto scale = static_cast<float>(2 * penalty.lambda / static_cast<double>(rows));
  for_rows(rows, [&](std::int64_t row) {
    for (std::int64_t j = row * units; j < (row + 1) * units; ++j) {
      const auto at = static_cast<std::size_t>(j);
      const float difference = code[at] - other[at];
      sums[static_cast<std::size_t>(row)] += static_cast<double>(difference) * static_cast<double>(difference);
      delta[at] += scale * difference;
      back[at] = -scale * difference;
    }
  });
  backward(autoencoder_.layers, parameters, noisy_, 0, autoencoder_.encoder, back, gradient);
  return penalty.lambda * std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(rows);
}

double AutoencoderGradient::weight_decay(const Penalty& penalty, std::span<const float> parameters,
                                         std::span<float> gradient) const {
  double sum = 0;
  for (const DenseLayer& layer : autoencoder_.layers) {
    if (layer.tied) continue;  // counted where the weights are the encoder's
    std::vector<double> sums(static_cast<std::size_t>(layer.outputs));
    for_rows(layer.outputs, [&](std::int64_t row) {
      const std::size_t begin = layer.weight + static_cast<std::size_t>(row * layer.inputs);
      for (std::size_t i = begin; i < begin + static_cast<std::size_t>(layer.inputs); ++i) {
        sums[static_cast<std::size_t>(row)] += static_cast<double>(parameters[i]) * static_cast<double>(parameters[i]);
        gradient[i] += static_cast<float>(penalty.lambda) * parameters[i];
      }
    });
    sum = std::accumulate(sums.begin(), sums.end(), sum);
  }
  return 0.5 * penalty.lambda * sum;
}

Terms AutoencoderGradient::evaluate(const Objective& objective, std::span<const float> parameters,
                                    std::span<const float> input, std::span<const float> target, std::int64_t rows,
                                    std::uint64_t key, std::span<float> gradient) {
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  const std::size_t encoder = autoencoder_.encoder;
  const bool sparse = objective.keep > 0 && objective.keep < autoencoder_.codes();
  forward(autoencoder_.layers, parameters, input, rows, tape_, sparse_code(encoder, rows, objective.keep));
  Terms terms;
  std::vector<float> delta;
  terms.loss = reconstruction_loss(objective.loss, tape_.values.back(), target, rows, delta);
  backward(autoencoder_.layers, parameters, tape_, encoder, autoencoder_.layers.size(), delta, gradient,
           objective.loss != Reconstruction::cross_entropy);
  if (sparse) pass_through_kept(code(), delta);
  for (const Penalty& penalty : objective.penalties) {
    double value = 0;
    switch (penalty.kind) {
      case Penalty::Kind::kl_sparse: value = kl_sparse(penalty, delta); break;
      case Penalty::Kind::contractive:
        value = contractive_penalty(autoencoder_.encoder_layers(), parameters, penalty.lambda, tape_, gradient);
        break;
      case Penalty::Kind::stochastic_contractive:
        value = stochastic_contractive(penalty, parameters, key, delta, gradient);
        break;
      case Penalty::Kind::unused_units:
        value = unused_units(penalty, objective.keep, parameters, target, gradient);
        break;
      case Penalty::Kind::weight_decay: value = weight_decay(penalty, parameters, gradient); break;
    }
    terms.penalties.push_back(value);
  }
  backward(autoencoder_.layers, parameters, tape_, 0, encoder, delta, gradient);
  return terms;
}

}  // namespace latentflow::train

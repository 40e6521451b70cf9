// unused_units.cpp: units of a sparse code that no item uses learn what the others leave; see autoencoder.h.
#include <algorithm>
#include <numeric>

#include "autoencoder.h"
#include "nn/code_model.h"
#include "nn/gemm.h"

namespace latentflow::train {
namespace {

/// Units whose activation is 0 for every row of `code` [rows, units].
std::vector<std::int64_t> unused_units_of(const std::vector<float>& code, std::size_t units) {
  std::vector<std::uint8_t> used(units);
  for (std::size_t row = 0; row < code.size(); row += units)
    for (std::size_t unit = 0; unit < units; ++unit) used[unit] |= code[row + unit] != 0;
  std::vector<std::int64_t> unused;
  for (std::size_t unit = 0; unit < units; ++unit)
    if (used[unit] == 0) unused.push_back(static_cast<std::int64_t>(unit));
  return unused;
}

}  // namespace

double AutoencoderGradient::unused_units(const Penalty& penalty, std::int64_t keep, std::span<const float> parameters,
                                         std::span<const float> target, std::span<float> gradient) const {
  const DenseLayer& layer = autoencoder_.layers.front();
  const std::vector<float>&input = tape_.values.front(), &reconstruction = tape_.values.back();
  const std::int64_t rows = tape_.rows, features = layer.inputs;
  const std::vector<std::int64_t> units =
      unused_units_of(tape_.values[autoencoder_.encoder], static_cast<std::size_t>(layer.outputs));
  if (units.empty()) return 0;
  const auto count = static_cast<std::int64_t>(units.size());
  const auto size = [](std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); };

  std::vector<float> weights(size(count, features)), codes(size(rows, count)), rest(size(rows, features));
  for_rows(count, [&](std::int64_t i) {
    std::copy_n(&parameters[layer.weight + size(units[static_cast<std::size_t>(i)], features)], features,
                &weights[size(i, features)]);
  });
  nn::Gemm{false, true, rows, count, features}(input.data(), weights.data(), codes.data());
  std::vector<double> losses(static_cast<std::size_t>(rows));
  for_rows(rows, [&](std::int64_t row) {
    const std::span<float> code = std::span(codes).subspan(size(row, count), static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < code.size(); ++i)
      code[i] += parameters[layer.bias + static_cast<std::size_t>(units[i])];
    nn::keep_largest(code, 2 * keep);
    for (std::size_t i = size(row, features); i < size(row + 1, features); ++i) rest[i] = reconstruction[i] - target[i];
  });
  nn::Gemm{false, false, rows, features, count, 1}(codes.data(), weights.data(), rest.data());

  const auto scale = static_cast<float>(2 * penalty.lambda / static_cast<double>(rows));
  for_rows(rows, [&](std::int64_t row) {
    for (std::size_t i = size(row, features); i < size(row + 1, features); ++i) {
      losses[static_cast<std::size_t>(row)] += static_cast<double>(rest[i]) * static_cast<double>(rest[i]);
      rest[i] *= scale;
    }
  });
  std::vector<float> delta(codes.size()), change(weights.size());
  nn::Gemm{false, true, rows, count, features}(rest.data(), weights.data(), delta.data());
  pass_through_kept(codes, delta);
  nn::Gemm{true, false, count, features, rows}(delta.data(), input.data(), change.data());
  nn::Gemm{true, false, count, features, rows, 1}(codes.data(), rest.data(), change.data());
  for_rows(count, [&](std::int64_t i) {
    const std::int64_t unit = units[static_cast<std::size_t>(i)];
    float *weight = &gradient[layer.weight + size(unit, features)],
          &bias = gradient[layer.bias + static_cast<std::size_t>(unit)];
    for (std::int64_t j = 0; j < features; ++j) weight[j] += change[size(i, features) + static_cast<std::size_t>(j)];
    for (std::int64_t row = 0; row < rows; ++row) bias += delta[size(row, count) + static_cast<std::size_t>(i)];
  });
  return penalty.lambda * std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(rows);
}

}  // namespace latentflow::train

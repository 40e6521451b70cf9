// filters.cpp: see filters.h.
#include "filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ascent.h"
#include "nn/gemm.h"
#include "tiles.h"

namespace latentflow::show {
namespace {

using train::DenseLayer;

/// Layers 1 to `layer`, the last one linear: what the ascent maximises grows with the activation and does not saturate.
std::vector<DenseLayer> layers_up_to(const DenseModel& model, std::int64_t layer) {
  std::vector<DenseLayer> layers(model.network.layers.begin(), model.network.layers.begin() + layer);
  layers.back().activation = train::Activation::linear;
  return layers;
}

/// d sum / d row, [units, features], for the units' own rows.
std::vector<float> gradient_by_input(const std::vector<DenseLayer>& layers, const DenseModel& model,
                                     const train::Tape& tape, std::span<const std::int64_t> units) {
  const auto rows = static_cast<std::int64_t>(units.size());
  std::vector<float> delta(static_cast<std::size_t>(rows * layers.back().outputs)), below;
  for (std::size_t row = 0; row < units.size(); ++row)
    delta[row * static_cast<std::size_t>(layers.back().outputs) + static_cast<std::size_t>(units[row])] = 1;
  for (std::size_t l = layers.size(); l-- > 0;) {
    for (std::size_t i = 0; i < delta.size(); ++i)
      delta[i] *= train::first_derivative(layers[l].activation, tape.values[l + 1][i]);
    below.resize(static_cast<std::size_t>(rows * layers[l].inputs));
    nn::Gemm{false, false, rows, layers[l].inputs, layers[l].outputs}(
        delta.data(), model.parameters.data() + layers[l].weight, below.data());
    delta.swap(below);
  }
  return delta;
}

std::vector<float> sums(const std::vector<DenseLayer>& layers, const DenseModel& model,
                        std::span<const std::int64_t> units, std::span<const float> rows, train::Tape& tape) {
  train::forward(layers, model.parameters, rows, static_cast<std::int64_t>(units.size()), tape);
  std::vector<float> result;
  for (std::size_t row = 0; row < units.size(); ++row)
    result.push_back(tape.values.back()[row * static_cast<std::size_t>(layers.back().outputs) +
                                        static_cast<std::size_t>(units[row])]);
  return result;
}

/// Row j: the weights of unit j multiplied down through the layers, as if all were linear.
std::vector<float> linear_start(const std::vector<DenseLayer>& layers, const DenseModel& model,
                                std::span<const std::int64_t> units) {
  std::vector<DenseLayer> linear = layers;
  for (DenseLayer& layer : linear) layer.activation = train::Activation::linear;
  train::Tape tape;
  tape.values.resize(layers.size() + 1);
  for (std::size_t l = 0; l < layers.size(); ++l)
    tape.values[l + 1].assign(units.size() * static_cast<std::size_t>(layers[l].outputs), 1.0f);
  return gradient_by_input(linear, model, tape, units);
}

}  // namespace

std::vector<float> sums_into(const DenseModel& model, std::int64_t layer, std::span<const std::int64_t> units,
                             std::span<const float> rows) {
  train::Tape tape;
  return sums(layers_up_to(model, layer), model, units, rows, tape);
}

std::vector<float> ascend(const DenseModel& model, std::int64_t layer, std::span<const std::int64_t> units,
                          std::uint64_t seed) {
  const std::vector<DenseLayer> layers = layers_up_to(model, layer);
  const Respond respond = [&](std::span<const float> rows) {
    train::Tape tape;
    Response response{sums(layers, model, units, rows, tape), {}};
    response.gradients = gradient_by_input(layers, model, tape, units);
    return response;
  };
  return ascend(respond, linear_start(layers, model, units), units.size(), seed).rows;
}

Status check_choice(const FilterChoice& choice, const std::string& model, std::int64_t layers, bool has_data) {
  if (choice.layer < 1 || choice.layer > layers)
    return invalid_argument(
        fmt::format("--layer is {}, the encoder of {} has the layers 1 to {}", choice.layer, model, layers));
  if (choice.decoder && choice.layer != 1)
    return invalid_argument(fmt::format("--decoder is for the units of layer 1, --layer is {}", choice.layer));
  if (choice.order == FilterOrder::activity && !has_data)
    return invalid_argument("--sort activity needs --data: activity is the mean over items");
  return success();
}

Result<std::vector<Filter>> filters_of(const DenseModel& model, std::span<const float> data,
                                       const FilterChoice& choice) {
  const auto depth = static_cast<std::int64_t>(model.network.encoder);
  if (Status status = check_choice(choice, model.name, depth, !data.empty()); !status) return status.error();
  const DenseLayer& layer = model.network.layers[static_cast<std::size_t>(choice.layer - 1)];
  const auto inputs = static_cast<std::size_t>(layer.inputs), outputs = static_cast<std::size_t>(layer.outputs);
  std::vector<Filter> filters(outputs);
  const DenseLayer& last = model.network.layers.back();
  for (std::size_t unit = 0; unit < outputs; ++unit) {
    std::vector<float> weights(inputs);
    for (std::size_t i = 0; i < inputs; ++i)
      weights[i] =
          model.parameters[choice.decoder ? last.weight + i * outputs + unit : layer.weight + unit * inputs + i];
    filters[unit].unit = static_cast<std::int64_t>(unit);
    filters[unit].norm = std::sqrt(std::inner_product(weights.begin(), weights.end(), weights.begin(), 0.0));
    if (choice.layer > 1) continue;
    filters[unit].row = std::move(weights);
    normalise(filters[unit].row);
  }
  if (!data.empty()) {
    train::Autoencoder part = model.network;
    part.encoder = static_cast<std::size_t>(choice.layer);
    const std::vector<float> codes =
        train::encode(part, model.parameters, data, choice.layer == depth ? model.keep : 0);
    for (std::size_t i = 0; i < codes.size(); ++i) filters[i % outputs].activity += static_cast<double>(codes[i]);
    for (Filter& filter : filters) filter.activity /= static_cast<double>(codes.size() / outputs);
  }
  choose(filters, choice);
  if (choice.layer > 1) {
    std::vector<std::int64_t> units;
    for (const Filter& filter : filters) units.push_back(filter.unit);
    const std::vector<float> rows = ascend(model, choice.layer, units, choice.seed);
    const auto features = static_cast<std::ptrdiff_t>(model.features());
    for (std::size_t i = 0; i < filters.size(); ++i) {
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(i) * features;
      filters[i].row.assign(begin, begin + features);
    }
  }
  return filters;
}

void choose(std::vector<Filter>& filters, const FilterChoice& choice) {
  if (choice.order != FilterOrder::unit)
    std::stable_sort(filters.begin(), filters.end(), [&](const Filter& a, const Filter& b) {
      return choice.order == FilterOrder::norm ? a.norm > b.norm : a.activity > b.activity;
    });
  if (choice.units > 0 && choice.units < static_cast<std::int64_t>(filters.size()))
    filters.resize(static_cast<std::size_t>(choice.units));
}

cv::Mat draw(std::span<const Filter> filters, const nn::CodeItem& item, std::int64_t columns) {
  std::vector<cv::Mat> tiles;
  for (const Filter& filter : filters) tiles.push_back(tile(filter.row, item, Levels::symmetric, zoom_of(item)));
  if (columns == 0) columns = std::llround(std::ceil(std::sqrt(static_cast<double>(tiles.size()))));
  return tile_grid(tiles, columns, 3);
}

}  // namespace latentflow::show

// autoencoder.cpp: the layers of an autoencoder, their first weights, their use, and the network they are saved as.
#include "autoencoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/node_shape.h"
#include "train/random.h"

namespace latentflow::train {
namespace {

constexpr std::int64_t portion = 1024;  // rows that are computed together

/// Calls use(first row, rows, output) for portions of the rows.
void run_portions(std::span<const DenseLayer> layers, std::span<const float> parameters, std::span<const float> rows,
                  std::size_t encoder, std::int64_t keep,
                  const std::function<void(std::int64_t, std::int64_t, const std::vector<float>&)>& use) {
  const std::int64_t features = layers.front().inputs, count = static_cast<std::int64_t>(rows.size()) / features;
  Tape tape;
  for (std::int64_t first = 0; first < count; first += portion) {
    const std::int64_t some = std::min(portion, count - first);
    forward(layers, parameters,
            rows.subspan(static_cast<std::size_t>(first * features), static_cast<std::size_t>(some * features)), some,
            tape, sparse_code(encoder, some, keep));
    use(first, some, tape.values.back());
  }
}

nn::Op operator_of(Activation activation) {
  return activation == Activation::sigmoid ? nn::Op::sigmoid
         : activation == Activation::tanh  ? nn::Op::tanh
                                           : nn::Op::relu;
}

}  // namespace

Autoencoder make_autoencoder(const AutoencoderRecipe& recipe) {
  Autoencoder made;
  const std::size_t levels = recipe.layers.size() - 1;
  made.encoder = levels;
  made.layers.resize(2 * levels);
  const auto claim = [&](std::int64_t count) {
    const std::size_t offset = made.parameters;
    made.parameters += static_cast<std::size_t>(count);
    return offset;
  };
  for (std::size_t l = 0; l < levels; ++l) {
    const std::int64_t from = recipe.layers[l], to = recipe.layers[l + 1];
    DenseLayer& layer = made.layers[l];
    layer = {from, to, l + 1 == levels ? recipe.code : recipe.encoder, claim(from * to), 0, false};
    layer.bias = claim(to);
  }
  for (std::size_t l = 0; l < levels; ++l) {
    const std::size_t mirrored = levels - 1 - l;
    const std::int64_t from = recipe.layers[mirrored + 1], to = recipe.layers[mirrored];
    DenseLayer& layer = made.layers[levels + l];
    layer = {from, to, mirrored == 0 ? recipe.output : recipe.encoder, made.layers[mirrored].weight, 0, recipe.tied};
    if (!recipe.tied) layer.weight = claim(from * to);
    layer.bias = claim(to);
  }
  return made;
}

Autoencoder level_of(const Autoencoder& whole, std::size_t level) {
  return {{whole.layers[level], whole.layers[whole.layers.size() - 1 - level]}, 1, whole.parameters};
}

std::vector<float> initial_parameters(const Autoencoder& autoencoder, std::uint64_t seed) {
  std::vector<float> parameters(autoencoder.parameters);
  for (std::size_t l = 0; l < autoencoder.layers.size(); ++l) {
    const DenseLayer& layer = autoencoder.layers[l];
    if (layer.tied) continue;
    Random random(seed, 0xae, l);
    const double gain = layer.activation == Activation::relu ? 2 : 1;
    const double bound = std::sqrt(6.0 * gain / static_cast<double>(layer.inputs + layer.outputs));
    for (std::int64_t i = 0; i < layer.inputs * layer.outputs; ++i)
      parameters[layer.weight + static_cast<std::size_t>(i)] = static_cast<float>(random.uniform(-bound, bound));
  }
  return parameters;
}

void centre(const Autoencoder& autoencoder, std::span<const float> rows, std::span<float> parameters) {
  const auto features = static_cast<std::size_t>(autoencoder.features());
  std::vector<double> sum(features);
  for (std::size_t i = 0; i < rows.size(); ++i) sum[i % features] += static_cast<double>(rows[i]);
  std::vector<float> mean(features);
  for (std::size_t j = 0; j < features; ++j)
    mean[j] = static_cast<float>(sum[j] * static_cast<double>(features) / static_cast<double>(rows.size()));

  // Both layers add their bias last, so what is missing can be added to it.
  const DenseLayer &code = autoencoder.layers[autoencoder.encoder - 1], &output = autoencoder.layers.back();
  const std::vector<float> at_mean = encode(autoencoder, parameters, mean);
  for (std::size_t j = 0; j < at_mean.size(); ++j) parameters[code.bias + j] -= at_mean[j];
  Tape tape;
  const std::vector<float> zero(at_mean.size());
  forward(std::span(autoencoder.layers).subspan(autoencoder.encoder), parameters, zero, 1, tape);
  for (std::size_t j = 0; j < features; ++j) parameters[output.bias + j] += mean[j] - tape.values.back()[j];
}

std::function<void(std::size_t, std::span<float>)> sparse_code(std::size_t encoder, std::int64_t rows,
                                                               std::int64_t keep) {
  if (keep <= 0) return {};
  return [encoder, rows, keep](std::size_t layer, std::span<float> output) {
    if (layer + 1 != encoder) return;
    const std::size_t units = output.size() / static_cast<std::size_t>(rows);
    for_rows(rows, [&](std::int64_t row) {
      nn::keep_largest(output.subspan(static_cast<std::size_t>(row) * units, units), keep);
    });
  };
}

void pass_through_kept(std::span<const float> code, std::span<float> delta) {
  for (std::size_t i = 0; i < delta.size(); ++i)
    if (code[i] == 0) delta[i] = 0;
}

std::vector<float> encode(const Autoencoder& autoencoder, std::span<const float> parameters,
                          std::span<const float> rows, std::int64_t keep) {
  const auto count = static_cast<std::int64_t>(rows.size()) / autoencoder.features();
  std::vector<float> codes(static_cast<std::size_t>(count * autoencoder.codes()));
  run_portions(autoencoder.encoder_layers(), parameters, rows, autoencoder.encoder, keep,
               [&](std::int64_t first, std::int64_t, const std::vector<float>& output) {
                 std::copy(output.begin(), output.end(),
                           codes.begin() + static_cast<std::ptrdiff_t>(first * autoencoder.codes()));
               });
  return codes;
}

double squared_error(const Autoencoder& autoencoder, std::span<const float> parameters, std::span<const float> rows,
                     std::int64_t keep) {
  return squared_error(autoencoder, parameters, rows, rows, keep);
}

double squared_error(const Autoencoder& autoencoder, std::span<const float> parameters, std::span<const float> inputs,
                     std::span<const float> targets, std::int64_t keep) {
  const std::int64_t features = autoencoder.features();
  std::vector<double> errors(inputs.size() / static_cast<std::size_t>(features));
  run_portions(autoencoder.layers, parameters, inputs, autoencoder.encoder, keep,
               [&](std::int64_t first, std::int64_t some, const std::vector<float>& output) {
                 for_rows(some, [&](std::int64_t row) {
                   double sum = 0;
                   for (std::int64_t i = 0; i < features; ++i) {
                     const float difference = output[static_cast<std::size_t>(row * features + i)] -
                                              targets[static_cast<std::size_t>((first + row) * features + i)];
                     sum += static_cast<double>(difference) * static_cast<double>(difference);
                   }
                   errors[static_cast<std::size_t>(first + row)] = sum;
                 });
               });
  return std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size());
}

nn::ValueId add_dense_layer(nn::Graph& graph, const DenseLayer& layer, std::span<const float> parameters,
                            const std::string& name, nn::ValueId input) {
  // Always [outputs, inputs]: OpenCV 4.6 misreads a Gemm whose matrix is not transposed.
  Tensor weights({layer.outputs, layer.inputs}), bias({layer.outputs});
  float* target = weights.mutable_data();
  for (std::int64_t i = 0; i < layer.outputs; ++i)
    for (std::int64_t j = 0; j < layer.inputs; ++j)
      *target++ = parameters[layer.weight +
                             static_cast<std::size_t>(layer.tied ? j * layer.outputs + i : i * layer.inputs + j)];
  std::copy_n(parameters.begin() + static_cast<std::ptrdiff_t>(layer.bias), layer.outputs, bias.mutable_data());
  const bool linear = layer.activation == Activation::linear;
  const nn::ValueId w = graph.add_constant(name + ".weight", std::move(weights)),
                    b = graph.add_constant(name + ".bias", std::move(bias));
  const nn::ValueId sum =
      graph.add_node(nn::Op::gemm, linear ? name : name + "_sum", {input, w, b}, nn::GemmAttributes{1, 1, false, true});
  return linear ? sum : graph.add_node(operator_of(layer.activation), name, {sum});
}

Result<nn::Graph> autoencoder_network(const Autoencoder& autoencoder, std::span<const float> parameters,
                                      const nn::CodeItem& item, std::int64_t keep) {
  if (item.features() != autoencoder.features())
    return invalid_argument(
        fmt::format("item is {}, the autoencoder takes {} numbers", to_string(item), autoencoder.features()));
  nn::Graph graph;
  graph.name = "autoencoder";
  nn::ValueId value = graph.add_input("data", {-1, autoencoder.features()});
  for (std::size_t l = 0; l < autoencoder.layers.size(); ++l) {
    const DenseLayer& layer = autoencoder.layers[l];
    const bool code = l + 1 == autoencoder.encoder, last = l + 1 == autoencoder.layers.size();
    const std::string name = code                      ? "code"
                             : last                    ? "reconstruction"
                             : l < autoencoder.encoder ? fmt::format("encoder{}", l + 1)
                                                       : fmt::format("decoder{}", l + 1 - autoencoder.encoder);
    value = add_dense_layer(graph, layer, parameters, name, value);
    if (code || last) graph.outputs.push_back(value);
  }
  graph.metadata["item"] = to_string(item);
  if (keep > 0) graph.metadata[nn::code_keep_key] = fmt::to_string(keep);
  if (Status status = nn::declare_dims(graph); !status) return status.error();
  return graph;
}

}  // namespace latentflow::train

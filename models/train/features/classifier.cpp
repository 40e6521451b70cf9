// classifier.cpp: see classifier.h.
#include "classifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/node_shape.h"

namespace latentflow::train {
namespace {

constexpr std::int64_t portion = 1024;  // rows that are computed together

}  // namespace

Classifier make_classifier(const Autoencoder& autoencoder, std::span<const float> parameters, std::int64_t classes,
                           std::int64_t keep) {
  Classifier made;
  made.layers.assign(autoencoder.encoder_layers().begin(), autoencoder.encoder_layers().end());
  made.keep = keep < autoencoder.codes() ? keep : 0;
  // The encoder's parameters come first in the flat array, the softmax layer's take the place of the decoder's.
  const std::size_t encoder_size = made.layers.back().bias + static_cast<std::size_t>(made.layers.back().outputs);
  const auto weights = static_cast<std::size_t>(autoencoder.codes() * classes);
  made.layers.push_back(
      {autoencoder.codes(), classes, Activation::linear, encoder_size, encoder_size + weights, false});
  made.parameters.resize(encoder_size + weights + static_cast<std::size_t>(classes));
  std::copy_n(parameters.begin(), encoder_size, made.parameters.begin());
  return made;
}

Classifier make_classifier(const Autoencoder& autoencoder, std::span<const float> parameters, const LogisticModel& top,
                           std::int64_t keep) {
  Classifier made = make_classifier(autoencoder, parameters, top.classes, keep);
  const auto at = [&](std::size_t offset) { return made.parameters.begin() + static_cast<std::ptrdiff_t>(offset); };
  std::copy(top.weights.begin(), top.weights.end(), at(made.layers.back().weight));
  std::copy(top.bias.begin(), top.bias.end(), at(made.layers.back().bias));
  return made;
}

void run_classifier(const Classifier& classifier, std::span<const float> parameters, std::span<const float> input,
                    std::int64_t rows, Tape& tape) {
  forward(classifier.layers, parameters, input, rows, tape, sparse_code(classifier.encoder(), rows, classifier.keep));
}

double classifier_loss_and_gradient(const Classifier& classifier, std::span<const float> parameters,
                                    std::span<const float> input, std::span<const std::uint8_t> labels, Tape& tape,
                                    std::span<float> gradient) {
  const auto rows = static_cast<std::int64_t>(labels.size());
  const auto count = static_cast<double>(rows);
  const std::size_t encoder = classifier.encoder();
  run_classifier(classifier, parameters, input, rows, tape);
  std::vector<float> delta = tape.values.back();
  const double loss = softmax_loss(delta, labels, classifier.classes(), count) / count;
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  backward(classifier.layers, parameters, tape, encoder, encoder + 1, delta, gradient);
  if (classifier.keep > 0) pass_through_kept(tape.values[encoder], delta);
  backward(classifier.layers, parameters, tape, 0, encoder, delta, gradient);
  return loss;
}

HeldOutErrors held_out_errors(const Classifier& classifier, const ItemSet& items) {
  const auto features = static_cast<std::size_t>(classifier.features());
  Tape tape;
  const auto errors_of = [&](const ItemRows& rows) {
    ErrorRate error{0, rows.count()};
    for (std::int64_t first = 0; first < error.items; first += portion) {
      const auto begin = static_cast<std::size_t>(first);
      const auto some = static_cast<std::size_t>(std::min(portion, error.items - first));
      run_classifier(classifier, classifier.parameters,
                     std::span(rows.values).subspan(begin * features, some * features), static_cast<std::int64_t>(some),
                     tape);
      error.errors +=
          count_errors(tape.values.back(), std::span(rows.labels).subspan(begin, some), classifier.classes());
    }
    return error;
  };
  return {errors_of(items.test), errors_of(items.validation)};
}

std::string to_string(const HeldOutErrors& errors) {
  return to_string(errors.test) +
         (errors.validation.items > 0 ? ", on those to validate " + to_string(errors.validation) : "");
}

Result<nn::Graph> classifier_network(const Classifier& classifier, const nn::CodeItem& item) {
  if (classifier.keep > 0)
    return unsupported(
        fmt::format("of a code of {} numbers the {} largest count, which no file of a classifier can "
                    "say",
                    classifier.layers[classifier.encoder() - 1].outputs, classifier.keep));
  if (item.features() != classifier.features())
    return invalid_argument(
        fmt::format("item is {}, the classifier takes {} numbers", to_string(item), classifier.features()));
  nn::Graph graph;
  graph.name = "classifier";
  nn::ValueId value = graph.add_input("data", {-1, classifier.features()});
  for (std::size_t l = 0; l < classifier.layers.size(); ++l) {
    const std::string name = l == classifier.encoder()       ? "logits"
                             : l + 1 == classifier.encoder() ? "code"
                                                             : fmt::format("encoder{}", l + 1);
    value = add_dense_layer(graph, classifier.layers[l], classifier.parameters, name, value);
  }
  graph.outputs = {graph.add_node(nn::Op::softmax, "probabilities", {value}, nn::SoftmaxAttributes{1})};
  graph.metadata["item"] = to_string(item);
  graph.metadata[classes_key] = fmt::to_string(classifier.classes());
  if (Status status = nn::declare_dims(graph); !status) return status.error();
  return graph;
}

}  // namespace latentflow::train

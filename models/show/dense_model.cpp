// dense_model.cpp: see dense_model.h.
#include "dense_model.h"

#include <fmt/format.h>

#include <numeric>
#include <optional>

#include "nn/onnx_import.h"
#include "nn/pca_model.h"

namespace latentflow::show {
namespace {

using train::Activation;
using train::DenseLayer;

std::optional<Activation> activation_of(nn::Op op) {
  switch (op) {
    case nn::Op::sigmoid: return Activation::sigmoid;
    case nn::Op::tanh: return Activation::tanh;
    case nn::Op::relu: return Activation::relu;
    default: return std::nullopt;
  }
}

class Reader {
 public:
  Reader(const nn::Graph& graph, DenseModel& model) : graph_(graph), model_(model) {}

  Status read() {
    if (graph_.inputs.size() != 1 || graph_.outputs.size() != 2)
      return unsupported(
          fmt::format("network \"{}\" has {} inputs and {} outputs; a model of codes has one input and the outputs "
                      "code and reconstruction",
                      graph_.name, graph_.inputs.size(), graph_.outputs.size()));
    nn::ValueId value = graph_.inputs[0];
    for (const nn::Node& node : graph_.nodes) {
      if (node.inputs.empty() || node.inputs[0] != value)
        return refuse(node, "does not follow the node before it; needs one chain of layers");
      if (Status status = take(node); !status) return status;
      value = node.output;
      if (value == graph_.outputs[0]) model_.network.encoder = model_.network.layers.size();
    }
    if (model_.network.encoder == 0 || model_.network.encoder == model_.network.layers.size() ||
        value != graph_.outputs[1])
      return unsupported(fmt::format(
          "network \"{}\" has no layers between data and code, or between code and reconstruction", graph_.name));
    return success();
  }

 private:
  Error refuse(const nn::Node& node, const std::string& fact) const {
    return unsupported(
        fmt::format("node \"{}\" ({}) {}; latentflow show looks into dense layers: Gemm, then Relu, "
                    "Sigmoid, Tanh or nothing",
                    node.name, nn::to_string(node.op), fact));
  }

  Status take(const nn::Node& node) {
    std::vector<DenseLayer>& layers = model_.network.layers;
    if (node.op == nn::Op::gemm) return take_gemm(node);
    if (node.op == nn::Op::sub && layers.empty() && node.inputs.size() == 2 && graph_.is_constant(node.inputs[1])) {
      shift_ = &*graph_.value(node.inputs[1]).constant;
      return success();
    }
    const std::optional<Activation> activation = activation_of(node.op);
    if (!activation) return refuse(node, "is no dense layer");
    if (layers.empty() || layers.back().activation != Activation::linear || layers.size() == model_.network.encoder)
      return refuse(node, "does not stand directly behind a Gemm");
    layers.back().activation = *activation;
    return success();
  }

  Status take_gemm(const nn::Node& node) {
    const auto& gemm = node.as<nn::GemmAttributes>();
    if (gemm.trans_a || node.inputs.size() < 2 || !graph_.is_constant(node.inputs[1]))
      return refuse(node, "multiplies with no constant matrix from the right");
    const Tensor& matrix = *graph_.value(node.inputs[1]).constant;
    if (matrix.dims().size() != 2) return refuse(node, "has weights " + to_string(matrix.dims()));
    DenseLayer layer;
    layer.outputs = matrix.dims()[gemm.trans_b ? 0 : 1], layer.inputs = matrix.dims()[gemm.trans_b ? 1 : 0];
    if (!model_.network.layers.empty() && model_.network.layers.back().outputs != layer.inputs)
      return refuse(node, fmt::format("takes {} numbers, the layer before gives {}", layer.inputs,
                                      model_.network.layers.back().outputs));
    std::vector<float>& all = model_.parameters;
    layer.weight = all.size();
    for (std::int64_t i = 0; i < layer.outputs; ++i)
      for (std::int64_t j = 0; j < layer.inputs; ++j)
        all.push_back(gemm.alpha * matrix.data()[gemm.trans_b ? i * layer.inputs + j : j * layer.outputs + i]);
    layer.bias = all.size();
    all.resize(all.size() + static_cast<std::size_t>(layer.outputs));
    if (node.inputs.size() > 2 && node.inputs[2] != nn::no_value) {
      if (!graph_.is_constant(node.inputs[2])) return refuse(node, "adds what is no constant");
      const Tensor& bias = *graph_.value(node.inputs[2]).constant;
      if (bias.size() != layer.outputs && bias.size() != 1)
        return refuse(node, fmt::format("has a bias {} for {} units", to_string(bias.dims()), layer.outputs));
      for (std::int64_t i = 0; i < layer.outputs; ++i)
        all[layer.bias + static_cast<std::size_t>(i)] = gemm.beta * bias.data()[bias.size() == 1 ? 0 : i];
    }
    if (Status status = shift_bias(node, layer); !status) return status;
    model_.network.layers.push_back(layer);
    return success();
  }

  /// W (x - m) + b = W x + (b - W m), summed in double.
  Status shift_bias(const nn::Node& node, const DenseLayer& layer) {
    if (shift_ == nullptr) return success();
    if (shift_->size() != layer.inputs)
      return refuse(node, fmt::format("takes {} numbers, of which {} are subtracted", layer.inputs, shift_->size()));
    for (std::int64_t i = 0; i < layer.outputs; ++i) {
      const float* weights = &model_.parameters[layer.weight + static_cast<std::size_t>(i * layer.inputs)];
      float& bias = model_.parameters[layer.bias + static_cast<std::size_t>(i)];
      bias = static_cast<float>(
          bias - std::inner_product(weights, weights + layer.inputs, shift_->data(), 0.0, std::plus<>(),
                                    [](float w, float m) { return static_cast<double>(w) * static_cast<double>(m); }));
    }
    shift_ = nullptr;
    return success();
  }

  const nn::Graph& graph_;
  DenseModel& model_;
  const Tensor* shift_ = nullptr;
};

}  // namespace

Result<DenseModel> dense_model(const nn::Graph& graph, const std::string& name) {
  DenseModel model;
  model.name = name;
  Result<nn::ModelCard> card = nn::read_card(graph);
  if (!card) return card.error();
  model.card = std::move(*card);
  if (Status status = Reader(graph, model).read(); !status) return status.error();
  model.network.parameters = model.parameters.size();
  model.item.width = model.features();
  if (const auto text = graph.metadata.find("item"); text != graph.metadata.end()) {
    const Result<nn::CodeItem> item = nn::parse_code_item(text->second);
    if (!item) return item.error();
    if (item->features() != model.features())
      return bad_input(fmt::format("item \"{}\" has {} numbers, the network takes {}", text->second, item->features(),
                                   model.features()));
    model.item = *item;
  }
  const Result<std::int64_t> keep = nn::code_keep(graph, model.codes());
  if (!keep) return keep.error();
  model.keep = *keep;
  return model;
}

Result<DenseModel> load_dense_model(const std::filesystem::path& file) {
  const Result<nn::Graph> graph = nn::load_onnx(file);
  if (!graph) return graph.error();
  Result<DenseModel> model = dense_model(*graph, file.stem().string());
  if (!model) return Error{model.error().code, fmt::format("{}: {}", file.string(), model.error().message), {}};
  return model;
}

Result<DenseModel> dense_model(const nn::Pca& pca, const nn::CodeItem& item, const std::string& name) {
  const Result<nn::Graph> graph = nn::pca_network(pca, item);
  if (!graph) return graph.error();
  return dense_model(*graph, name);
}

std::vector<float> encode(const DenseModel& model, std::span<const float> rows) {
  return train::encode(model.network, model.parameters, rows, model.keep);
}

std::vector<float> decode(const DenseModel& model, std::span<const float> codes) {
  const std::vector<DenseLayer>& layers = model.network.layers;
  // The decoder as an encoder of its own: what is done to rows in portions has one home.
  const train::Autoencoder decoder{{layers.begin() + static_cast<std::ptrdiff_t>(model.network.encoder), layers.end()},
                                   layers.size() - model.network.encoder,
                                   model.network.parameters};
  return train::encode(decoder, model.parameters, codes);
}

std::vector<float> reconstruct(const DenseModel& model, std::span<const float> rows) {
  return decode(model, encode(model, rows));
}

std::vector<double> squared_errors(std::span<const float> a, std::span<const float> b, std::int64_t features) {
  std::vector<double> errors(a.size() / static_cast<std::size_t>(features));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    errors[i / static_cast<std::size_t>(features)] += difference * difference;
  }
  return errors;
}

double mean(std::span<const double> numbers) {
  return numbers.empty() ? 0
                         : std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

}  // namespace latentflow::show

// prepare.cpp: see prepare.h.
#include "prepare.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "nn/npy.h"
#include "nn/npz.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "train/networks.h"
#include "train/random.h"

namespace latentflow::peers {

namespace {

using Path = std::filesystem::path;

Path path_of(const Json& request, const char* key) { return request.at(key).get<std::string>(); }

nn::Graph mlp() {
  nn::Graph graph;
  graph.name = "mlp";
  const std::vector<std::int64_t> widths{784, 1024, 1024, 10};
  nn::ValueId x = graph.add_input("x", {-1, widths[0]});
  for (std::size_t layer = 0; layer + 1 < widths.size(); ++layer) {
    const std::string name = "dense" + std::to_string(layer);
    Tensor weights({widths[layer + 1], widths[layer]}), bias = Tensor::filled({widths[layer + 1]}, 0.1f);
    train::fill_normal(weights.mutable_span(), layer + 1);
    for (float& weight : weights.mutable_span()) weight *= std::sqrt(2.0f / static_cast<float>(widths[layer]));
    nn::GemmAttributes attributes;
    attributes.trans_b = true;
    x = graph.add_node(nn::Op::gemm, name,
                       {x, graph.add_constant(name + ".weight", weights), graph.add_constant(name + ".bias", bias)},
                       attributes);
    if (layer + 2 < widths.size()) x = graph.add_node(nn::Op::relu, "relu" + std::to_string(layer), {x});
  }
  graph.outputs = {x};
  return graph;
}

/// Planar, 0..1; larger pictures are cropped at the centre, smaller ones mirrored.
void put_picture(const cv::Mat& bgr, float* to, int channels, int height, int width) {
  cv::Mat picture = bgr;
  if (channels == 1)
    cv::cvtColor(bgr, picture, cv::COLOR_BGR2GRAY);
  else
    cv::cvtColor(bgr, picture, cv::COLOR_BGR2RGB);
  if (picture.rows < height || picture.cols < width) {
    cv::Mat larger;
    cv::copyMakeBorder(picture, larger, 0, std::max(0, height - picture.rows), 0, std::max(0, width - picture.cols),
                       cv::BORDER_REFLECT);
    picture = larger;
  }
  picture = picture(cv::Rect((picture.cols - width) / 2, (picture.rows - height) / 2, width, height));
  cv::Mat floats;
  picture.convertTo(floats, CV_32F, 1.0 / 255);
  std::vector<cv::Mat> planes;
  for (int c = 0; c < channels; ++c)
    planes.emplace_back(height, width, CV_32F, to + std::ptrdiff_t{c} * height * width);
  cv::split(floats, planes);
}

}  // namespace

Json make_networks(const Json& request) {
  const Path folder = path_of(request, "folder");
  train::NetworkRecipe recipe;
  recipe.type = "dncnn", recipe.color = false, recipe.noise_map = false, recipe.channels = {64}, recipe.depth = 17;
  nn::Graph dncnn = need(train::build_network(recipe, 1));
  dncnn.name = "dncnn17";
  need(nn::save_onnx(dncnn, folder / "dncnn17.onnx"));
  std::vector<nn::NamedTensor> weights;
  for (const nn::Node& node : dncnn.nodes)
    if (node.op == nn::Op::conv)
      weights.push_back({"arr_" + std::to_string(weights.size()), *dncnn.value(node.inputs[1]).constant});
  need(nn::write_npz(folder / "dncnn17.npz", weights));
  need(nn::save_onnx(mlp(), folder / "mlp.onnx"));
  const std::vector<float> parameters = epoch_parameters();
  const std::span<const float> all(parameters);
  std::vector<nn::NamedTensor> dense;
  const auto add = [&](Dims dims, std::size_t offset) {
    const auto size = static_cast<std::size_t>(element_count(dims));
    dense.push_back({"arr_" + std::to_string(dense.size()), Tensor::from(std::move(dims), all.subspan(offset, size))});
  };
  for (const train::DenseLayer& layer : epoch_autoencoder().layers)
    add({layer.outputs, layer.inputs}, layer.weight), add({layer.outputs}, layer.bias);
  need(nn::write_npz(folder / "autoencoder.npz", dense));
  return {{"ok", true}};
}

train::Autoencoder epoch_autoencoder() {
  train::AutoencoderRecipe recipe;
  recipe.layers = {784, 1000, 500, 250, 30};
  recipe.encoder = train::Activation::tanh;
  return train::make_autoencoder(recipe);
}

std::vector<float> epoch_parameters() { return train::initial_parameters(epoch_autoencoder(), 1); }

Json make_rows(const Json& request) {
  Tensor rows({request.at("count").get<std::int64_t>(), epoch_autoencoder().features()});
  train::fill_normal(rows.mutable_span(), 9);
  for (float& value : rows.mutable_span()) value = std::clamp(value, 0.0f, 1.0f);
  const Path file = path_of(request, "folder") / "rows.npy";
  need(nn::write_npy(file, rows));
  return {{"rows", file.string()}};
}

Json make_inputs(const Json& request) {
  const nn::Graph graph = need(nn::load_onnx(path_of(request, "model")));
  const auto height = request.at("height").get<int>(), width = request.at("width").get<int>();
  const auto count = request.at("count").get<std::int64_t>();
  const auto files = request.at("pictures").get<std::vector<std::string>>();
  std::vector<Dims> one;
  Json inputs = Json::array();
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    Dims dims = graph.value(graph.inputs[i]).dims;
    if (dims.size() == 4) dims[2] = height, dims[3] = width;
    dims.at(0) = 1;
    one.push_back(dims);
    dims[0] = count;
    Tensor tensor(dims);
    const auto item = static_cast<std::ptrdiff_t>(element_count(one.back()));
    if (dims.size() != 4)
      train::fill_normal(tensor.mutable_span(), i + 1);
    else if (graph.value(graph.inputs[i]).name == "mask")  // a quarter is missing, in stripes
      for (std::int64_t n = 0; n < tensor.size(); ++n) tensor.mutable_data()[n] = n / 16 % 4 == 0 ? 1.0f : 0.0f;
    else if (i > 0)
      tensor = Tensor::filled(dims, request.at("sigma").get<float>() / 255);
    else
      for (std::int64_t n = 0; n < count; ++n) {
        const std::string& file = files.at(static_cast<std::size_t>(n) % files.size());
        const cv::Mat picture = cv::imread(file, cv::IMREAD_COLOR);
        if (picture.empty()) throw std::runtime_error(file + " is no picture");
        if (dims[1] != 1 && dims[1] != 3)
          throw std::runtime_error("pictures have 1 or 3 channels, not " + std::to_string(dims[1]));
        put_picture(picture, tensor.mutable_data() + n * item, static_cast<int>(dims[1]), height, width);
      }
    const Path file =
        path_of(request, "folder") / (request.at("name").get<std::string>() + "." + std::to_string(i) + ".npy");
    need(nn::write_npy(file, tensor));
    inputs.push_back(file.string());
  }
  const auto shapes = need(nn::infer_shapes(graph, one));
  return {{"inputs", inputs},
          {"gflop", 2e-9 * static_cast<double>(nn::multiply_adds(graph, shapes))},
          {"parameters", nn::parameter_count(graph)}};
}

Json make_batch(const Json& request) {
  const auto batch = request.at("batch").get<std::int64_t>(), side = request.at("side").get<std::int64_t>();
  Tensor clean({batch, 1, side, side}), noisy(clean.dims());
  train::fill_normal(noisy.mutable_span(), 7);
  for (std::int64_t i = 0; i < clean.size(); ++i) {
    clean.mutable_data()[i] = 0.5f + 0.4f * std::sin(static_cast<float>(i % side) * 0.2f);
    noisy.mutable_data()[i] = clean.data()[i] + 0.1f * noisy.data()[i];
  }
  const Path folder = path_of(request, "folder");
  need(nn::write_npy(folder / "batch.noisy.npy", noisy));
  need(nn::write_npy(folder / "batch.clean.npy", clean));
  return {{"noisy", (folder / "batch.noisy.npy").string()}, {"clean", (folder / "batch.clean.npy").string()}};
}

Json compare_arrays(const Json& request) {
  const Tensor a = need(nn::read_npy(path_of(request, "a"))), b = need(nn::read_npy(path_of(request, "b")));
  if (a.dims() != b.dims())
    throw std::runtime_error("shapes differ: " + to_string(a.dims()) + " and " + to_string(b.dims()));
  double largest = 0, sum = 0, scale = 0;
  for (std::size_t i = 0; i < a.span().size(); ++i) {
    const double difference = std::abs(static_cast<double>(a.span()[i]) - b.span()[i]);
    if (!std::isfinite(difference)) throw std::runtime_error("the outputs hold infinities or NaN");
    largest = std::max(largest, difference);
    scale = std::max(scale, std::abs(static_cast<double>(b.span()[i])));
    sum += difference;
  }
  return {{"largest", largest}, {"mean", sum / static_cast<double>(a.size())}, {"scale", scale}};
}

Json compare_folders(const Json& request) {
  double largest = 0, sum = 0;
  std::uintmax_t bytes = 0, count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path_of(request, "b"))) {
    const Path other = path_of(request, "a") / entry.path().filename();
    const cv::Mat a = cv::imread(other.string(), cv::IMREAD_COLOR),
                  b = cv::imread(entry.path().string(), cv::IMREAD_COLOR);
    if (a.empty() || a.size() != b.size()) throw std::runtime_error(other.string() + " is missing or has another size");
    cv::Mat difference;
    cv::absdiff(a, b, difference);
    largest = std::max(largest, cv::norm(difference, cv::NORM_INF));
    sum += cv::norm(difference, cv::NORM_L1) / static_cast<double>(difference.total() * 3);
    bytes += std::filesystem::file_size(other);
    ++count;
  }
  if (count == 0) throw std::runtime_error("nothing to compare");
  return {{"largest", largest}, {"mean", sum / static_cast<double>(count)}, {"bytes", bytes}, {"count", count}};
}

}  // namespace latentflow::peers

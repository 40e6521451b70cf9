// picture_model.cpp: see picture_model.h.
#include "picture_model.h"

#include <fmt/format.h>

#include "nn/passes.h"

namespace latentflow::show {

train::Activation PictureModel::activation() const {
  for (const nn::Node& node : encoder.nodes) {
    if (node.output != encoder.outputs[0]) continue;
    if (node.op == nn::Op::sigmoid) return train::Activation::sigmoid;
    if (node.op == nn::Op::tanh) return train::Activation::tanh;
    if (node.op == nn::Op::relu) return train::Activation::relu;
  }
  return train::Activation::linear;
}

bool takes_pictures(const nn::Graph& graph) {
  return !graph.inputs.empty() && graph.value(graph.inputs[0]).dims.size() == 4;
}

Result<PictureModel> picture_model(const nn::Graph& graph, const std::string& name) {
  PictureModel model;
  model.name = name;
  Result<nn::ModelCard> card = nn::read_card(graph);
  if (!card) return card.error();
  model.card = std::move(*card);
  const Result<nn::Graph> half = nn::encoder_of(graph);
  if (!half) return half.error();
  const Result<codes::PictureCodes> extents = codes::picture_codes(graph, model.card.multiple);
  if (!extents) return extents.error();
  model.extents = *extents;
  Result<nn::Graph> encoder = nn::optimised(*half);
  if (!encoder) return encoder.error();
  model.encoder = std::move(*encoder);
  auto network = nn::Network::create(graph);
  if (!network) return network.error();
  model.network = std::move(*network);
  return model;
}

Result<PictureCoding> reconstruct(const PictureModel& model, std::span<const float> planes, const nn::CodeItem& item) {
  const Tensor picture = Tensor::from({1, item.channels, item.height, item.width}, planes);
  Result<std::vector<Tensor>> outputs = model.network->run({&picture, 1});
  if (!outputs) return outputs.error();
  const std::span<const float> back = (*outputs)[1].span();
  return PictureCoding{std::move((*outputs)[0]), {back.begin(), back.end()}};
}

Result<std::vector<float>> reconstruct_each(const PictureModel& model, std::span<const float> rows,
                                            const nn::CodeItem& item) {
  const auto features = static_cast<std::size_t>(item.features());
  std::vector<float> all;
  all.reserve(rows.size());
  for (std::size_t begin = 0; begin < rows.size(); begin += features) {
    const Result<PictureCoding> coding = reconstruct(model, rows.subspan(begin, features), item);
    if (!coding) return coding.error();
    all.insert(all.end(), coding->back.begin(), coding->back.end());
  }
  return all;
}

}  // namespace latentflow::show

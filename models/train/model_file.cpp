// model_file.cpp: see model_file.h.
#include "model_file.h"

#include <algorithm>
#include <utility>

#include "networks.h"
#include "nn/model_card.h"
#include "nn/node_shape.h"
#include "nn/onnx_export.h"
#include "nn/receptive_field.h"

namespace latentflow::train {
namespace {

/// Adds what cards of all tasks say, and writes the file.
Status save(nn::Graph graph, nn::ModelCard card, const Recipe& recipe, const std::string& summary,
            const ModelFacts& facts, const std::filesystem::path& file) {
  graph.name = recipe.model;
  if (!summary.empty()) graph.metadata["summary"] = summary;
  card.recipe = recipe.text;
  card.data = facts.data;
  card.scores = facts.scores;
  card.trained_with = facts.trained_with;
  nn::write_card(graph, card);
  return nn::save_onnx(graph, file);
}

}  // namespace

std::string card_task(Task task) {
  switch (task) {
    case Task::denoise: return "denoise";
    case Task::inpaint: return "inpaint";
    case Task::image_codes: return "image_codes";
    case Task::autoencoder: return "autoencoder";
  }
  return "";
}

Status save_model(nn::Graph graph, const Recipe& recipe, const ModelFacts& facts, const std::filesystem::path& file) {
  nn::ModelCard card;
  if (recipe.task == Task::image_codes) {
    // Both outputs, as nn/code_model.h has it; training looks at the second alone.
    const auto code = std::find_if(graph.values.begin(), graph.values.end(),
                                   [](const nn::ValueInfo& value) { return value.name == "code"; });
    graph.outputs.insert(graph.outputs.begin(), static_cast<nn::ValueId>(code - graph.values.begin()));
    if (Status status = nn::declare_dims(graph); !status) return status;
  }
  card.task = card_task(recipe.task);
  card.color = recipe.network.color ? "rgb" : "gray";
  if (recipe.task == Task::denoise) {
    double low = 255, high = 0;
    for (const NoiseRange& range : recipe.corruption.gaussian)
      low = std::min(low, range.sigma[0]), high = std::max(high, range.sigma[1]);
    if (facts.levels) low = (*facts.levels)[0], high = (*facts.levels)[1];
    card.noise_min = static_cast<float>(low), card.noise_max = static_cast<float>(high);
  }
  card.image_input = "image";
  card.noise_input = recipe.network.noise_map ? "sigma" : "";
  card.multiple = extent_multiple(recipe.network);
  if (const auto tiles = graph.outputs.size() == 1 ? nn::tile_geometry(graph) : std::nullopt)
    card.halo = *std::max_element(tiles->halo.begin(), tiles->halo.end());
  return save(std::move(graph), std::move(card), recipe, recipe.summary, facts, file);
}

Status save_row_model(nn::Graph graph, const std::string& task, const nn::CodeItem& item, const Recipe& recipe,
                      const std::string& summary, const ModelFacts& facts, const std::filesystem::path& file) {
  nn::ModelCard card;
  card.task = task;
  if (item.kind != nn::CodeItem::Kind::tensor) card.color = item.channels == 3 ? "rgb" : "gray";
  card.image_input = "data";
  return save(std::move(graph), std::move(card), recipe, summary, facts, file);
}

}  // namespace latentflow::train

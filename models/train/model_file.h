// model_file.h: a trained network as an ONNX file with its card.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "nn/graph.h"
#include "recipe.h"

namespace latentflow::train {

/// What the recipe does not know, as free text for the card.
struct ModelFacts {
  std::string data, scores, trained_with;
  /// Least and largest noise level of 255 where the recipe's corruption does not say them.
  std::optional<std::array<double, 2>> levels{};
};

/// The task as cards name it.
std::string card_task(Task task);

/// Writes the graph of build_network() with these weights; the file is never half a model.
Status save_model(nn::Graph graph, const Recipe& recipe, const ModelFacts& facts, const std::filesystem::path& file);

}  // namespace latentflow::train

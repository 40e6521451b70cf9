// model_file.h: a trained network as an ONNX file with its card.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include "nn/code_model.h"
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

/// Writes the graph of build_network() with these weights; the file is never half a model. Errors: io.
Status save_model(nn::Graph graph, const Recipe& recipe, const ModelFacts& facts, const std::filesystem::path& file);

/// The same of a network on rows, whose input is `data`: an autoencoder or a classifier, which `task` says. `item`:
/// what a row is. Errors: io.
Status save_row_model(nn::Graph graph, const std::string& task, const nn::CodeItem& item, const Recipe& recipe,
                      const std::string& summary, const ModelFacts& facts, const std::filesystem::path& file);

}  // namespace latentflow::train

// small_autoencoder.h: drawn digits, and autoencoders with random weights for them, in memory and as files.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "train/autoencoder/autoencoder.h"
#include "train/autoencoder/digit_rows.h"

namespace latentflow::test {

/// So many digits to train on and to test, of `size` pixels a side.
inline train::DigitData drawn_digits(std::int64_t train, std::int64_t test, std::int64_t size = 12) {
  train::DigitData data;
  data.synthetic = true, data.train = train, data.test = test, data.size = size;
  return data;
}

/// Drawn from `seed`, before `photographs` where the data asks for some. Nothing, with a failed expectation, where they
/// cannot be made.
inline train::ItemSet load(const train::DigitData& data, std::uint64_t seed = 1,
                           std::span<const train::Photograph> photographs = {}) {
  Result<train::ItemSet> set = train::load_digits(data, "", seed, photographs);
  EXPECT_TRUE(set.ok()) << (set ? "" : set.error().message);
  return set ? std::move(*set) : train::ItemSet();
}

/// With the weights that training starts from.
struct SmallAutoencoder {
  train::Autoencoder shape;
  std::vector<float> parameters;

  explicit SmallAutoencoder(std::vector<std::int64_t> layers, train::Activation code = train::Activation::linear,
                            std::uint64_t seed = 1) {
    train::AutoencoderRecipe recipe;
    recipe.layers = std::move(layers), recipe.code = code;
    shape = train::make_autoencoder(recipe);
    parameters = train::initial_parameters(shape, seed);
  }

  /// As training writes one for pictures of 12x12 pixels; needs 144 features. `keep` as in train::Objective.
  void write(const std::filesystem::path& file, std::int64_t keep = 0, const std::string& task = "autoencoder") const {
    Result<nn::Graph> graph =
        train::autoencoder_network(shape, parameters, {nn::CodeItem::Kind::image, 12, 12, 1}, keep);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    nn::ModelCard card;
    card.task = task, card.color = "gray", card.image_input = "data";
    nn::write_card(*graph, card);
    const Status saved = nn::save_onnx(*graph, file);
    EXPECT_TRUE(saved.ok()) << (saved ? "" : saved.error().message);
  }
};

}  // namespace latentflow::test

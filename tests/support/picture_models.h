// picture_models.h: a small convolutional autoencoder with random weights, and random pictures for it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "nn/model_card.h"
#include "nn/node_shape.h"
#include "show/picture_model.h"
#include "show/pictures.h"
#include "train/networks.h"
#include "train/random.h"

namespace latentflow::test {

using show::Picture;
using show::PictureModel;

/// A residual autoencoder with random weights, 16 numbers for 4x4 pixels. It has no biases, and rectifiers alone, so
/// that f(a x) = a f(x) for a > 0 and f(x) is the gradient at x times x (Euler).
inline nn::Graph random_network(bool color = true) {
  train::NetworkRecipe recipe;
  recipe.type = "residual_autoencoder", recipe.noise_map = false, recipe.color = color;
  recipe.channels = {16, 16}, recipe.blocks = {1, 1}, recipe.codes = 16, recipe.last_gain = 0.5;
  nn::Graph graph = *train::build_network(recipe, 3);
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].name == "code") graph.outputs.insert(graph.outputs.begin(), static_cast<nn::ValueId>(i));
  EXPECT_EQ(graph.outputs.size(), 2u);
  EXPECT_TRUE(nn::declare_dims(graph).ok());
  nn::ModelCard card;
  card.task = "image_codes", card.image_input = "image", card.multiple = train::extent_multiple(recipe);
  nn::write_card(graph, card);
  return graph;
}

inline PictureModel random_model(bool color = true) {
  Result<PictureModel> model = show::picture_model(random_network(color), "m");
  EXPECT_TRUE(model.ok()) << (model ? "" : model.error().message);
  return model ? std::move(*model) : PictureModel{};
}

inline Picture random_picture(std::int64_t height, std::int64_t width, std::uint64_t seed, std::int64_t channels = 3) {
  Picture picture{"p" + std::to_string(seed), {nn::CodeItem::Kind::image, height, width, channels}, {}};
  train::Random random(seed);
  for (std::int64_t i = 0; i < picture.item.features(); ++i)
    picture.planes.push_back(static_cast<float>(random.uniform()));
  return picture;
}

inline Tensor tensor_of(const Picture& picture) {
  return Tensor::from({1, picture.item.channels, picture.item.height, picture.item.width}, picture.planes);
}

inline double product(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                            [](float x, float y) { return static_cast<double>(x) * static_cast<double>(y); });
}

}  // namespace latentflow::test

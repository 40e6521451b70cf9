// autoencoders.h: small autoencoders and numbers for tests.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "train/autoencoder/autoencoder.h"
#include "train/random.h"

namespace latentflow::test {

inline train::AutoencoderRecipe recipe_of(std::vector<std::int64_t> layers, train::Activation encoder,
                                          train::Activation code, train::Activation output, bool tied) {
  train::AutoencoderRecipe recipe;
  recipe.layers = std::move(layers);
  recipe.encoder = encoder, recipe.code = code, recipe.output = output, recipe.tied = tied;
  return recipe;
}

inline std::vector<float> random_numbers(std::size_t count, double low, double high, std::uint64_t seed) {
  std::vector<float> numbers(count);
  train::Random random(seed, 77);
  for (float& number : numbers) number = static_cast<float>(random.uniform(low, high));
  return numbers;
}

/// Weights and biases, none of them 0.
inline std::vector<float> some_parameters(const train::Autoencoder& autoencoder, double size = 0.7) {
  return random_numbers(autoencoder.parameters, -size, size, 5);
}

}  // namespace latentflow::test

// stages_test.cpp: the stages of training: what each of them minimises, for how long, and how codes become sparse.
#include "train/autoencoder/stages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "support/autoencoder_runs.h"
#include "train/autoencoder/digit_rows.h"

namespace latentflow::train {
namespace {

/// Two levels of ten steps, then thirty of all layers.
Recipe stacked_recipe(Activation encoder) {
  Recipe recipe;
  recipe.autoencoder.layers = {9, 6, 4};
  recipe.autoencoder.encoder = encoder;
  recipe.autoencoder.stacked_steps = 10, recipe.steps = 30;
  return recipe;
}

TEST(Stages, HaveTheStepsOfTheRecipeAndTheirShareOfTheTime) {
  const Recipe recipe = stacked_recipe(Activation::sigmoid);
  const Stages stages(recipe, make_autoencoder(recipe.autoencoder));
  EXPECT_EQ(stages.count(), 3);
  EXPECT_TRUE(stages.pretrains(1));
  EXPECT_FALSE(stages.pretrains(2));
  EXPECT_EQ(stages.all_steps(), 50);
  EXPECT_DOUBLE_EQ(stages.share_of_all(1, 5), 0.3);
  EXPECT_DOUBLE_EQ(stages.share_of_stage(1, 5, std::nullopt), 0.5);
  // A level has a fifth of the time, and its end comes with that or with its steps, whichever is first.
  EXPECT_DOUBLE_EQ(stages.share_of_stage(0, 2, 0.1), 0.5);
  EXPECT_DOUBLE_EQ(stages.share_of_stage(0, 8, 0.1), 0.8);
  EXPECT_DOUBLE_EQ(stages.share_of_stage(0, 2, 0.2), 1);
  EXPECT_DOUBLE_EQ(stages.share_of_stage(1, 0, 0.2), 0);
  EXPECT_DOUBLE_EQ(stages.share_of_stage(2, 0, 0.7), 0.5);
  EXPECT_DOUBLE_EQ(stages.share_of_stage(2, 0, 2.0), 1) << "a run that goes on with less time than it has had";

  Recipe short_one = recipe;
  short_one.steps = 0;
  EXPECT_EQ(Stages(short_one, make_autoencoder(recipe.autoencoder)).share_of_stage(2, 0, std::nullopt), 1);
  short_one.autoencoder.stacked_steps = 0, short_one.steps = 4;
  const Stages one(short_one, make_autoencoder(recipe.autoencoder));
  EXPECT_EQ(one.count(), 1);
  EXPECT_FALSE(one.pretrains(0));
  EXPECT_DOUBLE_EQ(one.share_of_all(0, 3), 0.75);
}

TEST(Stages, LevelsAboveTheFirstMeetCodesAgain) {
  for (const auto& [encoder, of_codes] : {std::pair(Activation::sigmoid, Reconstruction::cross_entropy),
                                          std::pair(Activation::tanh, Reconstruction::squared)})
    for (const Reconstruction of_data : {Reconstruction::squared, Reconstruction::cross_entropy}) {
      Recipe recipe = stacked_recipe(encoder);
      recipe.autoencoder.loss = of_data;
      recipe.autoencoder.penalties = {Penalty{Penalty::Kind::contractive}};
      const Stages stages(recipe, make_autoencoder(recipe.autoencoder));
      EXPECT_EQ(stages.objective(0).loss, of_data);
      EXPECT_EQ(stages.objective(1).loss, of_codes);
      EXPECT_EQ(stages.objective(2).loss, of_data);
      EXPECT_EQ(stages.objective(1).penalties.size(), 1u);
    }
}

TEST(KSparse, FallsFromTheFirstNumberToK) {
  const std::optional<KSparse> sparse = KSparse{5, 30, 0.5, 3};
  EXPECT_EQ(keep_in_training(sparse, 0), 30);
  EXPECT_EQ(keep_in_training(sparse, 0.1), 25);
  EXPECT_EQ(keep_in_training(sparse, 0.4), 10);
  EXPECT_EQ(keep_in_training(sparse, 0.5), 5);
  EXPECT_EQ(keep_in_training(sparse, 1), 5);
  EXPECT_EQ(keep_in_training(KSparse{5, 30, 0, 3}, 0), 5) << "from the start";
  EXPECT_EQ(keep_in_training(std::nullopt, 0.2), 0);
  EXPECT_EQ(keep_in_use(sparse, 50), 15);
  EXPECT_EQ(keep_in_use(sparse, 12), 12) << "no more than there are";
  EXPECT_EQ(keep_in_use(std::nullopt, 12), 0);
}

/// Weights and bias of a layer.
std::vector<float> numbers_of(const DenseLayer& layer, const std::vector<float>& parameters) {
  const auto weights = parameters.begin() + static_cast<std::ptrdiff_t>(layer.weight),
             bias = parameters.begin() + static_cast<std::ptrdiff_t>(layer.bias);
  std::vector<float> numbers(weights, weights + layer.inputs * layer.outputs);
  numbers.insert(numbers.end(), bias, bias + layer.outputs);
  return numbers;
}

TEST(GreedyPretraining, ALevelIsLeftAloneByThoseAbove) {
  const auto first_level = [](const std::string& layers) {
    const test::TemporaryFolder folder;
    const Recipe recipe = test::digit_recipe("network: {layers: " + layers +
                                             R"(, encoder: sigmoid, code: sigmoid, output: sigmoid, tied: true}
loss: cross_entropy
corruption: {kind: masking, amount: 0.2}
stacked: {steps: 15}
optimiser: {rate: 0.005, warm_up: 3, clip: 0}
batch: 40
steps: 0
)");
    return numbers_of(make_autoencoder(recipe.autoencoder).layers[0], test::train_in(folder, recipe).average);
  };
  const std::vector<float> alone = first_level("[144, 40]"), below = first_level("[144, 40, 10]");
  ASSERT_EQ(alone.size(), below.size());
  for (std::size_t i = 0; i < alone.size(); ++i) ASSERT_NEAR(alone[i], below[i], 1e-6) << i;
}

TEST(GreedyPretraining, ALevelLearnsTheCleanCodesOfTheOneBelow) {
  // One step of plain descent on all items, whose inputs are masked altogether. Then a level gives its biases, which
  // are 0, and the gradient by those of its decoder is minus twice the mean of what it has to meet.
  const test::TemporaryFolder folder;
  const Recipe recipe =
      test::digit_recipe(R"(network: {layers: [144, 40, 10], encoder: linear, code: linear, output: linear}
corruption: {kind: masking, amount: 1}
stacked: {steps: 1}
optimiser: {method: sgd, momentum: 0, rate: 0.1, warm_up: 0, clip: 0, average: 0}
batch: 400
steps: 0
)");
  const std::vector<float> parameters = test::train_in(folder, recipe).average;
  const Autoencoder shape = make_autoencoder(recipe.autoencoder);
  const Result<ItemSet> digits = load_digits(recipe.autoencoder.digits, "", recipe.seed);
  ASSERT_TRUE(digits.ok());
  const DenseLayer &below = shape.layers[0], &decoder = shape.layers[2];
  ASSERT_EQ(decoder.outputs, 40);
  double of_digits = 0;
  for (std::int64_t unit = 0; unit < 40; ++unit) {
    double mean = 0;
    for (std::size_t i = 0; i < digits->train.values.size(); ++i)
      mean += static_cast<double>(parameters[below.weight + static_cast<std::size_t>(unit) * 144 + i % 144]) *
              static_cast<double>(digits->train.values[i]) / 400;
    of_digits = std::max(of_digits, std::abs(mean));
    mean += static_cast<double>(parameters[below.bias + static_cast<std::size_t>(unit)]);
    EXPECT_NEAR(parameters[decoder.bias + static_cast<std::size_t>(unit)], 2 * 0.1 * mean, 1e-5) << unit;
  }
  EXPECT_GT(of_digits, 0.1) << "masked digits would give the biases of the level below alone";
}

}  // namespace
}  // namespace latentflow::train

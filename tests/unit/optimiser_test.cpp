// optimiser_test.cpp: losses, steps and rates against their formulas, and what tells that a loss runs away.
#include "train/optimiser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "train/loss_watch.h"
#include "train/vector_math.h"

namespace latentflow::train {
namespace {

TEST(Losses, AgreeWithDifferences) {
  const std::vector<float> output{0.1f, 0.5f, -0.2f, 0.9f}, target{0.3f, 0.4f, -0.6f, 0.5f};
  std::vector<float> gradient(4), unused(4);
  for (const Loss loss : {Loss::l1, Loss::mse}) {
    loss_and_gradient(loss, output, target, 8, gradient);
    for (std::size_t i = 0; i < 4; ++i) {
      std::vector<float> up = output, down = output;
      up[i] += 0.01f, down[i] -= 0.01f;
      const double slope =
          (loss_and_gradient(loss, up, target, 8, unused) - loss_and_gradient(loss, down, target, 8, unused)) /
          (static_cast<double>(up[i]) - static_cast<double>(down[i]));
      EXPECT_NEAR(gradient[i], slope, 1e-5);
    }
  }
  EXPECT_NEAR(loss_and_gradient(Loss::l1, output, target, 4, unused), (0.2 + 0.1 + 0.4 + 0.4) / 4, 1e-6);
  EXPECT_NEAR(loss_and_gradient(Loss::mse, output, target, 4, unused), (0.04 + 0.01 + 0.16 + 0.16) / 4, 1e-6);
}

TEST(Optimiser, TwoStepsFollowTheFormulasOfAdamW) {
  OptimiserRecipe recipe;
  recipe.clip = 0, recipe.weight_decay = 0.1, recipe.average = 0.5;
  OptimiserState state = start_state({1.0f, -2.0f});
  double weight = 1.0, first = 0, second = 0, average = 1.0;
  const std::vector<std::vector<float>> halves{{0.25f, 0.0f}, {0.25f, 1.0f}};
  const std::vector<std::span<const float>> gradients{halves[0], halves[1]};
  for (int step = 1; step <= 2; ++step) {
    EXPECT_NEAR(update(recipe, 0.01, gradients, state), std::sqrt(0.25 + 1), 1e-6);
    first = 0.9 * first + 0.1 * 0.5, second = 0.99 * second + 0.01 * 0.25;
    weight -= 0.01 * (first / (1 - std::pow(0.9, step)) / (std::sqrt(second / (1 - std::pow(0.99, step))) + 1e-8) +
                      0.1 * weight);
    average += (1 - std::min(0.5, step / (step + 10.0))) * (weight - average);
    EXPECT_NEAR(state.weights[0], weight, 1e-6);
    EXPECT_NEAR(state.average[0], average, 1e-6);
  }
  EXPECT_EQ(state.step, 2);
}

TEST(Optimiser, LimitsTheNormOfTheGradient) {
  OptimiserRecipe recipe;
  recipe.clip = 1;
  OptimiserState state = start_state({0.0f, 0.0f});
  const std::vector<float> gradient{30.0f, 40.0f};
  const std::vector<std::span<const float>> gradients{gradient};
  EXPECT_NEAR(update(recipe, 0.1, gradients, state), 50, 1e-4);
  EXPECT_NEAR(state.first_moment[0], 0.1 * 0.6, 1e-6);
  EXPECT_NEAR(state.first_moment[1], 0.1 * 0.8, 1e-6);
}

TEST(Optimiser, LeavesTheStateAloneWhenTheGradientIsNotFinite) {
  OptimiserState state = start_state({1.0f});
  const std::vector<float> gradient{std::nanf("")};
  const std::vector<std::span<const float>> gradients{gradient};
  EXPECT_FALSE(std::isfinite(update({}, 0.1, gradients, state)));
  EXPECT_EQ(state.weights[0], 1.0f);
  EXPECT_EQ(state.step, 0);
}

TEST(Optimiser, RateRisesThenFallsToItsEnd) {
  OptimiserRecipe recipe;
  recipe.warm_up = 10, recipe.rate = 1, recipe.final_rate = 0.1;
  EXPECT_NEAR(learning_rate(recipe, 0, 0), 0.1, 1e-9);
  EXPECT_NEAR(learning_rate(recipe, 9, 0), 1, 1e-9);
  EXPECT_NEAR(learning_rate(recipe, 50, 0.5), 0.55, 1e-9);
  EXPECT_NEAR(learning_rate(recipe, 100, 1), 0.1, 1e-9);
}

TEST(Optimiser, DescendsWithMomentum) {
  OptimiserRecipe recipe;
  recipe.method = OptimiserMethod::sgd, recipe.momentum = 0.5, recipe.clip = 0;
  OptimiserState state = start_state({1, 2});
  const std::vector<float> gradient{4, -8};
  const std::span<const float> whole = gradient;
  for (int step = 0; step < 3; ++step) update(recipe, 0.1, {&whole, 1}, state);
  // Velocities of 1, 1.5 and 1.75 gradients.
  EXPECT_NEAR(state.weights[0], 1 - 0.1 * 4 * 4.25, 1e-5);
  EXPECT_NEAR(state.weights[1], 2 + 0.1 * 8 * 4.25, 1e-5);
}

TEST(LossWatch, ComparesWithTheFirstLossesAndWithTheLowest) {
  const auto after = [](LossWatch watch, const std::vector<std::pair<int, double>>& losses) {
    for (const auto& [times, loss] : losses)
      for (int i = 0; i < times; ++i) watch.add(loss, false);
    return watch.runs_away();
  };
  EXPECT_FALSE(after(LossWatch(40), {{300, 100}}));
  EXPECT_TRUE(after(LossWatch(40), {{1, 100}, {5, 1e9}}));
  EXPECT_TRUE(after(LossWatch(40), {{1, 100}, {5, 1e9}, {300, 1e6}})) << "it came down a little";
  EXPECT_TRUE(after(LossWatch(40), {{300, 100}, {300, 3000}}));
  EXPECT_FALSE(after(LossWatch(40), {{1, 100}, {50, 3000}, {150, 100}})) << "rough at first";
  EXPECT_FALSE(after(LossWatch(1), {{1, 1e-6}, {300, 1}})) << "the first item was easy";
  EXPECT_FALSE(after(LossWatch(40, 2.3), {{300, 1e-4}, {300, 1}}));
  EXPECT_TRUE(after(LossWatch(40, 2.3), {{300, 1e-4}, {300, 100}}));
  EXPECT_TRUE(after(LossWatch(40, 2.3), {{1, 2.3}, {10, 1000}}));
  LossWatch phases(40);
  phases.add(1, false);
  phases.add(1e9, true);
  EXPECT_FALSE(phases.runs_away());
}

TEST(VectorMath, IsCloseToTheStandardFunctions) {
  for (float x = -80; x < 80; x += 0.37f)
    EXPECT_NEAR(static_cast<double>(exp_of(x)) / std::exp(static_cast<double>(x)), 1, 5e-7) << x;
  EXPECT_TRUE(std::isfinite(exp_of(1e9f)) && exp_of(-1e9f) >= 0);
  for (float x = 1e-7f; x <= 1; x *= 1.1f)
    EXPECT_NEAR(static_cast<double>(log_of(x)), std::log(static_cast<double>(x)), 1e-6 * (1 + std::abs(std::log(x))));
}

}  // namespace
}  // namespace latentflow::train

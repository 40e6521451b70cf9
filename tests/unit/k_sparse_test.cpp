// k_sparse_test.cpp: codes of which the largest activations count, and the units that are never among them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/code_model.h"
#include "support/autoencoders.h"

namespace latentflow::train {
namespace {

using test::random_numbers;
using test::recipe_of;
using test::some_parameters;

TEST(KSparse, KeepsExactlyTheLargestActivations) {
  for (const std::int64_t keep : {1, 3, 8}) {
    std::vector<float> code{0.5f, -2, 3, 0.5f, 0.5f, -1, 7, 0.25f};
    const std::vector<float> before = code;
    nn::keep_largest(code, keep);
    const auto kept = std::count_if(code.begin(), code.end(), [](float number) { return number != 0; });
    EXPECT_EQ(kept, keep);
    float least_kept = 100, largest_dropped = -100;
    for (std::size_t i = 0; i < code.size(); ++i)
      code[i] != 0 ? least_kept = std::min(least_kept, before[i])
                   : largest_dropped = std::max(largest_dropped, before[i]);
    EXPECT_GE(least_kept, largest_dropped);
  }
  std::vector<float> unordered{1, std::nanf(""), 3, 2};
  nn::keep_largest(unordered, 1);
  EXPECT_TRUE(std::isnan(unordered[1]) && unordered[0] == 1 && unordered[2] == 3 && unordered[3] == 2);
  using enum Activation;
  const Autoencoder shape = make_autoencoder(recipe_of({10, 30}, linear, linear, linear, true));
  AutoencoderGradient objective(shape);
  std::vector<float> gradient(shape.parameters);
  const std::vector<float> items = random_numbers(50, 0, 1, 3);
  objective.evaluate({Reconstruction::squared, {}, 4}, some_parameters(shape), items, items, 5, 1, gradient);
  for (std::size_t row = 0; row < 5; ++row) {
    const auto code = objective.code().subspan(30 * row, 30);
    EXPECT_EQ(std::count_if(code.begin(), code.end(), [](float number) { return number != 0; }), 4);
  }
}

TEST(KSparse, CentredUnitsAreAllAmongTheLargestForSomeItem) {
  using enum Activation;
  const std::vector<float> items = random_numbers(200 * 40, 0, 1, 8);
  std::vector<float> mean(40);
  for (std::size_t i = 0; i < items.size(); ++i) mean[i % 40] += items[i] / 200;
  for (const auto& layers : {std::vector<std::int64_t>{40, 100}, {40, 60, 100}}) {
    const Autoencoder shape = make_autoencoder(recipe_of(layers, tanh, linear, linear, true));
    std::vector<float> parameters = initial_parameters(shape, 1);
    const auto never_counted = [&] {
      const std::vector<float> codes = encode(shape, parameters, items, 10);
      int units = 0;
      for (std::size_t unit = 0; unit < 100; ++unit) {
        bool counted = false;
        for (std::size_t row = 0; row < 200; ++row) counted |= codes[row * 100 + unit] != 0;
        units += !counted;
      }
      return units;
    };
    const int before = never_counted();
    centre(shape, items, parameters);
    EXPECT_GT(before, 20);
    EXPECT_LT(never_counted(), 5);
    for (const float number : encode(shape, parameters, mean)) EXPECT_NEAR(number, 0, 1e-5);
    EXPECT_NEAR(squared_error(shape, parameters, mean), 0, 1e-8);
  }
}

/// Units of the code that no row of `items` uses.
std::vector<std::size_t> unused_units(const Autoencoder& shape, const std::vector<float>& parameters,
                                      const std::vector<float>& items, std::int64_t keep) {
  const std::vector<float> codes = encode(shape, parameters, items, keep);
  const auto units = static_cast<std::size_t>(shape.codes());
  std::vector<std::size_t> unused;
  for (std::size_t unit = 0; unit < units; ++unit) {
    bool used = false;
    for (std::size_t at = unit; at < codes.size(); at += units) used |= codes[at] != 0;
    if (!used) unused.push_back(unit);
  }
  return unused;
}

Objective sparse_objective(std::int64_t keep, double lambda) {
  Objective objective{Reconstruction::squared, {}, keep};
  if (lambda > 0) {
    objective.penalties.push_back({Penalty::Kind::unused_units});
    objective.penalties.back().lambda = lambda;
  }
  return objective;
}

/// Of 12 units, 5 are never among the largest 2.
std::vector<float> parameters_with_unused_units(const Autoencoder& shape) {
  std::vector<float> parameters = some_parameters(shape);
  for (std::size_t unit = 0; unit < 5; ++unit) parameters[shape.layers[0].bias + unit] = -9;
  return parameters;
}

TEST(UnusedUnits, LearnWhatTheOthersLeaveWhichIsTakenAsGiven) {
  using enum Activation;
  constexpr std::int64_t rows = 6, features = 7, keep = 2;
  const Autoencoder shape = make_autoencoder(recipe_of({features, 12}, linear, linear, linear, true));
  std::vector<float> parameters = parameters_with_unused_units(shape);
  const std::vector<float> target = random_numbers(rows * features, 0.1, 0.9, 1),
                           input = random_numbers(rows * features, 0.1, 0.9, 2);
  const std::vector<std::size_t> unused = unused_units(shape, parameters, input, keep);
  ASSERT_GE(unused.size(), 5u);
  ASSERT_LT(unused.size(), 12u);
  AutoencoderGradient objective(shape);
  std::vector<float> gradient(shape.parameters), without(shape.parameters), ignored(shape.parameters);
  objective.evaluate(sparse_objective(keep, 0), parameters, input, target, rows, 1, without);
  objective.evaluate(sparse_objective(keep, 0.5), parameters, input, target, rows, 1, gradient);
  const DenseLayer& layer = shape.layers[0];
  std::vector<bool> of_unused(shape.parameters);
  for (const std::size_t unit : unused) {
    of_unused[layer.bias + unit] = true;
    for (std::size_t i = 0; i < features; ++i) of_unused[layer.weight + unit * features + i] = true;
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!of_unused[i]) {
      EXPECT_EQ(gradient[i], without[i]) << "parameter " << i;
      continue;
    }
    EXPECT_EQ(without[i], 0) << "parameter " << i;
    const float before = parameters[i];
    const auto value = [&](float move) {
      parameters[i] = before + move;
      return objective.evaluate(sparse_objective(keep, 0.5), parameters, input, target, rows, 1, ignored).total();
    };
    // Richardson's combination of two steps: the error is of the fourth order.
    constexpr float step = 1e-2f;
    const double narrow = (value(step) - value(-step)) / (2 * static_cast<double>(step)),
                 wide = (value(2 * step) - value(-2 * step)) / (4 * static_cast<double>(step));
    parameters[i] = before;
    EXPECT_NEAR(static_cast<double>(gradient[i]), (4 * narrow - wide) / 3,
                2e-3 * std::max(1.0, std::abs(static_cast<double>(gradient[i]))))
        << "parameter " << i;
  }
}

TEST(UnusedUnits, ComeBack) {
  using enum Activation;
  constexpr std::int64_t rows = 100, features = 7, keep = 2;
  const Autoencoder shape = make_autoencoder(recipe_of({features, 12}, linear, linear, linear, true));
  const std::vector<float> items = random_numbers(rows * features, 0, 1, 1);
  const auto left_after_training = [&](double lambda) {
    std::vector<float> parameters = parameters_with_unused_units(shape), gradient(shape.parameters);
    AutoencoderGradient objective(shape);
    for (int step = 0; step < 1000; ++step) {
      objective.evaluate(sparse_objective(keep, lambda), parameters, items, items, rows, 1, gradient);
      for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i] -= 0.02f * gradient[i];
    }
    return unused_units(shape, parameters, items, keep).size();
  };
  EXPECT_GE(left_after_training(0), 5u);
  EXPECT_LE(left_after_training(1), 1u);
}

}  // namespace
}  // namespace latentflow::train

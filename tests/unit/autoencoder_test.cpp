// autoencoder_test.cpp: every loss and penalty of autoencoders against differences, and the property that defines it.
#include "train/autoencoder/autoencoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "nn/network.h"
#include "support/autoencoders.h"
#include "train/autoencoder/minibatch.h"

namespace latentflow::train {
namespace {

using test::random_numbers;
using test::recipe_of;
using test::some_parameters;

struct GradientCase {
  std::string name;
  AutoencoderRecipe recipe;
  Objective objective;
  float step = 1e-2f;  ///< of the differences; short for rectifiers, whose kinks may not lie within
};

void PrintTo(const GradientCase& gradient_case, std::ostream* out) { *out << gradient_case.name; }

Penalty penalty(Penalty::Kind kind) {
  Penalty made{kind};
  made.rho = 0.2, made.beta = 0.7, made.lambda = 0.6, made.s = 0.3;
  return made;
}

std::vector<GradientCase> gradient_cases() {
  using enum Activation;
  const Objective squared, entropy{Reconstruction::cross_entropy, {}, 0};
  const auto with = [](Objective objective, std::vector<Penalty> penalties) {
    objective.penalties = std::move(penalties);
    return objective;
  };
  const Penalty kl = penalty(Penalty::Kind::kl_sparse), contractive = penalty(Penalty::Kind::contractive),
                stochastic = penalty(Penalty::Kind::stochastic_contractive),
                decay = penalty(Penalty::Kind::weight_decay);
  const AutoencoderRecipe shallow = recipe_of({7, 5}, sigmoid, sigmoid, sigmoid, false),
                          shallow_tied = recipe_of({7, 5}, sigmoid, sigmoid, sigmoid, true),
                          deep = recipe_of({7, 6, 4}, sigmoid, sigmoid, sigmoid, false),
                          deep_tied = recipe_of({7, 6, 4, 3}, tanh, linear, linear, true);
  Objective sparse;
  sparse.keep = 2;
  return {{"SquaredLinear", recipe_of({7, 4}, linear, linear, linear, false), squared},
          {"SquaredTanh", recipe_of({7, 6, 4}, tanh, tanh, tanh, false), squared},
          {"SquaredRelu", recipe_of({7, 6, 4}, relu, linear, sigmoid, false), squared, 1e-3f},
          {"SquaredDeepTied", deep_tied, squared},
          {"CrossEntropy", deep, entropy},
          {"CrossEntropyTied", shallow_tied, entropy},
          {"KlSparse", shallow, with(squared, {kl})},
          {"KlSparseDeepTied", recipe_of({7, 6, 4}, tanh, sigmoid, sigmoid, true), with(entropy, {kl})},
          {"ContractiveSigmoid", shallow, with(squared, {contractive})},
          {"ContractiveTanhTied", recipe_of({7, 5}, tanh, tanh, linear, true), with(squared, {contractive})},
          {"ContractiveDeep", deep, with(squared, {contractive})},
          {"ContractiveDeepTied", deep_tied, with(squared, {contractive})},
          {"StochasticContractive", shallow, with(entropy, {stochastic})},
          {"StochasticContractiveDeepTied", deep_tied, with(squared, {stochastic})},
          {"WeightDecay", deep, with(squared, {decay})},
          {"WeightDecayTied", shallow_tied, with(squared, {decay})},
          {"AllTogether", shallow_tied, with(entropy, {kl, contractive, stochastic, decay})},
          {"KSparse", recipe_of({7, 6}, linear, linear, linear, true), sparse}};
}

class AutoencoderGradients : public ::testing::TestWithParam<GradientCase> {};

TEST_P(AutoencoderGradients, EqualCentralDifferences) {
  const Autoencoder shape = make_autoencoder(GetParam().recipe);
  std::vector<float> parameters = some_parameters(shape);
  constexpr std::int64_t rows = 6;
  const std::vector<float> target = random_numbers(static_cast<std::size_t>(rows * shape.features()), 0.1, 0.9, 1);
  std::vector<float> input = target;
  corrupt(InputNoise::gaussian, 0.1, 4, input);
  AutoencoderGradient objective(shape);
  std::vector<float> gradient(shape.parameters), ignored(shape.parameters);
  objective.evaluate(GetParam().objective, parameters, input, target, rows, 9, gradient);
  const float largest = std::abs(
      *std::max_element(gradient.begin(), gradient.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
  ASSERT_GT(largest, 0.01f);
  const float step = GetParam().step;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const float before = parameters[i];
    const auto value = [&](float move) {
      parameters[i] = before + move;
      return objective.evaluate(GetParam().objective, parameters, input, target, rows, 9, ignored).total();
    };
    // Richardson's combination of two steps: the error is of the fourth order.
    const double narrow = (value(step) - value(-step)) / (2 * static_cast<double>(step)),
                 wide = (value(2 * static_cast<double>(step)) - value(-2 * step)) / (4 * static_cast<double>(step));
    parameters[i] = before;
    EXPECT_NEAR(static_cast<double>(gradient[i]), (4 * narrow - wide) / 3, 2e-3 * std::max(1.0f, largest))
        << "parameter " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, AutoencoderGradients, ::testing::ValuesIn(gradient_cases()),
                         [](const auto& info) { return info.param.name; });

/// What layers make of one row, by plain loops in double.
std::vector<double> plain_output(std::span<const DenseLayer> layers, const std::vector<float>& parameters,
                                 std::vector<double> row) {
  for (const DenseLayer& layer : layers) {
    std::vector<double> output;
    for (std::int64_t i = 0; i < layer.outputs; ++i) {
      auto z = static_cast<double>(parameters[layer.bias + static_cast<std::size_t>(i)]);
      for (std::int64_t j = 0; j < layer.inputs; ++j) {
        const std::int64_t at = layer.tied ? j * layer.outputs + i : i * layer.inputs + j;
        z += static_cast<double>(parameters[layer.weight + static_cast<std::size_t>(at)]) *
             row[static_cast<std::size_t>(j)];
      }
      switch (layer.activation) {
        case Activation::linear: output.push_back(z); break;
        case Activation::sigmoid: output.push_back(1 / (1 + std::exp(-z))); break;
        case Activation::tanh: output.push_back(std::tanh(z)); break;
        case Activation::relu: output.push_back(std::max(0.0, z)); break;
      }
    }
    row = std::move(output);
  }
  return row;
}

TEST(Reconstruction, IsSummedOverTheNumbersAndAveragedOverTheItems) {
  using enum Activation;
  constexpr std::int64_t rows = 5;
  for (const Activation activation : {linear, sigmoid, tanh, relu})
    for (const bool tied : {false, true}) {
      const Autoencoder shape = make_autoencoder(recipe_of({7, 6, 4}, activation, activation, sigmoid, tied));
      const std::vector<float> parameters = some_parameters(shape);
      const std::vector<float> input = random_numbers(7 * rows, 0, 1, 1), target = random_numbers(7 * rows, 0, 1, 2);
      double squared = 0, entropy = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        const auto first = input.begin() + static_cast<std::ptrdiff_t>(7 * row);
        const std::vector<double> r = plain_output(shape.layers, parameters, {first, first + 7});
        for (std::size_t i = 0; i < 7; ++i) {
          const auto x = static_cast<double>(target[7 * row + i]);
          squared += (r[i] - x) * (r[i] - x) / rows;
          entropy -= (x * std::log(r[i]) + (1 - x) * std::log(1 - r[i])) / rows;
        }
      }
      AutoencoderGradient objective(shape);
      std::vector<float> gradient(shape.parameters);
      const auto loss = [&](Reconstruction kind) {
        return objective.evaluate({kind, {}, 0}, parameters, input, target, rows, 1, gradient).loss;
      };
      EXPECT_NEAR(loss(Reconstruction::squared), squared, 1e-4 * squared);
      EXPECT_NEAR(loss(Reconstruction::cross_entropy), entropy, 1e-4 * entropy);
      EXPECT_NEAR(squared_error(shape, parameters, input, target, 0), squared, 1e-4 * squared);
    }
}

TEST(Autoencoder, FirstWeightsHaveTheVarianceOfTheirLayer) {
  using enum Activation;
  const Autoencoder shape = make_autoencoder(recipe_of({300, 200, 100}, relu, sigmoid, linear, false));
  const std::vector<float> parameters = initial_parameters(shape, 1);
  for (const DenseLayer& layer : shape.layers) {
    const auto count = static_cast<std::size_t>(layer.inputs * layer.outputs);
    double square = 0;
    for (std::size_t i = 0; i < count; ++i)
      square += std::pow(static_cast<double>(parameters[layer.weight + i]), 2) / static_cast<double>(count);
    const double gain = layer.activation == relu ? 2 : 1;
    // The variance of that of n uniform numbers is 0.8 / n of its square; n is 20,000 and more.
    EXPECT_NEAR(square * static_cast<double>(layer.inputs + layer.outputs) / (2 * gain), 1, 0.03);
    for (std::int64_t i = 0; i < layer.outputs; ++i) EXPECT_EQ(parameters[layer.bias + static_cast<std::size_t>(i)], 0);
  }
}

TEST(KlSparse, IsZeroAndLeastWhereTheMeanActivationIsRho) {
  for (const double rho : {0.02, 0.05, 0.5, 0.9}) {
    EXPECT_NEAR(bernoulli_kl(rho, rho), 0, 1e-12);
    for (const double a : {0.001, 0.01, 0.1, 0.3, 0.7, 0.99}) EXPECT_GT(bernoulli_kl(rho, a), 0) << rho << " " << a;
    EXPECT_GT(bernoulli_kl(rho, rho * 1.01), 0);
    EXPECT_GT(bernoulli_kl(rho, rho * 0.99), 0);
  }
}

/// The encoder's Jacobian at one item by central differences: sum of the squares.
double numeric_jacobian(const Autoencoder& shape, const std::vector<float>& parameters, std::vector<float> item) {
  constexpr float step = 1e-2f;
  double sum = 0;
  for (float& number : item) {
    const float before = number;
    const auto code = [&](float move) {
      number = before + move;
      return encode(shape, parameters, item);
    };
    const std::vector<float> above = code(step), below = code(-step), far = code(2 * static_cast<double>(step)),
                             behind = code(-2 * step);
    number = before;
    for (std::size_t j = 0; j < above.size(); ++j) {
      const double slope =
          static_cast<double>(8 * (above[j] - below[j]) - (far[j] - behind[j])) / (12 * static_cast<double>(step));
      sum += slope * slope;
    }
  }
  return sum;
}

TEST(Contractive, EqualsTheNumericJacobianForAnyDepth) {
  using enum Activation;
  for (const auto& layers : {std::vector<std::int64_t>{9, 6}, {9, 7, 5}, {9, 8, 6, 3}})
    for (const Activation activation : {sigmoid, tanh}) {
      const Autoencoder shape = make_autoencoder(recipe_of(layers, activation, activation, linear, true));
      const std::vector<float> parameters = some_parameters(shape);
      const std::vector<float> items = random_numbers(27, 0, 1, 3);
      Tape tape;
      forward(shape.encoder_layers(), parameters, items, 3, tape);
      double expected = 0;
      for (int i = 0; i < 3; ++i)
        expected += numeric_jacobian(shape, parameters, {items.begin() + 9 * i, items.begin() + 9 * (i + 1)}) / 3;
      EXPECT_NEAR(contractive_penalty(shape.encoder_layers(), parameters, 1, tape, {}), expected, 1e-3 * expected);
    }
}

TEST(StochasticContractive, TendsToTheSquaredNormOfTheJacobianTimesTheVariance) {
  using enum Activation;
  const Autoencoder shape = make_autoencoder(recipe_of({20, 12, 8}, sigmoid, sigmoid, linear, false));
  const std::vector<float> parameters = some_parameters(shape);
  const std::vector<float> item = random_numbers(20, 0, 1, 3);
  Tape tape;
  forward(shape.encoder_layers(), parameters, item, 1, tape);
  const double jacobian = contractive_penalty(shape.encoder_layers(), parameters, 1, tape, {});
  const auto ratio = [&](double s, std::int64_t draws) {
    std::vector<float> items;
    for (std::int64_t row = 0; row < draws; ++row) items.insert(items.end(), item.begin(), item.end());
    Penalty penalty{Penalty::Kind::stochastic_contractive};
    penalty.lambda = 1, penalty.s = s;
    AutoencoderGradient objective(shape);
    std::vector<float> gradient(shape.parameters);
    const Terms terms =
        objective.evaluate({Reconstruction::squared, {penalty}, 0}, parameters, items, items, draws, 1, gradient);
    return terms.penalties[0] / (s * s) / jacobian;
  };
  EXPECT_NEAR(ratio(0.02, 80000), 1, 0.01);  // the standard error of so many draws is 0.003
  EXPECT_LT(ratio(3, 4000), 0.9) << "sigmoid units saturate: far moves are no derivatives";
}

TEST(Autoencoder, TiedLayersShareTheirWeights) {
  using enum Activation;
  const AutoencoderRecipe recipe = recipe_of({9, 6, 4}, tanh, linear, linear, true);
  const Autoencoder tied = make_autoencoder(recipe);
  EXPECT_EQ(tied.parameters, 9u * 6 + 6 * 4 + 6 + 4 + 6 + 9);
  const Result<nn::Graph> graph =
      autoencoder_network(tied, some_parameters(tied), {nn::CodeItem::Kind::tensor, 1, 9, 1});
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto constant = [&](const std::string& name) {
    for (const nn::ValueInfo& value : graph->values)
      if (value.name == name) return *value.constant;
    return Tensor();
  };
  const Tensor encoder = constant("encoder1.weight"), decoder = constant("reconstruction.weight");
  ASSERT_EQ(encoder.dims(), (Dims{6, 9}));
  ASSERT_EQ(decoder.dims(), (Dims{9, 6}));
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 9; ++j) EXPECT_EQ(encoder.data()[i * 9 + j], decoder.data()[j * 6 + i]);
}

TEST(Autoencoder, TheSavedNetworkComputesTheSame) {
  using enum Activation;
  for (const bool tied : {false, true}) {
    const Autoencoder shape = make_autoencoder(recipe_of({12, 8, 5}, relu, tanh, sigmoid, tied));
    const std::vector<float> parameters = some_parameters(shape);
    const std::vector<float> items = random_numbers(36, 0, 1, 2);
    Result<nn::Graph> graph = autoencoder_network(shape, parameters, {nn::CodeItem::Kind::image, 4, 3, 1});
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    const auto network = nn::Network::create(std::move(*nn::encoder_of(*graph)));
    ASSERT_TRUE(network.ok()) << network.error().message;
    const Tensor rows = Tensor::from({3, 12}, items);
    const auto codes = (*network)->run({&rows, 1});
    ASSERT_TRUE(codes.ok()) << codes.error().message;
    const std::vector<float> expected = encode(shape, parameters, items);
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(codes->front().data()[i], expected[i], 1e-5);
    const auto whole = nn::Network::create(std::move(*graph));
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    const auto outputs = (*whole)->run({&rows, 1});
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    ASSERT_EQ(outputs->size(), 2u);
    Tape tape;
    forward(shape.layers, parameters, items, 3, tape);
    for (std::size_t i = 0; i < items.size(); ++i) EXPECT_NEAR((*outputs)[1].data()[i], tape.values.back()[i], 1e-5);
  }
}

}  // namespace
}  // namespace latentflow::train

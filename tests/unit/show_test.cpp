// show_test.cpp: what `latentflow show` computes from models: filters, Jacobians, scores, planes, robustness.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/moments.h"
#include "nn/pca.h"
#include "show/filters.h"
#include "show/identity.h"
#include "show/jacobian.h"
#include "show/manifold.h"
#include "show/reconstructions.h"
#include "show/robustness.h"
#include "train/random.h"

namespace latentflow::show {
namespace {

using train::Activation;

struct Trained {
  train::Autoencoder network;
  std::vector<float> parameters;
  DenseModel model;
};

/// Random weights and biases, written as a network and read back.
Trained random_model(std::vector<std::int64_t> layers, Activation activation, Activation code, bool tied = false,
                     std::int64_t keep = 0) {
  train::AutoencoderRecipe recipe;
  recipe.layers = std::move(layers);
  recipe.encoder = activation, recipe.code = code, recipe.output = Activation::sigmoid, recipe.tied = tied;
  Trained made;
  made.network = train::make_autoencoder(recipe);
  made.parameters.resize(made.network.parameters);
  train::fill_normal(made.parameters, 7);
  for (float& number : made.parameters) number *= 0.5f;
  nn::CodeItem item;
  item.width = made.network.features();
  Result<DenseModel> model = dense_model(*train::autoencoder_network(made.network, made.parameters, item, keep), "m");
  EXPECT_TRUE(model.ok()) << (model ? "" : model.error().message);
  made.model = std::move(*model);
  return made;
}

std::vector<float> random_rows(std::int64_t count, std::int64_t features, std::uint64_t seed = 3) {
  std::vector<float> rows(static_cast<std::size_t>(count * features));
  train::Random random(seed);
  for (float& number : rows) number = static_cast<float>(random.uniform());
  return rows;
}

double length(std::span<const float> row) {
  return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
}

train::ItemSet small_digits() {
  const Result<train::ItemSet> digits = load_items("synthetic", 12, 300, 200);
  EXPECT_TRUE(digits.ok());
  return *digits;
}

TEST(DenseModel, ComputesWhatTheTrainedNetworkDoes) {
  for (const bool tied : {false, true})
    for (const std::int64_t keep : {0, 2}) {
      const Trained made = random_model({9, 7, 5}, Activation::tanh, Activation::sigmoid, tied, keep);
      const std::vector<float> rows = random_rows(20, 9);
      EXPECT_EQ(made.model.keep, keep);
      const std::vector<float> expected = train::encode(made.network, made.parameters, rows, keep),
                               codes = encode(made.model, rows);
      ASSERT_EQ(codes.size(), expected.size());
      for (std::size_t i = 0; i < codes.size(); ++i) EXPECT_NEAR(codes[i], expected[i], 1e-6);
      EXPECT_NEAR(mean(squared_errors(rows, reconstruct(made.model, rows), 9)),
                  train::squared_error(made.network, made.parameters, rows, keep), 1e-5);
    }
}

TEST(DenseModel, TakesPrincipalComponentsWithTheirMean) {
  const train::ItemSet digits = small_digits();
  const Result<DenseModel> model = components_of(digits.train, 6);
  ASSERT_TRUE(model.ok()) << model.error().message;
  nn::Moments moments(144);
  ASSERT_TRUE(moments.add(digits.train.values).ok());
  const nn::Pca pca = *nn::fit_pca(moments, {.components = 6});
  const double error =
      mean(squared_errors(digits.train.values, reconstruct(*model, digits.train.values), model->features()));
  EXPECT_NEAR(error, pca.mean_squared_error(), 1e-3 * error);
  EXPECT_EQ(model->name, "PCA-6");
}

TEST(DenseModel, RefusesWhatIsNoChainOfDenseLayersByName) {
  nn::Graph graph;
  const nn::ValueId data = graph.add_input("data", {-1, 4});
  const nn::ValueId code = graph.add_node(nn::Op::leaky_relu, "soft", {data}, nn::LeakyReluAttributes{});
  graph.outputs = {code, graph.add_node(nn::Op::relu, "back", {code})};
  const Result<DenseModel> model = dense_model(graph, "m");
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().message.find("\"soft\" (LeakyRelu)"), std::string::npos) << model.error().message;
}

TEST(Filters, OfTheDecoderAreWhatUnitsAddToAReconstruction) {
  const Trained made = random_model({12, 6}, Activation::relu, Activation::linear);
  FilterChoice choice{1, 0};
  choice.decoder = true;
  const Result<std::vector<Filter>> filters = filters_of(made.model, {}, choice);
  ASSERT_TRUE(filters.ok());
  std::vector<float> none(6, 0), one(6, 0);
  one[4] = 1;
  const std::vector<float> with = decode(made.model, one), without = decode(made.model, none);
  const auto before_sigmoid = [](float output) { return std::log(output / (1 - output)); };
  for (std::size_t k = 0; k < 12; ++k)
    EXPECT_NEAR((*filters)[4].row[k] * (*filters)[4].norm, before_sigmoid(with[k]) - before_sigmoid(without[k]), 1e-5);
  choice.layer = 2;
  EXPECT_FALSE(filters_of(made.model, {}, choice).ok());
}

TEST(Filters, OfTheFirstLayerAreWeightsOfLengthOneAndTheAscentAgrees) {
  const Trained made = random_model({12, 6}, Activation::relu, Activation::sigmoid);
  const Result<std::vector<Filter>> filters = filters_of(made.model, {}, {1, 0, FilterOrder::norm});
  ASSERT_TRUE(filters.ok());
  ASSERT_EQ(filters->size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    const Filter& filter = (*filters)[i];
    if (i > 0) { EXPECT_LE(filter.norm, (*filters)[i - 1].norm); }
    EXPECT_NEAR(length(filter.row), 1, 1e-6);
    const std::int64_t unit = filter.unit;
    const std::vector<float> climbed = ascend(made.model, 1, {&unit, 1}, 5);
    for (std::size_t k = 0; k < 12; ++k) {
      EXPECT_NEAR(filter.row[k] * filter.norm, made.parameters[static_cast<std::size_t>(unit) * 12 + k], 1e-5);
      EXPECT_NEAR(climbed[k], filter.row[k], 1e-2);
    }
  }
}

TEST(Filters, OfDeeperLayersExciteTheirUnitMoreThanAnyRandomInputOfLengthOne) {
  for (const Activation activation : {Activation::relu, Activation::tanh}) {
    const Trained made = random_model({10, 8, 4}, activation, Activation::linear);
    const std::vector<std::int64_t> units{0, 1, 2, 3};
    const std::vector<float> best = ascend(made.model, 2, units, 1);
    const std::vector<float> reached = sums_into(made.model, 2, units, best);
    for (std::uint64_t turn = 0; turn < 500; ++turn) {
      std::vector<float> rows(40);
      train::fill_normal(rows, turn);
      for (std::size_t row = 0; row < 4; ++row) {
        const double size = length(std::span(rows).subspan(row * 10, 10));
        for (std::size_t i = 0; i < 10; ++i) rows[row * 10 + i] /= static_cast<float>(size);
      }
      const std::vector<float> there = sums_into(made.model, 2, units, rows);
      for (std::size_t unit = 0; unit < 4; ++unit) EXPECT_LT(there[unit], reached[unit] + 1e-4f);
    }
    for (std::size_t unit = 0; unit < 4; ++unit) EXPECT_NEAR(length(std::span(best).subspan(unit * 10, 10)), 1, 1e-5);
  }
}

TEST(Filters, RefuseLayersThatAreNotThereAndActivityWithoutData) {
  const Trained made = random_model({12, 6}, Activation::relu, Activation::sigmoid);
  const auto layer = filters_of(made.model, {}, {2, 0});
  ASSERT_FALSE(layer.ok());
  EXPECT_NE(layer.error().message.find("layers 1 to 1"), std::string::npos);
  EXPECT_FALSE(filters_of(made.model, {}, {1, 0, FilterOrder::activity}).ok());
}

TEST(Jacobian, IsTheChangeOfTheCode) {
  const Trained made = random_model({8, 7, 5}, Activation::tanh, Activation::sigmoid);
  const std::vector<float> item = random_rows(1, 8);
  const std::vector<float> jacobian = code_jacobian(made.model, item);
  constexpr float step = 1e-2f;
  for (std::size_t i = 0; i < 8; ++i) {
    std::vector<float> up = item, down = item;
    up[i] += step, down[i] -= step;
    const std::vector<float> above = encode(made.model, up), below = encode(made.model, down);
    for (std::size_t unit = 0; unit < 5; ++unit)
      EXPECT_NEAR(jacobian[unit * 8 + i], (above[unit] - below[unit]) / (2 * step), 2e-4);
  }
}

TEST(Jacobian, OfASparseCodeHasRowsForTheUnitsThatCount) {
  const Trained made = random_model({8, 6}, Activation::relu, Activation::linear, true, 2);
  const std::vector<float> item = random_rows(1, 8);
  const std::vector<float> codes = encode(made.model, item), jacobian = code_jacobian(made.model, item);
  for (std::size_t unit = 0; unit < 6; ++unit)
    EXPECT_EQ(length(std::span(jacobian).subspan(unit * 8, 8)) > 0, codes[unit] != 0) << unit;
}

TEST(Jacobian, TangentsAreItsRightSingularVectors) {
  for (const std::int64_t codes : {4, 11}) {
    const Trained made = random_model({8, codes}, Activation::relu, Activation::sigmoid);
    const std::vector<float> item = random_rows(1, 8);
    const Tangents tangents = tangents_at(made.model, item, 3);
    const std::vector<float> jacobian = code_jacobian(made.model, item);
    double squares = 0;
    for (const double value : tangents.values) squares += value * value;
    EXPECT_NEAR(squares, std::pow(length(jacobian), 2), 1e-5 * squares);
    ASSERT_EQ(tangents.vectors.size(), 3u);
    for (std::size_t v = 0; v < 3; ++v) {
      std::vector<float> image(static_cast<std::size_t>(codes));
      for (std::size_t unit = 0; unit < image.size(); ++unit)
        for (std::size_t i = 0; i < 8; ++i) image[unit] += jacobian[unit * 8 + i] * tangents.vectors[v][i];
      EXPECT_NEAR(length(image), tangents.values[v], 1e-4);
      // J^T J v = sigma^2 v, and the vectors are orthonormal.
      for (std::size_t i = 0; i < 8; ++i) {
        float back = 0;
        for (std::size_t unit = 0; unit < image.size(); ++unit) back += jacobian[unit * 8 + i] * image[unit];
        EXPECT_NEAR(back, std::pow(tangents.values[v], 2) * tangents.vectors[v][i], 1e-4);
      }
      for (std::size_t other = 0; other < 3; ++other)
        EXPECT_NEAR(std::inner_product(tangents.vectors[v].begin(), tangents.vectors[v].end(),
                                       tangents.vectors[other].begin(), 0.0),
                    v == other ? 1 : 0, 1e-5);
    }
    EXPECT_TRUE(std::is_sorted(tangents.values.rbegin(), tangents.values.rend())) << "the largest first";
  }
}

TEST(Jacobian, ReportHoldsTheContractivePenaltyAndCountsDeadUnits) {
  Trained made = random_model({8, 5}, Activation::relu, Activation::sigmoid);
  const std::vector<float> rows = random_rows(30, 8);
  train::Tape tape;
  train::forward(made.network.encoder_layers(), made.parameters, rows, 30, tape);
  const double penalty = train::contractive_penalty(made.network.encoder_layers(), made.parameters, 1.0, tape, {});
  EXPECT_NEAR(jacobian_report(made.model, rows, 30).squared_norm, penalty, 1e-4 * penalty);

  EXPECT_EQ(code_statistics(made.model, rows).dead, 0);
  // A unit that is always on: no weights, a large bias.
  const train::DenseLayer& layer = made.model.network.layers[0];
  std::fill_n(made.model.parameters.begin() + static_cast<std::ptrdiff_t>(layer.weight), 8, 0.0f);
  made.model.parameters[layer.bias] = 9;
  const CodeStatistics statistics = code_statistics(made.model, rows);
  EXPECT_EQ(statistics.dead, 1);
  EXPECT_EQ(statistics.saturated, 1);
}

TEST(Identity, TellsACopyFromWhatKnowsItsData) {
  const train::ItemSet digits = small_digits();
  const DenseModel all = *components_of(digits.train, 144), few = *components_of(digits.train, 20);
  const IdentityScore copy = identity_score(all, digits.test.values, 1),
                      knows = identity_score(few, digits.test.values, 1);
  EXPECT_GT(copy.score(), 0.95) << to_string(copy);
  EXPECT_TRUE(copy.copies());
  EXPECT_GT(knows.data, 0.7);
  EXPECT_LT(knows.score(), 0.6) << to_string(knows);
  EXPECT_FALSE(knows.copies());
  EXPECT_NE(to_string(copy).find("copies its input"), std::string::npos);
  // Nothing comes back of a network of random weights: no score.
  const Trained random = random_model({144, 10}, Activation::relu, Activation::sigmoid);
  EXPECT_TRUE(std::isnan(identity_score(random.model, digits.test.values, 1).score()));
}

TEST(Identity, AProjectionMeetsItsShareOfWhiteNoise) {
  const train::ItemSet digits = small_digits();
  const DenseModel few = *components_of(digits.train, 36);
  // About the mean of the data, which is what the components are about.
  std::vector<float> mean(144), noise(144 * 2000);
  for (std::size_t i = 0; i < digits.train.values.size(); ++i)
    mean[i % 144] += digits.train.values[i] / static_cast<float>(digits.train.count());
  train::fill_normal(noise, 1);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] += mean[i % 144];
  EXPECT_NEAR(share_met_again(few, noise), 36.0 / 144, 0.01);
}

TEST(Manifold, PointsAreTheCodesAndTheGridSpansThem) {
  const train::ItemSet digits = small_digits();
  const DenseModel two = *components_of(digits.train, 2);
  const Result<Manifold> manifold = manifold_of(two, digits.test, 5);
  ASSERT_TRUE(manifold.ok()) << manifold.error().message;
  const std::vector<float> codes = encode(two, digits.test.values);
  EXPECT_FLOAT_EQ(static_cast<float>(manifold->x[7]), codes[14]);
  EXPECT_EQ(manifold->grid.size(), 25u * 144u);
  // The middle of a linear decoder's grid is the mean of its corners.
  for (std::size_t i = 0; i < 144; ++i)
    EXPECT_NEAR(manifold->grid[12 * 144 + i],
                (manifold->grid[i] + manifold->grid[4 * 144 + i] + manifold->grid[20 * 144 + i] +
                 manifold->grid[24 * 144 + i]) /
                    4,
                1e-4);
  EXPECT_EQ(codes_plot(*manifold).series.size(), 10u);
  // It spans the middle 95 % of the 200 points on either axis. Projected again, its corners are where they were.
  const std::vector<float> top_left = encode(two, std::span(manifold->grid).first(144)),
                           bottom_right = encode(two, std::span(manifold->grid).last(144));
  const auto within = [](const std::vector<double>& points, float low, float high) {
    return std::count_if(points.begin(), points.end(), [&](double point) {
      return point >= static_cast<double>(low) - 1e-4 && point <= static_cast<double>(high) + 1e-4;
    });
  };
  EXPECT_NEAR(static_cast<double>(within(manifold->x, top_left[0], bottom_right[0])), 190, 2);
  EXPECT_NEAR(static_cast<double>(within(manifold->y, bottom_right[1], top_left[1])), 190, 2);
}

TEST(Manifold, LongerCodesAreSeenInTheirPrincipalPlane) {
  const train::ItemSet digits = small_digits();
  const Result<Manifold> manifold = manifold_of(*components_of(digits.train, 9), digits.train, 3);
  ASSERT_TRUE(manifold.ok());
  EXPECT_NE(manifold->x_label.find("1st principal component of 9-number codes"), std::string::npos);
  // The principal plane of principal components is that of the data.
  const std::vector<float> codes = encode(*components_of(digits.train, 2), digits.train.values);
  EXPECT_NEAR(std::abs(manifold->x[3]), std::abs(codes[6]), 1e-3);
  EXPECT_FALSE(manifold_of(*components_of(digits.train, 1), digits.train, 3).ok());
}

TEST(Robustness, StartsAtTheCleanErrorAndNoiseItselfCostsItsVariance) {
  const train::ItemSet digits = small_digits();
  const std::vector<DenseModel> models{*components_of(digits.train, 10)};
  const Robustness result = robustness_of(models, digits.test.values, 1);
  const double clean = mean(squared_errors(digits.test.values, reconstruct(models[0], digits.test.values), 144));
  EXPECT_EQ(result.curves[1].noise[0], clean);
  EXPECT_EQ(result.curves[1].missing[0], clean);
  EXPECT_EQ(result.curves[0].noise[0], 0);
  const double sigma = result.sigmas.back();
  EXPECT_NEAR(result.curves[0].noise.back(), sigma * sigma * 144, 1);
  // Of numbers that are missing their squares.
  const double squares = mean(squared_errors(digits.test.values, std::vector<float>(digits.test.values.size()), 144));
  EXPECT_NEAR(result.curves[0].missing.back() / (result.shares.back() * squares), 1, 0.02);
  // Ten directions of 144 let a tenth and less of the noise through.
  EXPECT_NEAR(result.curves[1].noise.back() - clean, sigma * sigma * 10, 0.3);
}

TEST(Reconstructions, HaveComponentsOfTheSameSizeBesideThem) {
  const train::ItemSet digits = small_digits();
  const std::vector<DenseModel> models{random_model({144, 10}, Activation::relu, Activation::sigmoid).model};
  const std::vector<float> shown = gather(digits.test, items_of_all_classes(digits.test, 10));
  const Result<Reconstructions> strips = reconstruct_all(models, digits, shown, "of digits", 1);
  ASSERT_TRUE(strips.ok()) << strips.error().message;
  ASSERT_EQ(strips->rows.size(), 2u);
  EXPECT_EQ(strips->rows[0].name, "PCA-10");
  EXPECT_LT(strips->rows[0].mean_error, strips->rows[1].mean_error);
  EXPECT_EQ(strips->rows[1].errors.size(), 10u);
  const std::vector<DenseModel> other{random_model({9, 3}, Activation::relu, Activation::sigmoid).model};
  const Result<Reconstructions> refused = reconstruct_all(other, digits, shown, "of digits", 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("takes 9 numbers"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace latentflow::show

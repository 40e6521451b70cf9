// features_test.cpp: logistic regression, error rates with their intervals, and fine-tuning.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/small_autoencoder.h"
#include "train/features/fine_tune.h"
#include "train/random.h"

namespace latentflow::train {
namespace {

/// Points of three classes around three centres, some of which overlap; the third column is always the same.
struct Points {
  std::vector<float> rows;
  std::vector<std::uint8_t> labels;
};

Points points(std::size_t count, double spread, std::uint64_t seed) {
  Points made;
  Random random(seed);
  constexpr double centres[3][2] = {{0, 0}, {300, 0}, {0, 0.02}};
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::uint8_t>(i % 3);
    const auto coordinate = [&](int axis, double scale) {
      return static_cast<float>(centres[label][axis] + spread * scale * random.uniform(-1, 1));
    };
    made.rows.insert(made.rows.end(), {coordinate(0, 300), coordinate(1, 0.02), 7.0f});
    made.labels.push_back(label);
  }
  return made;
}

TEST(Logistic, ConvergesToTheMinimumWhateverTheScales) {
  const Points data = points(900, 0.8, 1);
  const Result<LogisticModel> model = fit_logistic(data.rows, data.labels, 3, {{1e-3}, 1000, 1e-6});
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_TRUE(model->converged);
  EXPECT_EQ(model->classes, 3);
  // At the minimum every class is foreseen as often as it occurs, for its bias is free.
  double foreseen[3] = {};
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    double scores[3], sum = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      scores[c] = static_cast<double>(model->bias[c]);
      for (std::size_t j = 0; j < 3; ++j)
        scores[c] += static_cast<double>(model->weights[3 * c + j]) * static_cast<double>(data.rows[3 * i + j]);
      sum += std::exp(scores[c]);
    }
    for (std::size_t c = 0; c < 3; ++c) foreseen[c] += std::exp(scores[c]) / sum / 300;
  }
  for (const double share : foreseen) EXPECT_NEAR(share, 1, 1e-3);
  EXPECT_LT(model->loss, std::log(3.0));
}

TEST(Logistic, RareFeaturesStaySmallOnACommonScale) {
  // Both features speak for the second class as often as not being 0 allows; the second is 0 for 98 of 100 items.
  Random random(3);
  std::vector<float> rows, louder;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 1000; ++i) {
    labels.push_back(i % 2);
    rows.push_back(static_cast<float>(i % 2 + random.uniform(-1, 1)));
    rows.push_back(i % 100 == 1 || i % 100 == 51 ? 1.0f : 0.0f);
  }
  for (const float one : rows) louder.push_back(100 * one);
  const auto fit = [&](const std::vector<float>& data, FeatureScale scale) {
    const Result<LogisticModel> model = fit_logistic(data, labels, 2, {{1e-2, scale}, 1000, 1e-6});
    EXPECT_TRUE(model.ok());
    return *model;
  };
  const LogisticModel own = fit(rows, FeatureScale::own), common = fit(rows, FeatureScale::common);
  const auto opinion = [](const LogisticModel& model) { return std::abs(model.weights[3] - model.weights[1]); };
  EXPECT_GT(opinion(common), 0);
  EXPECT_LT(opinion(common), 0.7f * opinion(own));
  EXPECT_NEAR(fit(louder, FeatureScale::common).loss, common.loss, 1e-6);
}

TEST(Logistic, SeparatesWhatCanBeSeparated) {
  const Points train = points(600, 0.3, 1), test = points(300, 0.3, 2);
  const Result<LogisticModel> model = fit_logistic(train.rows, train.labels, 3);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(error_rate(*model, test.rows, test.labels).errors, 0);
}

TEST(Logistic, RefusesDataWithoutAnAnswer) {
  EXPECT_EQ(fit_logistic({}, {}, 3).error().message, "logistic regression needs at least one row");
  const std::vector<float> rows{1, 2};
  EXPECT_EQ(fit_logistic(rows, std::vector<std::uint8_t>{0, 0}, 1).error().message,
            "all labels are 0; needs at least two classes");
  const std::vector<float> bad{1, NAN};
  EXPECT_EQ(fit_logistic(bad, std::vector<std::uint8_t>{0, 1}, 1).error().message,
            "row 1, column 0 is nan; needs finite numbers");
}

TEST(ErrorRate, HasWilsonsInterval) {
  // Of 100 items 10: 0.0552 to 0.1744 (Newcombe, Statistics in Medicine 1998, method 3).
  const ErrorRate rate{10, 100};
  EXPECT_NEAR(rate.low(), 0.0552, 1e-4);
  EXPECT_NEAR(rate.high(), 0.1744, 1e-4);
  const ErrorRate none{0, 50};
  EXPECT_NEAR(none.low(), 0, 1e-12);
  EXPECT_NEAR(none.high(), 0.0713, 1e-4);
  EXPECT_EQ(to_string(ErrorRate{140, 10000}), "1.40 % error (1.19 to 1.65)");
}

TEST(Softmax, GradientEqualsCentralDifferences) {
  const std::vector<float> scores{0.3f, -1, 2, 0.5f, 0.1f, -0.4f};
  const std::vector<std::uint8_t> labels{2, 0};
  std::vector<float> gradient = scores;
  softmax_loss(gradient, labels, 3, 2);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto value = [&](float move) {
      std::vector<float> moved = scores;
      moved[i] += move;
      return softmax_loss(moved, labels, 3, 2) / 2;
    };
    EXPECT_NEAR(static_cast<double>(gradient[i]), (value(0.01f) - value(-0.01f)) / 0.02, 1e-4);
  }
}

TEST(Classifier, GradientEqualsCentralDifferences) {
  // Of the encoder below the classes, too, and through the largest activations alone where the code is sparse.
  constexpr std::int64_t rows = 6;
  const std::vector<std::uint8_t> labels{2, 0, 1, 1, 0, 2};
  Random random(11);
  for (const std::int64_t keep : {0, 2}) {
    const test::SmallAutoencoder below({7, 6, 4}, keep > 0 ? Activation::linear : Activation::sigmoid);
    Classifier classifier = make_classifier(below.shape, below.parameters, 3, keep);
    std::vector<float> input(7 * rows);
    for (float& number : input) number = static_cast<float>(random.uniform());
    for (float& parameter : classifier.parameters) parameter = static_cast<float>(random.uniform(-0.7, 0.7));
    for (DenseLayer& layer : classifier.layers)
      if (layer.activation == Activation::relu) layer.activation = Activation::tanh;  // has no kinks to step over
    std::vector<float> gradient(classifier.parameters.size()), ignored(gradient.size());
    Tape tape;
    classifier_loss_and_gradient(classifier, classifier.parameters, input, labels, tape, gradient);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const auto value = [&](float move) {
        std::vector<float> moved = classifier.parameters;
        moved[i] += move;
        return classifier_loss_and_gradient(classifier, moved, input, labels, tape, ignored);
      };
      EXPECT_NEAR(static_cast<double>(gradient[i]), (value(1e-3f) - value(-1e-3f)) / 2e-3, 1e-3)
          << "parameter " << i << ", keep " << keep;
    }
    EXPECT_GT(std::abs(*std::max_element(gradient.begin(), gradient.end())), 0.02f);
  }
}

TEST(FineTuning, LearnsTheLabelsOfDrawnDigits) {
  const ItemSet digits = test::load(test::drawn_digits(600, 200));
  const test::SmallAutoencoder start({144, 60}, Activation::sigmoid);
  for (const std::int64_t keep : {0, 20}) {
    const FineTuneRecipe tuning{150, 1e-2, 0};
    const FineTuning options{tuning, nullptr, 50, keep};
    const Result<Classifier> tuned = fine_tune(start.shape, start.parameters, digits, options);
    ASSERT_TRUE(tuned.ok()) << tuned.error().message;
    const ErrorRate error = held_out_errors(*tuned, digits).test;
    EXPECT_EQ(error.items, 200);
    EXPECT_LT(error.rate(), 0.1);
  }
}

TEST(FineTuning, StopsWhereTheLossRunsAway) {
  const ItemSet digits = test::load(test::drawn_digits(300, 100));
  const test::SmallAutoencoder start({144, 60});
  const FineTuneRecipe wild{400, 10, 0};
  const Result<Classifier> error = fine_tune(start.shape, start.parameters, digits, {wild, nullptr, 50});
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, Code::internal);
  EXPECT_EQ(error.error().message.find("fine-tuning, step "), 0u) << error.error().message;
  EXPECT_NE(error.error().message.find("the loss runs away"), std::string::npos) << error.error().message;
}

TEST(FineTuning, StartsFromTheLogisticRegression) {
  const ItemSet digits = test::load(test::drawn_digits(300, 100));
  const test::SmallAutoencoder start({144, 60});
  const auto codes = [&](const ItemRows& rows) { return encode(start.shape, start.parameters, rows.values); };
  const Result<LogisticModel> model = fit_logistic(codes(digits.train), digits.train.labels, 60);
  ASSERT_TRUE(model.ok());
  const FineTuneRecipe still{1, 0, 0};
  const Result<Classifier> tuned = fine_tune(start.shape, start.parameters, digits, {still, &*model, 50});
  ASSERT_TRUE(tuned.ok());
  EXPECT_EQ(held_out_errors(*tuned, digits).test.errors,
            error_rate(*model, codes(digits.test), digits.test.labels).errors);
}

}  // namespace
}  // namespace latentflow::train

// samples_test.cpp: random numbers, patches, losses and the optimiser against formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/optimiser.h"
#include "train/photo_damage.h"
#include "train/random.h"
#include "train/samples.h"

namespace latentflow::train {
namespace {

TEST(Random, NormalNumbersHaveTheMomentsOfANormalDistribution) {
  std::vector<float> numbers(400001);
  fill_normal(numbers, 42);
  double moments[5] = {}, neighbours = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double x = numbers[i];
    for (int power = 1; power < 5; ++power) moments[power] += std::pow(x, power) / static_cast<double>(numbers.size());
    if (i > 0) neighbours += x * numbers[i - 1] / static_cast<double>(numbers.size());
  }
  EXPECT_NEAR(moments[1], 0, 0.008);
  EXPECT_NEAR(moments[2], 1, 0.01);
  EXPECT_NEAR(moments[3], 0, 0.02);
  EXPECT_NEAR(moments[4], 3, 0.06);
  EXPECT_NEAR(neighbours, 0, 0.008);
  EXPECT_NEAR(std::count_if(numbers.begin(), numbers.end(), [](float x) { return std::abs(x) < 0.67449f; }) / 400001.0,
              0.5, 0.004);
}

TEST(Random, NormalNumbersDependOnTheKeyAlone) {
  std::vector<float> first(5000), second(3000), other(5000);
  fill_normal(first, 7);
  fill_normal(second, 7);
  fill_normal(other, 8);
  EXPECT_TRUE(std::equal(second.begin(), second.begin() + 1024, first.begin()));
  EXPECT_NE(first, other);
}

class SamplesTest : public ::testing::Test {
 protected:
  SamplesTest() {
    cv::Mat pixels(60, 50, CV_8UC3);
    for (int y = 0; y < pixels.rows; ++y)
      for (int x = 0; x < pixels.cols; ++x)
        pixels.at<cv::Vec3b>(y, x) =
            cv::Vec3b(static_cast<uchar>(3 * x), static_cast<uchar>(4 * y), static_cast<uchar>((x * y) % 251));
    photographs_.push_back({"one.png", pixels});
    recipe_.data.scaled_share = 0;
    recipe_.data.gain = {1, 1};
  }

  void make(std::uint64_t step, std::uint64_t sample) {
    SampleMaker(recipe_, photographs_)
        .make(step, sample, Phase{1.0, patch, Loss::l1}, {noisy_.data(), sigma_.data(), clean_.data()});
  }

  static constexpr std::int64_t patch = 24;
  Recipe recipe_;
  std::vector<Photograph> photographs_;
  std::vector<float> noisy_ = std::vector<float>(3 * patch * patch), sigma_ = std::vector<float>(patch * patch),
                     clean_ = noisy_;
};

TEST_F(SamplesTest, AddsNoiseOfTheLevelItWritesIntoTheMap) {
  recipe_.corruption = {{{1.0, {20, 40}}}, 0.0};
  double ratio = 0;
  for (std::uint64_t sample = 0; sample < 40; ++sample) {
    make(0, sample);
    EXPECT_GE(sigma_[0] * 255, 20);
    EXPECT_LE(sigma_[0] * 255, 40);
    EXPECT_EQ(sigma_[0], sigma_.back());
    double squares = 0;
    for (std::size_t i = 0; i < noisy_.size(); ++i)
      squares += std::pow(static_cast<double>(noisy_[i]) - static_cast<double>(clean_[i]), 2);
    ratio += std::sqrt(squares / static_cast<double>(noisy_.size())) / static_cast<double>(sigma_[0]) / 40;
  }
  EXPECT_NEAR(ratio, 1, 0.02);
}

TEST_F(SamplesTest, ClippedSamplesAreWholeBytes) {
  recipe_.corruption = {{{1.0, {50, 50}}}, 1.0};
  make(0, 0);
  for (const float value : noisy_) {
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 1);
    EXPECT_NEAR(value * 255, std::round(value * 255), 1e-3);
  }
}

TEST_F(SamplesTest, DamagedPhotographsAreToldTheirDeviation) {
  recipe_.corruption.photo.share = 1;
  recipe_.corruption.photo.level_error = 0;
  double largest = 0;
  for (std::uint64_t sample = 0; sample < 30; ++sample) {
    make(0, sample);
    double squares = 0;
    for (std::size_t i = 0; i < noisy_.size(); ++i) {
      squares += std::pow(static_cast<double>(noisy_[i]) - static_cast<double>(clean_[i]), 2);
      ASSERT_NEAR(noisy_[i] * 255, std::round(noisy_[i] * 255), 1e-3);
    }
    EXPECT_NEAR(sigma_[0], std::sqrt(squares / static_cast<double>(noisy_.size())), 1e-5);
    largest = std::max(largest, static_cast<double>(sigma_[0]));
  }
  EXPECT_GT(largest * 255, 15);
}

/// A flat colour, on which all that differs is damage.
class PhotoDamageTest : public ::testing::Test {
 protected:
  PhotoDamageTest() {
    recipe_.each = 1;
    recipe_.shot = recipe_.read = recipe_.correlated = recipe_.chroma = {0, 0};
    recipe_.grain = {1, 1}, recipe_.jpeg = {100, 100};
  }

  /// In grey levels. JPEG halves the resolution of colours even at quality 100.
  cv::Mat damage(int type, double intensity) const {
    Random random(5);
    const cv::Mat clean(200, 200, type, cv::Scalar::all(intensity));
    return (damage_photo(clean, recipe_, random) - clean) * 255;
  }
  static double variance(const cv::Mat& picture) {
    const double count = static_cast<double>(picture.total()) * picture.channels();
    return std::pow(cv::norm(picture), 2) / count;
  }
  /// Correlation of neighbours in a row.
  static double neighbours(const cv::Mat& picture) {
    return picture.colRange(1, 200).dot(picture.colRange(0, 199)) / picture.dot(picture);
  }

  PhotoRecipe recipe_;
};

TEST_F(PhotoDamageTest, SignalDependentNoiseHasTheVarianceOfItsFormula) {
  recipe_.shot = {20, 20}, recipe_.read = {5, 5};
  EXPECT_NEAR(variance(damage(CV_32FC1, 0.2)), 400 * 0.2 + 25, 6);
  EXPECT_NEAR(variance(damage(CV_32FC1, 0.6)), 400 * 0.6 + 25, 15);
}

TEST_F(PhotoDamageTest, CorrelatedNoiseHasItsDeviationAndResemblesItsNeighbours) {
  recipe_.correlated = {20, 20};
  const cv::Mat noise = damage(CV_32FC1, 0.5);
  EXPECT_NEAR(std::sqrt(variance(noise)), 20, 1);
  // Of white noise behind a Gaussian of deviation g: exp(-1 / (4 g^2)).
  EXPECT_NEAR(neighbours(noise), std::exp(-0.25), 0.03);
}

TEST_F(PhotoDamageTest, ColorNoiseLeavesGreyAndIsCoarse) {
  recipe_.chroma = {15, 15};
  const cv::Mat noise = damage(CV_32FC3, 0.5);
  cv::Mat grey;
  cv::transform(noise, grey, cv::Matx13f::all(1.0f / 3));
  EXPECT_NEAR(std::sqrt(variance(noise)), 15, 1.5);
  EXPECT_LT(std::sqrt(variance(grey)), 1.5);
  EXPECT_GT(neighbours(noise), 0.85);
}

TEST_F(PhotoDamageTest, JpegLosesMoreAtLowerQuality) {
  cv::Mat clean(200, 200, CV_32FC3);
  for (int y = 0; y < 200; ++y)
    for (int x = 0; x < 200; ++x)
      clean.at<cv::Vec3f>(y, x) = cv::Vec3f(0.5f + 0.4f * std::sin(0.4f * static_cast<float>(x)), 0.5f,
                                            0.5f + 0.4f * std::sin(0.3f * static_cast<float>(x + y)));
  double before = 0;
  for (const double quality : {95.0, 60.0, 30.0}) {
    recipe_.jpeg = {quality, quality};
    Random random(5);
    const double lost = deviation(damage_photo(clean, recipe_, random), clean);
    EXPECT_GT(lost, before);
    before = lost;
  }
}

TEST_F(SamplesTest, DependOnStepAndSampleAlone) {
  make(3, 5);
  const std::vector<float> noisy = noisy_, clean = clean_;
  make(3, 6);
  EXPECT_NE(noisy, noisy_);
  make(4, 5);
  EXPECT_NE(noisy, noisy_);
  make(3, 5);
  EXPECT_EQ(noisy, noisy_);
  EXPECT_EQ(clean, clean_);
}

TEST_F(SamplesTest, FlipsAndPermutationsKeepTheValues) {
  recipe_.corruption = {{{1.0, {0, 0}}}, 0.0};
  photographs_[0].pixels = photographs_[0].pixels(cv::Rect(0, 0, patch, patch)).clone();
  std::vector<float> expected;
  for (int y = 0; y < patch; ++y)
    for (int x = 0; x < patch; ++x)
      for (int c = 0; c < 3; ++c)
        expected.push_back(static_cast<float>(photographs_[0].pixels.at<cv::Vec3b>(y, x)[c]) / 255.0f);
  std::sort(expected.begin(), expected.end());
  bool moved = false;
  std::vector<float> before;
  for (std::uint64_t sample = 0; sample < 16; ++sample) {
    make(0, sample);
    moved = moved || (!before.empty() && before != clean_);
    before = clean_;
    std::vector<float> sorted = clean_;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) ASSERT_NEAR(sorted[i], expected[i], 1e-6);
    EXPECT_EQ(noisy_, clean_);
  }
  EXPECT_TRUE(moved);
}

TEST_F(SamplesTest, ReducedPatchesStayWithinThePicture) {
  recipe_.data.scaled_share = 1;
  recipe_.data.scale = {0.3, 0.6};
  recipe_.corruption = {{{1.0, {0, 0}}}, 0.0};
  for (std::uint64_t sample = 0; sample < 20; ++sample) {
    make(1, sample);
    for (const float value : clean_) ASSERT_TRUE(value >= 0 && value <= 1);
  }
}

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

}  // namespace
}  // namespace latentflow::train

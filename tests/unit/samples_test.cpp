// samples_test.cpp: random numbers and the samples that are made of them against formulas.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

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

}  // namespace
}  // namespace latentflow::train

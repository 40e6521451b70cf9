// training_data_test.cpp: the rows that autoencoders are trained on: digits of files, turned ones, ones before
// photographs, patches; their order and their corruption.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "nn/network.h"
#include "support/idx_file.h"
#include "support/small_autoencoder.h"
#include "support/temporary_folder.h"
#include "train/autoencoder/digit_variants.h"
#include "train/autoencoder/minibatch.h"
#include "train/autoencoder/patch_rows.h"

namespace latentflow::train {
namespace {

/// A row of photographs with stripes of a random direction; the last one is flat.
std::vector<Photograph> photographs(int count) {
  std::vector<Photograph> made;
  for (int i = 0; i < count; ++i) {
    cv::Mat pixels(60, 80, CV_8U);
    for (int y = 0; y < pixels.rows; ++y)
      for (int x = 0; x < pixels.cols; ++x)
        pixels.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(100 + 90 * std::sin(0.3 * x * (i + 1) + 0.7 * y));
    if (i == count - 1) pixels = 7;
    made.push_back({std::to_string(i), pixels});
  }
  return made;
}

using test::idx_file;

ItemSet digits(const DigitData& data, std::span<const Photograph> behind = {}) { return test::load(data, 5, behind); }

DigitData few() {
  DigitData data = test::drawn_digits(300, 60, 16);
  data.validation = 40;
  return data;
}

/// Second moments of a picture about its centre of gravity: the trace does not change when it is turned.
double spread(std::span<const float> picture, std::int64_t side) {
  double mass = 0, x = 0, y = 0, xx = 0;
  for (std::int64_t i = 0; i < side * side; ++i) {
    const double grey = static_cast<double>(picture[static_cast<std::size_t>(i)]);
    const double column = static_cast<double>(i % side), line = static_cast<double>(i / side);
    mass += grey, x += grey * column, y += grey * line, xx += grey * (column * column + line * line);
  }
  return xx / mass - (x * x + y * y) / (mass * mass);
}

TEST(DigitRows, AreReadFromIdxFiles) {
  const test::TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_file({3, 1, 2}, {0, 255, 51, 102, 7, 8}));
  folder.write("train-labels-idx1-ubyte", idx_file({3}, {4, 0, 9}));
  folder.write("t10k-images-idx3-ubyte", idx_file({1, 1, 2}, {255, 0}));
  folder.write("t10k-labels-idx1-ubyte", idx_file({1}, {5}));
  DigitData data;
  data.train = 2;
  const Result<ItemSet> digits = load_digits(data, folder / "", 1);
  ASSERT_TRUE(digits.ok()) << digits.error().message;
  EXPECT_EQ(digits->train.values, (std::vector<float>{0, 1, 0.2f, 0.4f}));
  EXPECT_EQ(digits->train.labels, (std::vector<std::uint8_t>{4, 0}));
  EXPECT_EQ(digits->train.features(), 2);
  EXPECT_EQ(digits->test.values, (std::vector<float>{1, 0}));
  data.train = 4;
  EXPECT_NE(
      load_digits(data, folder / "", 1).error().message.find("4 pictures of train are asked for, the files have 3"),
      std::string::npos);
  folder.write("train-labels-idx1-ubyte", idx_file({2}, {4, 0}));
  EXPECT_NE(
      load_digits({}, folder / "", 1).error().message.find("train-images has 3 pictures, train-labels has 2 labels"),
      std::string::npos);
  folder.write("train-labels-idx1-ubyte", idx_file({3}, {4, 0}));
  EXPECT_NE(load_digits({}, folder / "", 1).error().message.find("is truncated"), std::string::npos);
}

TEST(DigitRows, AreCutIntoThreeParts) {
  const ItemSet set = digits(few());
  EXPECT_EQ(set.train.count(), 300);
  EXPECT_EQ(set.validation.count(), 40);
  EXPECT_EQ(set.test.count(), 60);
  // Item after item of one stream, with its labels 0 to 9 in turn.
  EXPECT_EQ(set.validation.labels.front(), 300 % 10);
  EXPECT_EQ(set.test.labels.front(), 340 % 10);
  DigitData all = few();
  all.train = 400, all.validation = 0, all.test = 1;
  const ItemSet stream = digits(all);
  const std::span<const float> values = stream.train.values;
  EXPECT_TRUE(std::equal(set.test.values.begin(), set.test.values.end(), values.begin() + 340 * 256));
}

TEST(DigitRows, TurnedOnesKeepTheirShapeAndTakeAnyAngle) {
  DigitData data = few();
  const ItemSet upright = digits(data);
  data.rotated = true;
  const ItemSet turned = digits(data);
  EXPECT_EQ(turned.train.values, digits(data).train.values);
  EXPECT_EQ(turned.train.labels, upright.train.labels);
  std::array<int, 4> quarters{};
  for (std::int64_t row = 0; row < 300; ++row) {
    const auto at = static_cast<std::size_t>(row) * 256;
    const std::span<const float> before(upright.train.values.data() + at, 256),
        after(turned.train.values.data() + at, 256);
    EXPECT_NEAR(spread(after, 16) / spread(before, 16), 1, 0.12) << row;
    // Which quarter turn is it closest to?
    std::array<double, 4> distance{};
    for (int quarter = 0; quarter < 4; ++quarter)
      for (std::int64_t y = 0; y < 16; ++y)
        for (std::int64_t x = 0; x < 16; ++x) {
          std::int64_t from_x = x, from_y = y;
          for (int i = 0; i < quarter; ++i) std::swap(from_x, from_y), from_x = 15 - from_x;
          distance[static_cast<std::size_t>(quarter)] += std::abs(static_cast<double>(
              after[static_cast<std::size_t>(y * 16 + x)] - before[static_cast<std::size_t>(from_y * 16 + from_x)]));
        }
    ++quarters[static_cast<std::size_t>(std::min_element(distance.begin(), distance.end()) - distance.begin())];
  }
  for (const int count : quarters) EXPECT_GT(count, 30);
}

TEST(DigitRows, StandBeforePatchesWhereTheyAreBlack) {
  DigitData data = few();
  const ItemSet plain = digits(data);
  data.background = true;
  const std::vector<Photograph> behind = photographs(3);
  const ItemSet set = digits(data, behind);
  std::size_t kept = 0;
  double flat = 0;
  for (std::size_t i = 0; i < set.train.values.size(); ++i) {
    if (plain.train.values[i] > 0) {
      ASSERT_EQ(set.train.values[i], plain.train.values[i]);
      ++kept;
    } else {
      flat += std::abs(set.train.values[i] - 7.0f / 255) < 1e-6f ? 1 : 0;
    }
  }
  EXPECT_GT(kept, 0u);
  // One of three photographs is flat, and a patch of it stays only when it is drawn 20 times on end.
  EXPECT_LT(flat / static_cast<double>(set.train.values.size()), 0.01);
  EXPECT_NE(set.train.values, digits(data, photographs(2)).train.values);
}

TEST(DigitRows, RefusePhotographsSmallerThanADigit) {
  const std::vector<Photograph> small{{"small.png", cv::Mat(9, 40, CV_8U, cv::Scalar(1))}};
  const Result<ItemSet> set = load_digits(few(), "", 5, small);
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().message, "small.png is 40x9, the digits before it 16x16; needs photographs no smaller");
}

TEST(DigitRows, VariantsOfFilesAreTakenFromBothInTheirOrder) {
  const test::TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_file({4, 1, 1}, {10, 11, 12, 13}));
  folder.write("train-labels-idx1-ubyte", idx_file({4}, {0, 1, 2, 3}));
  folder.write("t10k-images-idx3-ubyte", idx_file({2, 1, 1}, {14, 15}));
  folder.write("t10k-labels-idx1-ubyte", idx_file({2}, {4, 5}));
  DigitData data;
  data.rotated = true, data.train = 2, data.validation = 1, data.test = 2;
  const Result<ItemSet> set = load_digits(data, folder / "", 1);
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(set->train.labels, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(set->validation.labels, (std::vector<std::uint8_t>{2}));
  EXPECT_EQ(set->test.labels, (std::vector<std::uint8_t>{3, 4}));
  data.test.reset();
  EXPECT_NE(load_digits(data, folder / "", 1)
                .error()
                .message.find("2 digits to train on, 1 to validate on and 50000 "
                              "to test are asked for, the files have 6 together"),
            std::string::npos);
  // Plain ones: those to validate on lie behind those to train on in the one file.
  data.rotated = false, data.test = 1;
  EXPECT_EQ(load_digits(data, folder / "", 1)->validation.labels, (std::vector<std::uint8_t>{2}));
  EXPECT_EQ(load_digits(data, folder / "", 1)->test.labels, (std::vector<std::uint8_t>{4}));
}

TEST(Patches, WhitenedOnesAreUncorrelated) {
  PatchData data;
  data.size = 3, data.train = 4000, data.test = 500, data.whiten = true, data.floor = 1e-6;
  // Noise that a filter made smooth: every direction has some variance.
  std::vector<Photograph> noise;
  for (int i = 0; i < 4; ++i) {
    std::vector<float> normal(64 * 64);
    fill_normal(normal, static_cast<std::uint64_t>(i));
    cv::Mat pixels(64, 64, CV_8U);
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x)
        pixels.at<std::uint8_t>(y, x) =
            cv::saturate_cast<std::uint8_t>(120 + 25 * normal[static_cast<std::size_t>(y * 64 + x)] +
                                            30 * normal[static_cast<std::size_t>(y * 64 + x / 4)]);
    noise.push_back({std::to_string(i), pixels});
  }
  const Result<ItemSet> set = cut_patches(data, noise, 3);
  ASSERT_TRUE(set.ok()) << set.error().message;
  ASSERT_TRUE(set->whitening.has_value());
  EXPECT_EQ(to_string(set->train.item), "patch 3x3x1");
  for (std::size_t a = 0; a < 9; ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      double sum = 0;
      for (std::size_t row = 0; row < 4000; ++row)
        sum +=
            static_cast<double>(set->train.values[row * 9 + a]) * static_cast<double>(set->train.values[row * 9 + b]);
      EXPECT_NEAR(sum / 3999, a == b ? 1 : 0, 1e-3) << a << " " << b;
    }
  data.whiten = false;
  const Result<ItemSet> raw = cut_patches(data, noise, 3);
  ASSERT_TRUE(raw.ok());
  std::vector<float> again = raw->test.values;
  set->whitening->apply(again);
  EXPECT_EQ(again, set->test.values);
  EXPECT_NE(cut_patches(data, std::span(noise).first(1), 3).error().message.find("at least 2 are needed"),
            std::string::npos);
}

TEST(Whitening, IsTakenIntoTheNetwork) {
  std::vector<float> rows(50 * 4);
  fill_normal(rows, 8);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = rows[i] * static_cast<float>(1 + i % 4) + 0.5f;
  const Result<Whitening> whitening = fit_whitening(rows, 4, 0.01);
  ASSERT_TRUE(whitening.ok()) << whitening.error().message;
  AutoencoderRecipe recipe;
  recipe.layers = {4, 6, 3}, recipe.encoder = Activation::sigmoid, recipe.output = Activation::linear;
  recipe.tied = true;
  const Autoencoder shape = make_autoencoder(recipe);
  const std::vector<float> parameters = initial_parameters(shape, 2);
  std::vector<float> white = rows;
  whitening->apply(white);
  const std::vector<float> codes = encode(shape, parameters, white);
  Result<nn::Graph> graph = autoencoder_network(shape, parameters, {nn::CodeItem::Kind::tensor, 1, 4, 1});
  ASSERT_TRUE(graph.ok());
  const auto plain = nn::Network::create(*graph);
  take_in_whitening(*whitening, *graph);
  const auto taken = nn::Network::create(*graph);
  const Tensor input = Tensor::from({50, 4}, rows), white_input = Tensor::from({50, 4}, white);
  const auto expected = (*plain)->run({&white_input, 1}), got = (*taken)->run({&input, 1});
  ASSERT_TRUE(expected.ok() && got.ok());
  for (std::size_t i = 0; i < codes.size(); ++i) EXPECT_NEAR((*got)[0].data()[i], codes[i], 1e-4);
  // The reconstruction, whitened, is what the network gave before.
  std::vector<float> back((*got)[1].span().begin(), (*got)[1].span().end());
  whitening->apply(back);
  for (std::size_t i = 0; i < back.size(); ++i) EXPECT_NEAR(back[i], (*expected)[1].data()[i], 1e-4);
}

TEST(Corruption, ChangesTheShareItIsToldTo) {
  std::vector<float> row(20000, 0.5f);
  corrupt(InputNoise::masking, 0.25, 3, row);
  EXPECT_NEAR(static_cast<double>(std::count(row.begin(), row.end(), 0.0f)) / 20000, 0.25, 0.01);
  std::fill(row.begin(), row.end(), 0.5f);
  corrupt(InputNoise::salt_and_pepper, 0.4, 3, row);
  EXPECT_NEAR(static_cast<double>(std::count(row.begin(), row.end(), 0.0f)) / 20000, 0.2, 0.01);
  EXPECT_NEAR(static_cast<double>(std::count(row.begin(), row.end(), 1.0f)) / 20000, 0.2, 0.01);
  std::fill(row.begin(), row.end(), 0.5f);
  corrupt(InputNoise::gaussian, 0.2, 3, row);
  double mean = 0, square = 0;
  for (const float number : row) mean += static_cast<double>(number) / 20000;
  for (const float number : row) square += std::pow(static_cast<double>(number) - mean, 2) / 20000;
  EXPECT_NEAR(mean, 0.5, 0.01);
  EXPECT_NEAR(std::sqrt(square), 0.2, 0.01);
}

TEST(RowOrder, TakesEveryRowOnceAnEpoch) {
  RowOrder order(23, 5, 1, 0);
  std::vector<int> seen(23);
  std::vector<std::int64_t> first;
  for (std::int64_t step = 0; step < 4; ++step)
    for (const std::int64_t row : order.step(step)) ++seen[static_cast<std::size_t>(row)], first.push_back(row);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 20);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 0), 3);
  RowOrder again(23, 5, 1, 0);
  const auto rows = again.step(2);  // a resumed run starts anywhere
  EXPECT_TRUE(std::equal(rows.begin(), rows.end(), first.begin() + 10));
}

}  // namespace
}  // namespace latentflow::train

// augment_test.cpp: pictures that are moved a little whenever an autoencoder is trained on them.
#include "train/autoencoder/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "support/autoencoder_runs.h"
#include "train/autoencoder/autoencoder.h"
#include "train/autoencoder/digit_rows.h"

namespace latentflow::train {
namespace {

constexpr nn::CodeItem item{nn::CodeItem::Kind::image, 30, 40, 1};
constexpr std::uint64_t draws = 400;

/// A bell that is three times as wide as high, in the middle.
std::vector<float> bell() {
  std::vector<float> row;
  for (std::int64_t y = 0; y < item.height; ++y)
    for (std::int64_t x = 0; x < item.width; ++x)
      row.push_back(static_cast<float>(std::exp(-std::pow((static_cast<double>(x) - 19.5) / 6, 2) / 2 -
                                                std::pow((static_cast<double>(y) - 14.5) / 2, 2) / 2)));
  return row;
}

/// Place, deviations and direction of what is bright.
struct Shape {
  double x = 0, y = 0, wide = 0, high = 0, degrees = 0;
  double slope = 0;  ///< of the line through the middles of the rows, in pixels along x for each
};

Shape shape_of(const std::vector<float>& row) {
  double sum = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  const auto visit = [&](const auto& take) {
    for (std::size_t i = 0; i < row.size(); ++i)
      take(static_cast<double>(row[i]), static_cast<double>(i % 40), static_cast<double>(i / 40));
  };
  visit([&](double v, double px, double py) { sum += v, x += v * px, y += v * py; });
  x /= sum, y /= sum;
  visit([&](double v, double px, double py) {
    xx += v * (px - x) * (px - x) / sum, yy += v * (py - y) * (py - y) / sum, xy += v * (px - x) * (py - y) / sum;
  });
  return {x - 19.5, y - 14.5, std::sqrt(xx), std::sqrt(yy), std::atan2(2 * xy, xx - yy) * 90 / std::numbers::pi,
          xy / yy};
}

std::vector<Shape> shapes(const Augmentation& augmentation) {
  std::vector<Shape> drawn;
  for (std::uint64_t key = 0; key < draws; ++key) {
    std::vector<float> row = bell();
    augment(augmentation, key, item, row);
    drawn.push_back(shape_of(row));
  }
  return drawn;
}

/// The smallest and the largest of what `measure` says of the shapes.
template <typename Measure>
std::pair<double, double> range(const std::vector<Shape>& drawn, const Measure& measure) {
  std::vector<double> values;
  for (const Shape& shape : drawn) values.push_back(measure(shape));
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {*least, *most};
}

void expect_range(std::pair<double, double> found, double low, double high) {
  const double slack = 0.1 * (high - low);
  EXPECT_GE(found.first, low - slack / 2);
  EXPECT_LE(found.first, low + slack);
  EXPECT_LE(found.second, high + slack / 2);
  EXPECT_GE(found.second, high - slack);
}

TEST(Augment, ShiftsTurnsScalesAndShearsAsFarAsItIsToldTo) {
  const std::vector<Shape> shifted = shapes({.shift = 3}), turned = shapes({.turn = 20}),
                           scaled = shapes({.scale = 0.2}), sheared = shapes({.shear = 0.3});
  expect_range(range(shifted, [](const Shape& s) { return s.x; }), -3, 3);
  expect_range(range(shifted, [](const Shape& s) { return s.y; }), -3, 3);
  expect_range(range(turned, [](const Shape& s) { return s.degrees; }), -20, 20);
  // What is taken from farther away looks smaller.
  expect_range(range(scaled, [](const Shape& s) { return 6 / s.wide; }), 0.8, 1.2);
  expect_range(range(scaled, [](const Shape& s) { return 2 / s.high; }), 0.8, 1.2);
  // Rows go along x in proportion to their height: so does the covariance, and the height stays.
  expect_range(range(sheared, [](const Shape& s) { return s.slope; }), -0.3, 0.3);
  for (const Shape& s : sheared) EXPECT_NEAR(s.high, 2, 0.02);
}

TEST(Augment, DependsOnTheKeyAloneAndOnNothingWhereNothingIsMoved) {
  const Augmentation some{.shift = 1, .turn = 10, .scale = 0.1, .shear = 0.1};
  std::vector<float> one = bell(), again = bell(), other = bell(), still = bell();
  augment(some, 5, item, one);
  augment(some, 5, item, again);
  augment(some, 6, item, other);
  augment({}, 5, item, still);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, other);
  EXPECT_EQ(still, bell());
}

TEST(Augment, TeachesMovedDigits) {
  Recipe recipe = test::digit_recipe(R"(network: {layers: [144, 30], code: linear, output: linear, tied: true}
loss: squared
batch: 50
steps: 400
)");
  const auto error_on_moved_digits = [&](double shift) {
    recipe.autoencoder.digits.augmentation.shift = shift;
    const test::TemporaryFolder folder;
    const std::vector<float> weights = test::train_in(folder, recipe).average;
    Result<ItemSet> items = load_digits(recipe.autoencoder.digits, {}, 1);
    EXPECT_TRUE(items.ok());
    ItemRows& test = items->test;
    for (std::int64_t row = 0; row < test.count(); ++row)
      augment({.shift = 2}, static_cast<std::uint64_t>(row), test.item,
              std::span(test.values).subspan(static_cast<std::size_t>(row * test.features()), 144));
    return squared_error(make_autoencoder(recipe.autoencoder), weights, test.values);
  };
  EXPECT_LT(error_on_moved_digits(2), 0.8 * error_on_moved_digits(0));
}

}  // namespace
}  // namespace latentflow::train

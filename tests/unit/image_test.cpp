// image_test.cpp: drawn pictures, changes of size and kind, noise, and the baseline denoiser.
#include <gtest/gtest.h>

#include <set>

#include "data/digits.h"
#include "image/add_noise.h"
#include "image/convert.h"
#include "image/crop.h"
#include "image/denoise_nlm.h"
#include "image/draw_digits.h"
#include "image/draw_samples.h"
#include "image/resize.h"
#include "support/fake_context.h"
#include "support/picture_stage.h"
#include "support/pictures.h"

namespace latentflow::image {
namespace {

using test::FakeContext;
using test::run;
using test::same_pixels;
using test::shape_of;
using test::soft_picture;

template <class Params>
bool rules_hold(const std::vector<RuleInfo>& rules, const Params& params) {
  for (const RuleInfo& rule : rules)
    if (!rule.holds(&params)) return false;
  return true;
}

DrawSamples samples(int count, std::int64_t seed, std::vector<std::string> kinds = {}) {
  DrawSamples::Params params;
  params.count = count, params.seed = seed, params.width = 60, params.height = 40, params.kinds = std::move(kinds);
  return DrawSamples(params);
}

cv::Mat drawn(const DrawSamples& node, std::size_t index) {
  FakeContext context("a");
  const auto items = node.list();
  const Result<Image> image = node.process(items.value().at(index), context);
  EXPECT_TRUE(image);
  return image.value().mat();
}

TEST(DrawSamples, EveryKindIsAPictureOfItsOwn) {
  const DrawSamples node = samples(16, 1);
  const auto items = node.list();
  ASSERT_EQ(items.value().size(), 16u);
  std::set<std::string> names, keys;
  std::vector<cv::Mat> pictures;
  for (std::size_t i = 0; i < 16; ++i) {
    names.insert(items.value()[i].name), keys.insert(items.value()[i].key);
    pictures.push_back(drawn(node, i));
    EXPECT_EQ(shape_of(pictures.back()).dims, node.probe(items.value()[i]).value().dims);
    cv::Scalar mean, deviation;
    cv::meanStdDev(pictures.back(), mean, deviation);
    EXPECT_GT(deviation[0] + deviation[1] + deviation[2], 20) << items.value()[i].name << " is nearly flat";
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_FALSE(same_pixels(pictures[i], pictures[j])) << items.value()[i].name << " " << items.value()[j].name;
  }
  EXPECT_EQ(names.size(), 16u);
  EXPECT_EQ(keys.size(), 16u);
  EXPECT_EQ(items.value()[8].name, items.value()[0].name + "_2");
}

TEST(DrawSamples, SeedAndPositionAloneDecide) {
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(same_pixels(drawn(samples(8, 5), i), drawn(samples(20, 5), i)));
    EXPECT_FALSE(same_pixels(drawn(samples(8, 5), i), drawn(samples(8, 6), i))) << i;
  }
}

TEST(DrawSamples, DrawsTheKindsAskedForAndRefusesOthers) {
  const auto items = samples(3, 1, {"rings", "letter"}).list();
  EXPECT_EQ(items.value()[0].name, "rings");
  EXPECT_EQ(items.value()[1].name, "letter");
  EXPECT_EQ(items.value()[2].name, "rings_2");
  test::FakeServices services;
  DrawSamples::Params params;
  params.kinds = {"portrait"};
  const auto refused = DrawSamples::create(params, services);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "kinds has 'portrait', allowed: hills, spheres, fabric, letter, shapes, rings, marble, lights");
}

TEST(DrawSamples, DrawsOnePixelAndNarrowStrips) {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 50}, {200, 2}}) {
    DrawSamples::Params params;
    params.width = width, params.height = height;
    const DrawSamples node(params);
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(drawn(node, i).size(), cv::Size(width, height));
  }
}

TEST(AddNoise, HasTheDeviationAskedForAndDependsOnSeedAndItemAlone) {
  const cv::Mat flat(200, 200, CV_8UC3, cv::Scalar::all(128));
  AddNoise::Params params;
  params.sigma = 20;
  params.keep_float = true;
  const auto one = run<AddNoise>(params, flat, 3), again = run<AddNoise>(params, flat, 3),
             other = run<AddNoise>(params, flat, 4);
  cv::Scalar mean, deviation;
  cv::meanStdDev(one.value().mat() * 255, mean, deviation);
  // 40000 samples a channel: the standard errors are 0.1 and 0.07.
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean[c], 128, 0.5);
    EXPECT_NEAR(deviation[c], 20, 0.4);
  }
  EXPECT_TRUE(same_pixels(one.value().mat(), again.value().mat()));
  EXPECT_FALSE(same_pixels(one.value().mat(), other.value().mat()));
}

TEST(AddNoise, LeavesAlphaAlone) {
  const cv::Mat picture = soft_picture(30, 20, CV_8UC4);
  const auto noisy = run<AddNoise>({}, picture);
  cv::Mat before, after;
  cv::extractChannel(picture, before, 3), cv::extractChannel(noisy.value().mat(), after, 3);
  EXPECT_TRUE(same_pixels(before, after));
}

TEST(Resize, FindsTheSizeEachWay) {
  const cv::Mat picture = soft_picture(60, 40, CV_8UC3);
  struct Row {
    int width, height;
    double scale;
    int max_side;
    cv::Size expected;
  };
  const Row rows[] = {{30, 0, 0, 0, {30, 20}},  {0, 80, 0, 0, {120, 80}}, {7, 9, 0, 0, {7, 9}},
                      {0, 0, 0.5, 0, {30, 20}}, {0, 0, 0.001, 0, {1, 1}}, {0, 0, 0, 30, {30, 20}},
                      {0, 0, 0, 90, {60, 40}}};
  for (const Row& row : rows)
    for (const char* method : {"auto", "nearest", "linear", "cubic", "area", "lanczos"})
      for (const int type : {CV_8UC1, CV_8UC4, CV_16UC3, CV_32FC3}) {
        Resize::Params params;
        params.width = row.width, params.height = row.height, params.scale = row.scale, params.max_side = row.max_side,
        params.interpolation = method;
        const auto resized = run<Resize>(params, soft_picture(60, 40, type));
        ASSERT_TRUE(resized);
        EXPECT_EQ(resized.value().mat().size(), row.expected);
        EXPECT_EQ(resized.value().mat().type(), type);
      }
}

TEST(Resize, HandsOnThePictureItselfWhereNothingChanges) {
  const cv::Mat picture = soft_picture(60, 40, CV_8UC3);
  Resize::Params params;
  params.max_side = 100;
  EXPECT_EQ(run<Resize>(params, picture).value().mat().data, picture.data);
}

TEST(Resize, InvisiblePixelsDoNotBleed) {
  cv::Mat picture(8, 8, CV_8UC4, cv::Scalar(0, 255, 0, 0));  // invisible green
  picture(cv::Rect(0, 0, 3, 8)).setTo(cv::Scalar(0, 0, 200, 255));
  Resize::Params params;
  params.width = 4;
  const auto resized = run<Resize>(params, picture);
  const cv::Vec4b edge = resized.value().mat().at<cv::Vec4b>(1, 1);
  EXPECT_NEAR(edge[3], 128, 1) << "half covered";
  EXPECT_EQ(edge[1], 0) << "no green";
  EXPECT_NEAR(edge[2], 200, 1);
}

TEST(Resize, WantsExactlyOneWayToSayTheSize) {
  Describe<Resize> declared;
  Resize::describe(declared);
  const auto rules = declared.take_rules();
  Resize::Params none, both, good;
  both.width = 3, both.scale = 2, good.height = 5;
  EXPECT_FALSE(rules_hold(rules, none));
  EXPECT_FALSE(rules_hold(rules, both));
  EXPECT_TRUE(rules_hold(rules, good));
}

TEST(Crop, TakesTheRectangleAskedFor) {
  const cv::Mat picture = soft_picture(60, 41, CV_16UC3);
  struct Row {
    int x, y, width, height;
    const char* at;
    int multiple;
    cv::Rect expected;
  };
  const Row rows[] = {{5, 6, 10, 12, "corner", 1, {5, 6, 10, 12}},   {5, 6, 0, 0, "corner", 1, {5, 6, 55, 35}},
                      {0, 0, 20, 11, "centre", 1, {20, 15, 20, 11}}, {3, -4, 20, 11, "centre", 1, {23, 11, 20, 11}},
                      {0, 0, 0, 0, "corner", 16, {0, 0, 48, 32}},    {0, 0, 0, 0, "centre", 8, {2, 0, 56, 40}}};
  for (const Row& row : rows) {
    Crop::Params params;
    params.x = row.x, params.y = row.y, params.width = row.width, params.height = row.height, params.at = row.at,
    params.multiple = row.multiple;
    const auto cropped = run<Crop>(params, picture);
    ASSERT_TRUE(cropped) << cropped.error().message;
    EXPECT_TRUE(same_pixels(cropped.value().mat(), picture(row.expected))) << row.x << " " << row.at;
  }
}

TEST(Crop, SaysWhatDoesNotFit) {
  Crop::Params params;
  params.x = 50, params.width = 20, params.height = 20;
  EXPECT_EQ(run<Crop>(params, soft_picture(60, 40, CV_8UC1)).error().message,
            "rectangle of 20x20 at 50,0 does not fit into a picture of 60x40");
  Crop::Params rough;
  rough.multiple = 64;
  EXPECT_EQ(run<Crop>(rough, soft_picture(60, 40, CV_8UC1)).error().message,
            "rectangle of 0x0 at 0,0 does not fit into a picture of 60x40");
}

TEST(Crop, SmallPartsDoNotKeepTheWholePicture) {
  const cv::Mat picture = soft_picture(60, 40, CV_8UC1);
  Crop::Params params;
  params.width = 8, params.height = 8;
  EXPECT_NE(run<Crop>(params, picture).value().mat().u, picture.u);
  params.width = 59, params.height = 40;
  EXPECT_EQ(run<Crop>(params, picture).value().mat().u, picture.u) << "large parts share it";
}

TEST(Convert, KeepsWhiteWhite) {
  for (const int from : {CV_8U, CV_16U, CV_32F})
    for (const char* depth : {"keep", "8", "16", "float"})
      for (const char* color : {"keep", "gray", "color"})
        for (const char* alpha : {"keep", "drop"})
          for (const int channels : {1, 3, 4}) {
            const double white = from == CV_8U ? 255 : from == CV_16U ? 65535 : 1;
            const cv::Mat picture(4, 5, CV_MAKETYPE(from, channels), cv::Scalar::all(white));
            Convert::Params params;
            params.depth = depth, params.color = color, params.alpha = alpha;
            const auto converted = run<Convert>(params, picture);
            ASSERT_TRUE(converted);
            double low = 0, high = 0;
            cv::minMaxLoc(converted.value().mat().reshape(1), &low, &high);
            EXPECT_NEAR(low, converted.value().white(), 1e-6);
            EXPECT_NEAR(high, converted.value().white(), 1e-6);
          }
}

TEST(Convert, RoundsAndClipsWhenSamplesGetCoarser) {
  Convert::Params params;
  params.depth = "8";
  const cv::Mat picture = (cv::Mat_<float>(1, 4) << -0.5f, 0.6f / 255, 100.4f / 255, 1.5f);
  const cv::Mat expected = (cv::Mat_<std::uint8_t>(1, 4) << 0, 1, 100, 255);
  EXPECT_TRUE(same_pixels(run<Convert>(params, picture).value().mat(), expected));
}

TEST(DenoiseNlm, ComesCloserToTheCleanPicture) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC3, CV_32FC3}) {
    // Blocks that repeat: what non-local means live on.
    cv::Mat clean = soft_picture(3, 2, type);
    cv::resize(clean, clean, {}, 24, 24, cv::INTER_NEAREST);
    AddNoise::Params noise;
    noise.sigma = 20;
    const cv::Mat noisy = run<AddNoise>(noise, clean).value().mat();
    DenoiseNlm::Params params;
    params.h = 12;
    const auto denoised = run<DenoiseNlm>(params, noisy);
    ASSERT_TRUE(denoised);
    const auto error = [&](const cv::Mat& picture) {
      cv::Mat a, b;
      picture.convertTo(a, CV_32F, 1 / Image(picture).white());
      clean.convertTo(b, CV_32F, 1 / Image(clean).white());
      return cv::norm(a, b, cv::NORM_L2);
    };
    EXPECT_LT(error(denoised.value().mat()), 0.8 * error(noisy)) << type;
    EXPECT_EQ(denoised.value().channels(), clean.channels());
  }
}

TEST(DrawDigits, AreSeededAndAllDifferent) {
  const cv::Mat three = data::draw_digit(3, 7, 28);
  EXPECT_EQ(cv::norm(three, data::draw_digit(3, 7, 28), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(three, data::draw_digit(3, 8, 28), cv::NORM_INF), 100);
  DrawDigits node({30, 28, 5});
  const auto items = node.list();
  ASSERT_EQ(items->size(), 30u);
  for (int label = 0; label < 10; ++label) {
    FakeContext context((*items)[static_cast<std::size_t>(label)].name);
    const auto [picture, record] = *node.process((*items)[static_cast<std::size_t>(10 + label)], context);
    EXPECT_EQ(std::get<std::int64_t>(*record.find("label")), label);
    // Strokes cover a tenth to a third of the picture and stay away from its border.
    const double ink = cv::sum(picture.mat())[0] / 255 / (28 * 28);
    EXPECT_GT(ink, 0.04) << label;
    EXPECT_LT(ink, 0.35) << label;
    EXPECT_EQ(cv::sum(picture.mat().row(0))[0], 0) << label;
  }
}

}  // namespace
}  // namespace latentflow::image

// mask_nodes_test.cpp: make_mask, mask_dilate, mask_from_color and mask_from_alpha.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "inpaint/apply_mask.h"
#include "inpaint/make_mask.h"
#include "inpaint/mask_dilate.h"
#include "inpaint/mask_from_alpha.h"
#include "inpaint/mask_from_color.h"
#include "support/fake_context.h"
#include "support/pictures.h"

namespace latentflow::inpaint {
namespace {

using test::FakeContext;
using test::same_pixels;
using test::soft_picture;

template <class Node>
Result<Image> run(const typename Node::Params& params, const cv::Mat& input, std::uint64_t item = 0) {
  FakeContext context("a.png", item);
  return Node(params).process(Image(input), context);
}

TEST(MakeMask, DependsOnSeedAndItemNumberAlone) {
  const cv::Mat picture = soft_picture(80, 60, CV_8UC3), other = soft_picture(80, 60, CV_16UC1, 3);
  for (const char* kind : {"random", "thin", "medium", "thick", "scratches", "text", "box"}) {
    const MakeMask::Params params{.kind = kind};
    const cv::Mat first = run<MakeMask>(params, picture, 4)->mat();
    EXPECT_EQ(first.size(), picture.size()) << kind;
    EXPECT_TRUE(same_pixels(first, run<MakeMask>(params, other, 4)->mat())) << kind;
    EXPECT_FALSE(same_pixels(first, run<MakeMask>(params, picture, 5)->mat())) << kind;
    EXPECT_FALSE(same_pixels(first, run<MakeMask>({.kind = kind, .seed = 2}, picture, 4)->mat())) << kind;
  }
}

TEST(MakeMask, KeepsItsShareAndItsSide) {
  const cv::Mat picture = soft_picture(200, 100, CV_8UC1);
  EXPECT_NEAR(cv::countNonZero(run<MakeMask>({.kind = "random", .share = 0.2}, picture)->mat()) / 20000.0, 0.2, 0.01);
  const cv::Mat box = run<MakeMask>({.kind = "box", .side = 0.5, .centred = true}, picture)->mat();
  EXPECT_EQ(cv::countNonZero(box), 2500);
  EXPECT_EQ(cv::countNonZero(box(cv::Rect(75, 25, 50, 50))), 2500);
}

TEST(MakeMask, DrawsItsShareForEveryItemFromTheRange) {
  const cv::Mat picture = soft_picture(60, 50, CV_8UC1);
  double low = 1, high = 0;
  for (std::uint64_t item = 0; item < 40; ++item) {
    const cv::Mat mask = run<MakeMask>({.kind = "random", .share = {0.2, 0.8}}, picture, item)->mat();
    const double share = cv::countNonZero(mask) / 3000.0;
    low = std::min(low, share), high = std::max(high, share);
    const cv::Mat box = run<MakeMask>({.kind = "box", .side = {0.2, 0.6}}, picture, item)->mat();
    const int side = static_cast<int>(std::lround(std::sqrt(cv::countNonZero(box))));
    EXPECT_EQ(side * side, cv::countNonZero(box));
    EXPECT_GE(side, 10);
    EXPECT_LE(side, 30);
  }
  // 3000 pixels have a share within 0.03 of theirs.
  EXPECT_GT(low, 0.17);
  EXPECT_LT(low, 0.35);
  EXPECT_GT(high, 0.65);
  EXPECT_LT(high, 0.83);
}

TEST(MaskDilate, GrowsByADiscOfTheRadius) {
  cv::Mat mask = cv::Mat::zeros(21, 21, CV_8UC1);
  mask.at<unsigned char>(10, 10) = 255;
  const cv::Mat grown = run<MaskDilate>({.radius = 5}, mask)->mat();
  for (int y = 0; y < 21; ++y)
    for (int x = 0; x < 21; ++x)
      EXPECT_EQ(grown.at<unsigned char>(y, x), (x - 10) * (x - 10) + (y - 10) * (y - 10) <= 25 ? 255 : 0)
          << x << " " << y;
  EXPECT_TRUE(same_pixels(run<MaskDilate>({.radius = 0}, mask)->mat(), mask));
  for (const double level : {0.0, 255.0}) {
    const cv::Mat even(4, 4, CV_8UC1, cv::Scalar(level));
    EXPECT_TRUE(same_pixels(run<MaskDilate>({}, even)->mat(), even));
  }
  EXPECT_FALSE(run<MaskDilate>({}, cv::Mat(4, 4, CV_8UC1, cv::Scalar(3))));
}

Result<Image> with_holes(const ApplyMask::Params& params, const cv::Mat& picture, const cv::Mat& mask,
                         FakeContext& context) {
  return ApplyMask(params).process(Image(picture), Image(mask), context);
}

TEST(ApplyMask, GivesHolesTheirColourAndLeavesTheRestInEveryDepth) {
  const cv::Mat mask = run<MakeMask>({.kind = "random", .share = 0.4}, soft_picture(31, 23, CV_8UC1))->mat();
  for (const int depth : {CV_8U, CV_16U, CV_32F})
    for (const int channels : {1, 3, 4}) {
      const cv::Mat picture = soft_picture(31, 23, CV_MAKETYPE(depth, channels)), before = picture.clone();
      const double unit = Image(picture).white() / 255;
      ApplyMask::Params params{.color = {204, 51, 102}};  // red, green, blue
      if (channels == 1) params.color = {51, 51, 51};
      FakeContext context("a.png");
      const Result<Image> result = with_holes(params, picture, mask, context);
      ASSERT_TRUE(result) << result.error().message;
      ASSERT_EQ(result->mat().type(), picture.type());
      EXPECT_TRUE(same_pixels(picture, before));
      EXPECT_EQ(context.measured.at("missing_pixels"), cv::countNonZero(mask));
      cv::Mat got, was;
      result->mat().convertTo(got, CV_64F), picture.convertTo(was, CV_64F);
      const int colours = std::min(channels, 3);
      for (int y = 0; y < picture.rows; ++y)
        for (int x = 0; x < picture.cols; ++x)
          for (int c = 0; c < channels; ++c) {
            const bool changed = mask.at<unsigned char>(y, x) == 255 && c < colours;
            const double expected =
                changed ? params.color[static_cast<std::size_t>(2 - c)] * unit : was.ptr<double>(y)[x * channels + c];
            ASSERT_NEAR(got.ptr<double>(y)[x * channels + c], expected, changed ? 1e-6 : 0.0)
                << depth << " " << channels << " " << x << " " << y << " " << c;
          }
    }
}

TEST(ApplyMask, TakesEveryMaskThatInpaintTakesAndNoOther) {
  const cv::Mat picture = soft_picture(8, 6, CV_8UC3);
  FakeContext context("a.png");
  const auto refusal = [&](const cv::Mat& mask, const ApplyMask::Params& params = {}) {
    const Result<Image> result = with_holes(params, picture, mask, context);
    return result ? std::string() : result.error().message;
  };
  const cv::Mat none = cv::Mat::zeros(6, 8, CV_8UC1), all(6, 8, CV_8UC1, cv::Scalar(255));
  EXPECT_EQ(with_holes({}, picture, none, context)->mat().data, picture.data) << "nothing to change";
  EXPECT_EQ(cv::norm(with_holes({}, picture, all, context)->mat()), 0);
  EXPECT_EQ(cv::norm(with_holes({}, picture, cv::Mat(1, 1, CV_8UC1, cv::Scalar(255)), context)->mat()), 0);
  cv::Mat between = none.clone();
  between.at<unsigned char>(2, 3) = 100;
  EXPECT_EQ(refusal(between),
            "mask has 1 pixels that are neither black nor white, the first at x 3, y 2 with 100 of 255; threshold: 128 "
            "in read_masks (latentflow inpaint --threshold 128) makes them one or the other");
  const cv::Mat small(3, 4, CV_8UC1, cv::Scalar(255));
  EXPECT_EQ(refusal(small),
            "mask is 4x3, the picture is 8x6; needs equal sizes, or fit: nearest (latentflow inpaint --fit nearest) to "
            "scale the mask");
  EXPECT_EQ(refusal(small, {.fit = "nearest"}), "");
  EXPECT_EQ(with_holes({.color = {255, 0, 0}}, soft_picture(8, 6, CV_8UC1), all, context).error().message,
            "the picture is grey and the color [255, 0, 0] is not; needs three equal numbers, or convert with color: "
            "color before");
  EXPECT_EQ(with_holes({}, cv::Mat(6, 8, CV_8UC2), all, context).error().message,
            "needs 1, 3 or 4 channels of 8 bit, 16 bit or float, got 8x6, 2 channels, 8 bit");
}

TEST(ApplyMask, IsUndoneByMaskFromColor) {
  // No pixel has the colour of the holes but they themselves.
  const cv::Mat picture = soft_picture(40, 30, CV_8UC3) * 0.5;
  const cv::Mat mask = run<MakeMask>({.kind = "thin"}, picture)->mat();
  FakeContext context("a.png");
  const cv::Mat damaged = with_holes({.color = {255, 0, 255}}, picture, mask, context)->mat();
  EXPECT_TRUE(same_pixels(run<MaskFromColor>({.color = {255, 0, 255}}, damaged)->mat(), mask));
}

TEST(MaskFromColor, FindsTheColourWithinItsToleranceInEveryDepth) {
  cv::Mat picture(2, 3, CV_8UC3, cv::Scalar(10, 20, 30));
  picture.at<cv::Vec3b>(1, 2) = {0, 128, 255};  // blue, green, red
  picture.at<cv::Vec3b>(0, 1) = {5, 120, 250};
  const MaskFromColor::Params exact{.color = {255, 128, 0}, .tolerance = 0},
      wide{.color = {255, 128, 0}, .tolerance = 8};
  for (const int depth : {CV_8U, CV_16U, CV_32F}) {
    cv::Mat same;
    picture.convertTo(same, depth, depth == CV_8U ? 1 : depth == CV_16U ? 257 : 1 / 255.0);
    const cv::Mat one = run<MaskFromColor>(exact, same)->mat(), two = run<MaskFromColor>(wide, same)->mat();
    EXPECT_EQ(cv::countNonZero(one), 1) << depth;
    EXPECT_EQ(one.at<unsigned char>(1, 2), 255) << depth;
    EXPECT_EQ(cv::countNonZero(two), 2) << depth;
    EXPECT_EQ(two.at<unsigned char>(0, 1), 255) << depth;
  }
  const cv::Mat grey(1, 2, CV_8UC1, cv::Scalar(200));
  EXPECT_EQ(cv::countNonZero(run<MaskFromColor>({.color = {200, 200, 200}, .tolerance = 0}, grey)->mat()), 2);
  EXPECT_EQ(cv::countNonZero(run<MaskFromColor>({.color = {200, 200, 190}, .tolerance = 5}, grey)->mat()), 0);
}

TEST(MasksThatComeOutEmpty, SayWhatWasLookedFor) {
  cv::Mat picture = soft_picture(6, 4, CV_8UC4);
  cv::Mat opaque(picture.size(), CV_8UC1, cv::Scalar(255));
  cv::mixChannels({opaque}, {picture}, {0, 3});
  FakeContext none("a.png"), one("b.png"), clear("c.png");
  const MaskFromColor colour({.color = {255, 0, 255}, .tolerance = 2.5});
  ASSERT_TRUE(colour.process(Image(picture), none));
  EXPECT_EQ(none.warnings, std::vector<std::string>{
                               "nothing is missing: no pixel has the color [255, 0, 255] within a tolerance of 2.5"});
  picture.at<cv::Vec4b>(2, 3) = {255, 0, 255, 255};
  ASSERT_TRUE(colour.process(Image(picture), one));
  EXPECT_TRUE(one.warnings.empty());
  ASSERT_TRUE(MaskFromAlpha({}).process(Image(picture), clear));
  EXPECT_EQ(clear.warnings, std::vector<std::string>{"nothing is missing: no pixel has alpha below 128"});
}

TEST(MaskFromAlpha, TransparentIsMissing) {
  cv::Mat picture = soft_picture(3, 2, CV_16UC4);
  for (int x = 0; x < 3; ++x)
    for (int y = 0; y < 2; ++y) picture.at<cv::Vec4w>(y, x)[3] = 65535;
  picture.at<cv::Vec4w>(1, 0)[3] = 100 * 257;
  const cv::Mat mask = run<MaskFromAlpha>({}, picture)->mat();
  EXPECT_EQ(cv::countNonZero(mask), 1);
  EXPECT_EQ(mask.at<unsigned char>(1, 0), 255);
  EXPECT_EQ(cv::countNonZero(run<MaskFromAlpha>({.threshold = 100}, picture)->mat()), 0);
  const auto opaque = run<MaskFromAlpha>({}, soft_picture(3, 2, CV_8UC3));
  ASSERT_FALSE(opaque);
  EXPECT_EQ(opaque.error().message, "needs a picture with transparency, got 3x2, 3 channels, 8 bit");
}

}  // namespace
}  // namespace latentflow::inpaint

// mask_nodes_test.cpp: make_mask, mask_dilate, mask_from_color and mask_from_alpha.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

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

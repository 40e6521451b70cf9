// holes_test.cpp: masks from pictures, drawn masks, and the smooth filling of holes.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "holes/draw.h"
#include "holes/fill.h"
#include "holes/mask.h"
#include "support/pictures.h"

namespace latentflow::holes {
namespace {

using test::same_pixels;
using test::soft_picture;

std::string why(const Result<cv::Mat>& mask) { return mask ? "" : mask.error().message; }

TEST(ToMask, WhiteIsTheHoleUnlessInverted) {
  for (const auto& [type, white] :
       {std::pair{CV_8UC1, 255.0}, {CV_16UC1, 65535.0}, {CV_32FC1, 1.0}, {CV_8UC3, 255.0}, {CV_8UC4, 255.0}}) {
    cv::Mat picture(3, 4, type, cv::Scalar(0, 0, 0, 255));
    picture(cv::Rect(1, 2, 1, 1)).setTo(cv::Scalar(white, white, white, 255));
    const Result<cv::Mat> mask = to_mask(picture, {}), inverted = to_mask(picture, {0, true});
    ASSERT_TRUE(mask && inverted) << why(mask) << why(inverted);
    EXPECT_EQ(mask->type(), CV_8UC1);
    EXPECT_EQ(cv::countNonZero(*mask), 1);
    EXPECT_EQ(mask->at<unsigned char>(2, 1), 255);
    EXPECT_EQ(cv::norm(*inverted, 255 - *mask, cv::NORM_INF), 0);
  }
}

TEST(ToMask, GreyValuesAreRefusedUnlessThereIsAThreshold) {
  cv::Mat picture = cv::Mat::zeros(3, 4, CV_8UC1);
  picture.at<unsigned char>(1, 2) = 128, picture.at<unsigned char>(2, 0) = 127;
  EXPECT_EQ(why(to_mask(picture, {})),
            "mask has 2 pixels that are neither black nor white, the first at x 2, y 1 with 128 of 255; "
            "threshold: 128 in read_masks (latentflow inpaint --threshold 128) makes them one or the other");
  const Result<cv::Mat> mask = to_mask(picture, {128, false});
  ASSERT_TRUE(mask) << why(mask);
  EXPECT_EQ(cv::countNonZero(*mask), 1);
  EXPECT_EQ(mask->at<unsigned char>(1, 2), 255);
}

TEST(ToMask, ColoursAndTransparencyAreRefusedWithTheNodeThatTakesThem) {
  cv::Mat picture = cv::Mat::zeros(2, 2, CV_8UC3);
  picture.at<cv::Vec3b>(1, 0) = {255, 0, 255};
  EXPECT_NE(
      why(to_mask(picture, {})).find("colours, at x 0, y 1; needs a grey picture, or read_images and mask_from_color"),
      std::string::npos);
  EXPECT_NE(why(to_mask(cv::Mat::zeros(2, 2, CV_8UC4), {})).find("transparent at x 0, y 0"), std::string::npos);
  EXPECT_EQ(why(to_mask(cv::Mat(), {})), "mask has no pixels");
}

TEST(FitMask, OnePixelStandsForAllOtherSizesNeedNearest) {
  const Result<cv::Mat> all = fit_mask(cv::Mat(1, 1, CV_8UC1, cv::Scalar(255)), {5, 4}, false);
  ASSERT_TRUE(all) << why(all);
  EXPECT_EQ(cv::countNonZero(*all), 20);
  cv::Mat half = cv::Mat::zeros(2, 2, CV_8UC1);
  half.at<unsigned char>(0, 1) = 255;
  EXPECT_EQ(why(fit_mask(half, {6, 4}, false)),
            "mask is 2x2, the picture is 6x4; needs equal sizes, or fit: nearest (latentflow inpaint --fit nearest) to "
            "scale the mask");
  const Result<cv::Mat> scaled = fit_mask(half, {6, 4}, true);
  ASSERT_TRUE(scaled) << why(scaled);
  EXPECT_EQ(cv::countNonZero(*scaled), 6);
  EXPECT_EQ(cv::countNonZero((*scaled)(cv::Rect(3, 0, 3, 2))), 6);
}

TEST(DrawMask, EveryKindIsBlackAndWhiteRepeatableAndOfItsOwn) {
  std::vector<cv::Mat> drawn;
  for (std::size_t kind = 0; kind < mask_kind_names.size(); ++kind) {
    MaskDrawing drawing;
    drawing.kind = static_cast<MaskKind>(kind);
    if (drawing.kind == MaskKind::box) drawing.amount = {20, 40};
    for (const cv::Size size : {cv::Size(200, 150), cv::Size(1, 1), cv::Size(3, 70)}) {
      const cv::Mat mask = draw_mask(size, drawing, 5);
      ASSERT_EQ(mask.size(), size);
      ASSERT_EQ(mask.type(), CV_8UC1);
      EXPECT_TRUE(to_mask(mask, {})) << mask_kind_names[kind];
      EXPECT_TRUE(same_pixels(mask, draw_mask(size, drawing, 5))) << mask_kind_names[kind];
    }
    const cv::Mat mask = draw_mask({200, 150}, drawing, 5);
    EXPECT_FALSE(same_pixels(mask, draw_mask({200, 150}, drawing, 6))) << mask_kind_names[kind];
    for (const cv::Mat& other : drawn) EXPECT_FALSE(same_pixels(mask, other)) << mask_kind_names[kind];
    const double covered = cv::countNonZero(mask) / 30000.0;
    EXPECT_GT(covered, 0.001) << mask_kind_names[kind];
    EXPECT_LE(covered, drawing.kind == MaskKind::random ? 0.52 : 0.5) << mask_kind_names[kind];
    drawn.push_back(mask);
  }
}

TEST(DrawMask, AmountsAreKept) {
  EXPECT_NEAR(cv::countNonZero(draw_mask({300, 300}, {MaskKind::random, {0.8, 0.8}}, 1)) / 90000.0, 0.8, 0.01);
  EXPECT_EQ(cv::countNonZero(draw_mask({300, 300}, {MaskKind::random, {0, 0}}, 1)), 0);
  EXPECT_EQ(cv::countNonZero(draw_mask({300, 300}, {MaskKind::random, {1, 1}}, 1)), 90000);
  EXPECT_EQ(cv::boundingRect(draw_mask({100, 80}, {MaskKind::box, {20, 20}, true}, 1)), cv::Rect(40, 30, 20, 20));
  for (std::uint64_t key = 0; key < 20; ++key) {
    const cv::Rect box = cv::boundingRect(draw_mask({100, 80}, {MaskKind::box, {10, 30}}, key));
    EXPECT_EQ(box.width, box.height);
    EXPECT_TRUE(box.width >= 10 && box.width <= 30) << box;
  }
}

TEST(FillSmoothly, KeepsEveryKnownBitInEveryDepth) {
  const cv::Mat mask = draw_mask({90, 70}, {MaskKind::thin, {}}, 3);
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC3, CV_32FC1, CV_32FC3}) {
    const cv::Mat picture = soft_picture(90, 70, type);
    cv::Mat filled = fill_smoothly(picture, mask);
    ASSERT_EQ(filled.type(), type);
    EXPECT_FALSE(same_pixels(filled, picture)) << type;
    picture.copyTo(filled, mask);
    EXPECT_TRUE(same_pixels(filled, picture)) << type;
  }
}

TEST(FillSmoothly, ContinuesConstantsAndRamps) {
  cv::Mat ramp(64, 64, CV_32FC1), mask = cv::Mat::zeros(64, 64, CV_8UC1);
  for (int x = 0; x < 64; ++x) ramp.col(x).setTo(x / 64.0);
  mask(cv::Rect(20, 24, 14, 10)).setTo(255);
  // A ramp is harmonic: its membrane is itself. What the few sweeps leave is well below a tenth of the ramp's rise.
  EXPECT_LT(cv::norm(fill_smoothly(ramp, mask), ramp, cv::NORM_INF), 0.02);
  const cv::Mat flat(50, 40, CV_16UC3, cv::Scalar(1000, 2000, 65535));
  EXPECT_TRUE(same_pixels(fill_smoothly(flat, draw_mask(flat.size(), {MaskKind::random, {0.9, 0.9}}, 2)), flat));
}

TEST(FillSmoothly, StaysWithinTheKnownValuesNearly) {
  const cv::Mat picture = soft_picture(100, 100, CV_32FC1);
  const cv::Mat mask = draw_mask({100, 100}, {MaskKind::box, {60, 60}, true}, 2);
  double low, high;
  cv::minMaxLoc(fill_smoothly(picture, mask), &low, &high, nullptr, nullptr, mask);
  EXPECT_GT(low, -0.1);
  EXPECT_LT(high, 1.1);
}

TEST(FillSmoothly, NothingKnownBecomesMidGreyAndSinglePixelsWork) {
  const cv::Mat picture = soft_picture(9, 7, CV_8UC3);
  EXPECT_LE(cv::norm(fill_smoothly(picture, cv::Mat(7, 9, CV_8UC1, cv::Scalar(255))),
                     cv::Mat(7, 9, CV_8UC3, cv::Scalar::all(128)), cv::NORM_INF),
            1);
  const cv::Mat one(1, 1, CV_8UC1, cv::Scalar(77));
  EXPECT_TRUE(same_pixels(fill_smoothly(one, cv::Mat::zeros(1, 1, CV_8UC1)), one));
}

}  // namespace
}  // namespace latentflow::holes

// damage_test.cpp: nodes that damage pictures: noise of a range of levels, and JPEG.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "image/add_noise.h"
#include "image/compress_jpeg.h"
#include "support/picture_stage.h"
#include "support/pictures.h"

namespace latentflow::image {
namespace {

using test::FakeContext;
using test::run;
using test::same_pixels;
using test::soft_picture;

/// What a node measured for the items 0 to `count` - 1.
template <class Node>
std::vector<double> measured(const typename Node::Params& params, const std::string& quantity, std::uint64_t count) {
  std::vector<double> values;
  for (std::uint64_t number = 0; number < count; ++number) {
    FakeContext context("a", number);
    EXPECT_TRUE(run<Node>(params, cv::Mat(1, 1, CV_8UC1, cv::Scalar(100)), context));
    EXPECT_EQ(context.measured.count(quantity), 1u);
    values.push_back(context.measured[quantity]);
  }
  return values;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const cv::Mat first = cv::Mat(a) - cv::mean(a)[0], second = cv::Mat(b) - cv::mean(b)[0];
  return first.dot(second) / cv::norm(first) / cv::norm(second);
}

TEST(AddNoise, DrawsItsLevelForEveryItemEvenlyFromTheRange) {
  AddNoise::Params params;
  params.sigma = {10, 50};
  const std::vector<double> levels = measured<AddNoise>(params, "noise_added", 400);
  EXPECT_EQ(measured<AddNoise>(params, "noise_added", 400), levels);
  cv::Scalar mean, deviation;
  cv::meanStdDev(levels, mean, deviation);
  // Of 400 even numbers: the standard errors are 0.6 and 0.26.
  EXPECT_NEAR(mean[0], 30, 2.5);
  EXPECT_NEAR(deviation[0], 40 / std::sqrt(12), 1.1);
  EXPECT_GE(*std::min_element(levels.begin(), levels.end()), 10);
  EXPECT_LE(*std::max_element(levels.begin(), levels.end()), 50);
  params.seed = 2;
  EXPECT_LT(std::abs(correlation(levels, measured<AddNoise>(params, "noise_added", 400))), 0.2);
}

TEST(AddNoise, AddsNoiseOfTheLevelThatItTells) {
  const cv::Mat flat(150, 150, CV_8UC3, cv::Scalar::all(128));
  AddNoise::Params params;
  params.sigma = {5, 55};
  params.keep_float = true;
  std::set<double> levels;
  for (std::uint64_t number = 0; number < 6; ++number) {
    FakeContext context("a", number);
    const cv::Mat noisy = run<AddNoise>(params, flat, context)->mat();
    cv::Scalar mean, deviation;
    cv::meanStdDev(noisy * 255, mean, deviation);
    const double level = context.measured.at("noise_added");
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(deviation[c], level, 0.03 * level);
    // The same noise as one of that level alone.
    AddNoise::Params fixed = params;
    fixed.sigma = level;
    EXPECT_TRUE(same_pixels(run<AddNoise>(fixed, flat, number)->mat(), noisy));
    levels.insert(level);
  }
  EXPECT_EQ(levels.size(), 6u);
}

/// What OpenCV makes of a picture by way of a JPEG file.
cv::Mat by_opencv(const cv::Mat& bytes, int quality) {
  const std::vector<std::uint8_t> file = test::encoded(".jpg", bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  return cv::imdecode(file, cv::IMREAD_UNCHANGED);
}

CompressJpeg::Params jpeg(NumberRange quality, const std::string& chroma = "4:2:0") {
  CompressJpeg::Params params;
  params.quality = quality, params.chroma = chroma;
  return params;
}

TEST(CompressJpeg, GivesWhatAFileOfTheQualityGives) {
  for (const int type : {CV_8UC1, CV_8UC3})
    for (const int quality : {1, 40, 95}) {
      const cv::Mat picture = soft_picture(61, 47, type), before = picture.clone();
      EXPECT_TRUE(same_pixels(run<CompressJpeg>(jpeg(quality), picture)->mat(), by_opencv(picture, quality)))
          << type << " at " << quality;
      EXPECT_TRUE(same_pixels(picture, before));
    }
}

TEST(CompressJpeg, KeepsDepthAndAlphaAndRoundsToBytes) {
  for (const int type : {CV_8UC4, CV_16UC1, CV_16UC3, CV_16UC4, CV_32FC1, CV_32FC3, CV_32FC4}) {
    const cv::Mat picture = soft_picture(40, 30, type);
    const cv::Mat result = run<CompressJpeg>(jpeg(60), picture)->mat();
    ASSERT_EQ(result.type(), type);
    const double white = Image(picture).white();
    cv::Mat bytes, expected;
    picture.convertTo(bytes, CV_8U, 255 / white);
    if (picture.channels() == 4) {
      cv::Mat alpha, kept;
      cv::extractChannel(picture, alpha, 3), cv::extractChannel(result, kept, 3);
      EXPECT_TRUE(same_pixels(kept, alpha)) << type;
      cv::cvtColor(bytes, bytes, cv::COLOR_BGRA2BGR);
    }
    by_opencv(bytes, 60).convertTo(expected, picture.depth(), white / 255);
    cv::Mat colours = result;
    if (picture.channels() == 4) cv::cvtColor(result, colours, cv::COLOR_BGRA2BGR);
    EXPECT_LE(cv::norm(colours, expected, cv::NORM_INF), 1e-6) << type;
  }
}

TEST(CompressJpeg, LosesMoreColourWhereItHasFewerSamples) {
  // Grey of one brightness with colours that change from pixel to pixel in both directions.
  cv::Mat picture(32, 32, CV_8UC3);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x)
      picture.at<cv::Vec3b>(y, x) = y < 16 ? (x % 2 == 0 ? cv::Vec3b(180, 120, 120) : cv::Vec3b(60, 120, 120))
                                           : (y % 2 == 0 ? cv::Vec3b(180, 120, 120) : cv::Vec3b(60, 120, 120));
  const auto lost = [&](const std::string& chroma, cv::Rect part) {
    const cv::Mat result = run<CompressJpeg>(jpeg(100, chroma), picture)->mat();
    return cv::norm(result(part), picture(part), cv::NORM_L2) / std::sqrt(3.0 * part.area());
  };
  const cv::Rect columns(4, 2, 24, 10), rows(4, 20, 24, 10);
  EXPECT_LT(lost("4:4:4", columns), 3);
  EXPECT_LT(lost("4:4:4", rows), 3);
  EXPECT_GT(lost("4:2:2", columns), 15) << "half of the width";
  EXPECT_LT(lost("4:2:2", rows), 3) << "all of the height";
  EXPECT_GT(lost("4:2:0", columns), 15);
  EXPECT_GT(lost("4:2:0", rows), 15);
}

TEST(CompressJpeg, DrawsAWholeQualityForEveryItem) {
  const CompressJpeg::Params params = jpeg({30, 95});
  const std::vector<double> qualities = measured<CompressJpeg>(params, "jpeg_quality", 300);
  EXPECT_EQ(measured<CompressJpeg>(params, "jpeg_quality", 300), qualities);
  for (const double quality : qualities) {
    EXPECT_EQ(quality, std::round(quality));
    EXPECT_GE(quality, 30);
    EXPECT_LE(quality, 95);
  }
  EXPECT_NEAR(cv::mean(qualities)[0], 62.5, 4);
  // Not the numbers that noise is drawn by: strong noise would always meet the same quality.
  AddNoise::Params noise;
  noise.sigma = {0, 55};
  EXPECT_LT(std::abs(correlation(qualities, measured<AddNoise>(noise, "noise_added", 300))), 0.25);
  const cv::Mat picture = soft_picture(61, 47, CV_8UC3);
  for (const std::uint64_t item : {0u, 7u})
    EXPECT_TRUE(same_pixels(run<CompressJpeg>(params, picture, item)->mat(),
                            by_opencv(picture, static_cast<int>(qualities[item]))));
}

TEST(CompressJpeg, CountsWhatItCodesAsMemory) {
  constexpr std::size_t samples = 300 * 400 * 3;
  const auto working = [](int type) {
    return CompressJpeg(jpeg(75)).predict({test::shape_of(cv::Mat(300, 400, type))}).working_bytes;
  };
  cv::Mat noise(300, 400, CV_8UC3);
  cv::RNG(3).fill(noise, cv::RNG::UNIFORM, 0, 256);
  cv::Mat grey;
  cv::extractChannel(noise, grey, 0);
  // Noise, which takes more than its pixels do, fits into the room that is counted.
  EXPECT_GE(working(CV_8UC3), codecs::encode_jpeg(noise, 100, codecs::Chroma::full)->capacity());
  EXPECT_GE(working(CV_8UC1), codecs::encode_jpeg(grey, 100)->capacity());
  EXPECT_GT(codecs::encode_jpeg(grey, 100)->size(), grey.total());
  // And the bytes that are coded and decoded beside a picture of other samples, and the colours beside their alpha.
  EXPECT_GE(working(CV_16UC3), working(CV_8UC3) + 2 * samples);
  EXPECT_GE(working(CV_32FC4), working(CV_8UC3) + 2 * samples + 4 * samples);
}

TEST(CompressJpeg, RefusesWhatIsNoPicture) {
  EXPECT_EQ(run<CompressJpeg>({}, cv::Mat(4, 5, CV_8UC2)).error().message,
            "needs 1, 3 or 4 channels of 8 bit, 16 bit or float, got 5x4, 2 channels, 8 bit");
  cv::Mat broken(4, 5, CV_32FC1, cv::Scalar(0.5));
  broken.at<float>(2, 3) = std::numeric_limits<float>::quiet_NaN();
  const Result<Image> refused = run<CompressJpeg>({}, broken);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::bad_input);
  EXPECT_NE(refused.error().message.find("at x 3, y 2"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace latentflow::image

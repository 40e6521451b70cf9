// noise_estimate_test.cpp: the level of noise in pictures of all kinds, against the level that was added.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "denoise/estimate_noise.h"
#include "denoise/noise_estimate.h"
#include "support/fake_context.h"

namespace latentflow::denoise {
namespace {

/// Shaded, with edges and a textured part, as photographs are.
cv::Mat drawn_scene() {
  cv::Mat scene(256, 320, CV_32FC3);
  for (int y = 0; y < scene.rows; ++y)
    for (int x = 0; x < scene.cols; ++x) {
      const float shade = 0.3f + 0.3f * static_cast<float>(x) / 320 + (y > 128 ? 0.1f : 0.0f);
      const float weave =
          x > 200 ? 0.05f * std::sin(0.9f * static_cast<float>(x)) * std::sin(0.7f * static_cast<float>(y)) : 0.0f;
      scene.at<cv::Vec3f>(y, x) = {shade + weave, 0.9f * shade + weave, 0.8f * shade + weave};
    }
  return scene;
}

TEST(NoiseEstimate, FindsTheLevelOfWhiteNoiseWithinTenPercent) {
  for (const double sigma : {5.0, 10.0, 15.0, 25.0, 50.0}) {
    for (const bool grey : {false, true}) {
      cv::Mat scene = drawn_scene();
      if (grey) cv::extractChannel(scene, scene, 1);
      cv::Mat noise(scene.size(), scene.type());
      cv::RNG random(11);
      random.fill(noise, cv::RNG::NORMAL, 0, sigma / 255);
      EXPECT_NEAR(estimate_noise(Image(scene + noise)), sigma, 0.1 * sigma) << "grey " << grey;
    }
  }
}

/// Peak of resident memory of this process, in bytes.
std::size_t peak_resident() {
  std::ifstream stream("/proc/self/status");
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  return 0;
}

TEST(NoiseEstimate, MakesUpForNoiseThatWasClipped) {
  // From black to white: at these levels most patches have samples at both ends of the range.
  cv::Mat ramp(300, 300, CV_32FC3), noise(ramp.size(), ramp.type()), noisy;
  for (int x = 0; x < ramp.cols; ++x) ramp.col(x).setTo(cv::Scalar::all(255.0 * x / ramp.cols));
  for (const double sigma : {35.0, 50.0}) {
    cv::RNG(4).fill(noise, cv::RNG::NORMAL, 0, sigma);
    cv::Mat(ramp + noise).convertTo(noisy, CV_8U);
    EXPECT_NEAR(estimate_noise(Image(noisy)), sigma, 0.05 * sigma);
  }
}

TEST(NoiseEstimate, MakesUpForClippingInDarkPicturesAndInColoursThatAreNearlyPure) {
  // Means of 0.4 to 0.9 sigma in every channel, and an orange whose blue and red lie near both ends.
  const cv::Mat dark = 0.25 * 255 * drawn_scene();
  cv::Mat orange = 0.3 * 255 * drawn_scene() + cv::Scalar(-20, 60, 190), grey;
  cv::extractChannel(dark, grey, 1);
  for (const cv::Mat& clean : {dark, orange, grey}) {
    cv::Mat noise(clean.size(), clean.type()), noisy;
    cv::RNG(12).fill(noise, cv::RNG::NORMAL, 0, 50);
    cv::Mat(clean + noise).convertTo(noisy, CV_8U);
    EXPECT_NEAR(estimate_noise(Image(noisy)), 50, 3) << clean.channels() << " channels, mean " << cv::mean(clean);
  }
}

TEST(NoiseEstimate, TakesFarLessMemoryThanThePicture) {
  cv::Mat large(8000, 6000, CV_8UC3);
  cv::theRNG().fill(large, cv::RNG::NORMAL, 128, 20);
  const std::size_t before = peak_resident();
  EXPECT_NEAR(estimate_noise(Image(large)), 20, 2);
  EXPECT_LT(peak_resident() - before, large.total() * 3 / 2);
}

TEST(NoiseEstimate, IgnoresAlpha) {
  cv::Mat noisy(200, 180, CV_8UC3), ramp(noisy.size(), CV_8U), with_alpha;
  cv::theRNG().fill(noisy, cv::RNG::NORMAL, 128, 20);
  for (int x = 0; x < ramp.cols; ++x) ramp.col(x).setTo(x);
  std::vector<cv::Mat> planes;
  cv::split(noisy, planes);
  planes.push_back(ramp);
  cv::merge(planes, with_alpha);
  EXPECT_EQ(estimate_noise(Image(with_alpha)), estimate_noise(Image(noisy)));
}

TEST(EstimateNoise, MeasuresItsErrorWhereTheTruthIsKnown) {
  cv::Mat noisy(120, 120, CV_8UC3);
  cv::RNG(3).fill(noisy, cv::RNG::NORMAL, 128, 20);
  test::FakeContext context("a.png");
  const Result<Record> row = EstimateNoise({25}).process(Image(noisy), nullptr, context);
  ASSERT_TRUE(row.ok());
  const auto number = [&](const char* name) { return std::get<double>(*row->find(name)); };
  EXPECT_EQ(std::get<std::string>(*row->find("name")), "a.png");
  EXPECT_NEAR(number("estimate"), 20, 1);
  EXPECT_DOUBLE_EQ(number("error"), 25 - number("estimate"));
  EXPECT_DOUBLE_EQ(number("relative_error"), number("error") / 25);
  const Result<Record> unknown = EstimateNoise({-1}).process(Image(noisy), &*row, context);
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->fields().size(), row->fields().size()) << "numbers go into the row that is given";
  EXPECT_FALSE(EstimateNoise({-1}).process(Image(cv::Mat(9, 9, CV_8UC2)), nullptr, context).ok());
}

TEST(EstimateNoise, HasNoLevelWhereThereIsNoneToEstimate) {
  test::FakeContext context("a.png");
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(300, 1), cv::Size(17, 9)}) {
    const Result<Record> row = EstimateNoise({50}).process(Image(cv::Mat(size, CV_8UC3)), nullptr, context);
    ASSERT_TRUE(row.ok()) << size;
    EXPECT_EQ(row->fields().size(), 1u) << "the name alone";
  }
  ASSERT_EQ(context.warnings.size(), 3u);
  EXPECT_EQ(context.warnings[2], "17x9 pixels are too few to estimate a noise level from, so the row has none");
  cv::Mat broken(60, 60, CV_32FC1, cv::Scalar(0.5));
  broken.at<float>(9, 4) = std::numeric_limits<float>::quiet_NaN();
  const Result<Record> failed = EstimateNoise({-1}).process(Image(broken), nullptr, context);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message.find("the picture is not a number at x 4, y 9"), 0u) << failed.error().message;
}

TEST(NoiseEstimate, FindsLittleInACleanPictureAndNothingInATinyOne) {
  cv::Mat clean;
  drawn_scene().convertTo(clean, CV_8U, 255);
  EXPECT_LT(estimate_noise(Image(clean)), 1.5);
  EXPECT_EQ(estimate_noise(Image(cv::Mat(9, 9, CV_8UC3, cv::Scalar::all(9)))), 0);
}

/// drawn_scene() in 8 bit with noise of `sigma`, the same in every plane or independent.
cv::Mat noisy_scene(double sigma, bool equal) {
  const cv::Mat scene = 255 * drawn_scene();
  cv::Mat noise(scene.size(), equal ? CV_32FC1 : CV_32FC3), noisy;
  cv::RNG(5).fill(noise, cv::RNG::NORMAL, 0, sigma);
  if (equal) cv::merge(std::vector<cv::Mat>(3, noise), noise);
  cv::Mat(scene + noise).convertTo(noisy, CV_8U);
  return noisy;
}

TEST(NoiseEstimate, SeesNoiseThatAJpegFileHasLeftInLuminanceAlone) {
  for (const double sigma : {15.0, 25.0, 50.0})
    for (const int quality : {75, 95}) {
      std::vector<unsigned char> file;
      cv::imencode(".jpg", noisy_scene(sigma, false), file, {cv::IMWRITE_JPEG_QUALITY, quality});
      EXPECT_NEAR(estimate_noise(Image(cv::imdecode(file, cv::IMREAD_COLOR))), sigma, 0.2 * sigma) << quality;
    }
}

TEST(NoiseEstimate, SeesWeakNoiseInAJpegFileOfHighQuality) {
  std::vector<unsigned char> file;
  cv::imencode(".jpg", noisy_scene(5, false), file, {cv::IMWRITE_JPEG_QUALITY, 95});
  EXPECT_NEAR(estimate_noise(Image(cv::imdecode(file, cv::IMREAD_COLOR))), 5, 1.5);
}

TEST(NoiseEstimate, DoesNotTakeTextureAllOverAJpegFileForWeakNoise) {
  cv::Mat texture(256, 320, CV_32FC1), colours, clean;
  cv::RNG(9).fill(texture, cv::RNG::NORMAL, 0, 25);
  cv::GaussianBlur(texture, texture, {}, 0.7);
  texture += 120;
  cv::merge(std::vector<cv::Mat>{0.8 * texture, texture, 1.1 * texture}, colours);
  colours.convertTo(clean, CV_8U);
  std::vector<unsigned char> file;
  cv::imencode(".jpg", clean, file, {cv::IMWRITE_JPEG_QUALITY, 95});
  EXPECT_LT(estimate_noise(Image(cv::imdecode(file, cv::IMREAD_COLOR))), 1.5);
}

TEST(NoiseEstimate, FindsLittleInACleanJpegFile) {
  cv::Mat clean;
  drawn_scene().convertTo(clean, CV_8U, 255);
  std::vector<unsigned char> file;
  cv::imencode(".jpg", clean, file, {cv::IMWRITE_JPEG_QUALITY, 90});
  EXPECT_LT(estimate_noise(Image(cv::imdecode(file, cv::IMREAD_COLOR))), 1.5);
}

TEST(NoiseEstimate, DoesNotCallNoiseThatAllColoursShareNone) {
  EXPECT_GT(estimate_noise(Image(noisy_scene(20, true))), 20) << "in terms of independent noise";
}

TEST(NoiseEstimate, TakesThreeEqualPlanesForTheGreyPictureTheyAre) {
  cv::Mat grey(200, 220, CV_8U), colour;
  cv::RNG(6).fill(grey, cv::RNG::NORMAL, 128, 20);
  cv::cvtColor(grey, colour, cv::COLOR_GRAY2BGR);
  EXPECT_NEAR(estimate_noise(Image(colour)), estimate_noise(Image(grey)), 0.01);
  EXPECT_NEAR(estimate_noise(Image(grey)), 20, 1);
}

TEST(NoiseEstimate, SaysWhenThereAreTooFewPatches) {
  EXPECT_FALSE(can_estimate(Image(cv::Mat(9, 9, CV_8UC3, cv::Scalar::all(9)))));
  EXPECT_FALSE(can_estimate(Image(cv::Mat(3, 900, CV_8U, cv::Scalar::all(9)))));
  EXPECT_TRUE(can_estimate(Image(cv::Mat(40, 40, CV_8UC3, cv::Scalar(1, 2, 3)))));
}

}  // namespace
}  // namespace latentflow::denoise

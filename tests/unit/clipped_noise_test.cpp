// clipped_noise_test.cpp: moments of clipped noise against samples, and the way back to what was clipped.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "denoise/clipped_noise.h"

namespace latentflow::denoise {
namespace {

TEST(ClippedNoise, HasTheMomentsOfClippedSamples) {
  for (const double sigma : {5.0, 50.0, 120.0})
    for (const double mean : {-40.0, 0.0, 3.0, 60.0, 128.0, 250.0, 255.0}) {
      cv::Mat samples(1000, 1000, CV_32F), seen_mean, seen_deviation;
      cv::RNG(8).fill(samples, cv::RNG::NORMAL, mean, sigma);
      samples = cv::min(cv::max(samples, 0), 255);
      cv::meanStdDev(samples, seen_mean, seen_deviation);
      const NormalMoments expected = clipped_normal(mean, sigma);
      EXPECT_NEAR(seen_mean.at<double>(0), expected.mean, 0.004 * sigma) << mean;
      EXPECT_NEAR(seen_deviation.at<double>(0), std::sqrt(expected.variance), 0.004 * sigma) << mean;
    }
}

TEST(ClippedNoise, LeavesAThirdOfTheVarianceAtBlackAndAtWhite) {
  // Half of a normal distribution, the rest at 0: 1 / 2 - 1 / (2 pi).
  EXPECT_NEAR(clipped_normal(0, 10).variance / 100, 0.5 - 0.5 / CV_PI, 1e-9);
  EXPECT_NEAR(clipped_normal(255, 10).variance / 100, 0.5 - 0.5 / CV_PI, 1e-9);
}

TEST(ClippedNoise, FindsTheWayBack) {
  for (const double sigma : {2.0, 25.0, 50.0, 120.0}) {
    const ClippedNoise noise(sigma);
    for (double mean = -sigma; mean <= 255 + sigma; mean += 0.37 * sigma) {
      const NormalMoments seen = clipped_normal(mean, sigma);
      const ClippedNoise::Origin origin = noise.origin_of(seen.mean);
      EXPECT_NEAR(origin.mean, mean, 0.01 * sigma) << sigma;
      EXPECT_NEAR(origin.left, seen.variance / (sigma * sigma), 0.01) << sigma << ", " << mean;
    }
    // Means that no noise of this level has are those at the end of the table.
    EXPECT_NEAR(noise.origin_of(-3).mean, -1.5 * sigma, 1e-6);
    EXPECT_NEAR(noise.origin_of(300).mean, 255 + 1.5 * sigma, 1e-6);
    EXPECT_GT(noise.origin_of(0).left, 0);
  }
}

}  // namespace
}  // namespace latentflow::denoise

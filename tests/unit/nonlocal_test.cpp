// nonlocal_test.cpp: filled pixels move to known ones with similar surroundings, as loops over the definition say.
#include "inpaint/nonlocal.h"

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <opencv2/imgproc.hpp>
#include <set>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "holes/draw.h"
#include "support/pictures.h"

namespace latentflow::inpaint {
namespace {

using test::same_pixels;
using test::soft_picture;

bool never() { return false; }

/// The definition, in double precision over the whole picture, moved by `share`.
cv::Mat by_definition(const cv::Mat& filled, const cv::Mat& mask, double share) {
  constexpr int search = 7, reach = 3;
  const int channels = filled.channels() == 1 ? 1 : 3, border = search + reach;
  const double white = filled.depth() == CV_8U ? 255 : filled.depth() == CV_16U ? 65535 : 1;
  cv::Mat levels, wide, means, holes;
  filled.convertTo(levels, CV_64F, 255 / white);
  cv::copyMakeBorder(levels, wide, border, border, border, border, cv::BORDER_REFLECT);
  cv::copyMakeBorder(mask, holes, border, border, border, border, cv::BORDER_REFLECT);
  cv::GaussianBlur(levels, means, {11, 11}, 1.5, 1.5, cv::BORDER_REFLECT);
  const auto number = [&](const cv::Mat& from, int x, int y, int c) {
    return from.ptr<double>(y)[x * filled.channels() + c];
  };
  cv::Mat result = levels.clone();
  for (int y = 0; y < mask.rows; ++y)
    for (int x = 0; x < mask.cols; ++x) {
      if (mask.at<uchar>(y, x) == 0) continue;
      std::vector<std::pair<double, cv::Point>> similar;
      for (int dy = -search; dy <= search; ++dy)
        for (int dx = -search; dx <= search; ++dx) {
          const cv::Point there(x + dx, y + dy);
          if (!cv::Rect({0, 0}, mask.size()).contains(there) || mask.at<uchar>(there) != 0) continue;
          double sum = 0, total = 0;
          for (int j = -reach; j <= reach; ++j)
            for (int i = -reach; i <= reach; ++i) {
              const int ax = x + i + border, ay = y + j + border, bx = ax + dx, by = ay + dy;
              const double weight = std::exp(-(i * i + j * j) / (2 * 2.25 * 2.25)) *
                                    (holes.at<uchar>(ay, ax) ? 0.5 : 1) * (holes.at<uchar>(by, bx) ? 0.5 : 1);
              total += weight;
              for (int c = 0; c < channels; ++c)
                sum += weight * std::pow(number(wide, ax, ay, c) - number(wide, bx, by, c), 2);
            }
          similar.emplace_back(sum / total * 3 / channels, there);
        }
      if (similar.empty()) continue;
      std::stable_sort(similar.begin(), similar.end(), [](auto& a, auto& b) { return a.first < b.first; });
      similar.resize(std::min<std::size_t>(similar.size(), 4));
      const double nearest = similar[0].first, moved = share / (1 + nearest / 2000);
      for (int c = 0; c < channels; ++c) {
        double sum = 0, total = 0;
        for (const auto& [distance, there] : similar) {
          const double weight = std::exp((nearest - distance) / (nearest + 5));
          total += weight;
          sum += weight * (number(levels, there.x, there.y, c) - number(means, there.x, there.y, c));
        }
        const double from = number(levels, x, y, c), to = number(means, x, y, c) + sum / total;
        result.ptr<double>(y)[x * filled.channels() + c] = from + moved * (to - from);
      }
    }
  cv::Mat rounded;
  result.convertTo(rounded, filled.depth(), white / 255);
  return rounded;
}

TEST(Nonlocal, EqualsTheDefinitionAtAnyDepth) {
  // Larger than one block in both directions, and smaller than the window.
  for (const auto& [type, width, height, most] :
       {std::tuple{CV_8UC1, 75, 40, 1.0}, {CV_8UC3, 75, 40, 1.0}, {CV_16UC4, 70, 35, 8.0}, {CV_32FC3, 9, 5, 1e-4}}) {
    cv::Mat picture = soft_picture(width, height, type);
    cv::Mat noise(picture.size(), CV_MAKETYPE(CV_32F, picture.channels()));
    cv::RNG(7).fill(noise, cv::RNG::NORMAL, 0, picture.depth() == CV_32F ? 0.03 : picture.depth() == CV_16U ? 2000 : 8);
    cv::add(picture, noise, picture, {}, picture.type());
    for (const holes::MaskKind kind : {holes::MaskKind::random, holes::MaskKind::scratches}) {
      const cv::Mat mask = holes::draw_mask(picture.size(), {kind, {0.5, 0.5}}, 3);
      const cv::Mat moved = move_to_similar_pixels(picture, mask, 0.8, never);
      cv::Mat expected = by_definition(picture, mask, 0.8);
      if (picture.channels() == 4) cv::mixChannels({picture}, {expected}, {3, 3});
      EXPECT_LE(cv::norm(moved, expected, cv::NORM_INF), most) << type;
      EXPECT_GT(cv::norm(moved, picture, cv::NORM_INF), 3 * most) << type;
      cv::Mat known = moved.clone();
      picture.copyTo(known, mask);
      EXPECT_TRUE(same_pixels(known, picture)) << "a known pixel of type " << type << " changed";
      if (picture.channels() == 4) {
        cv::Mat before, after;
        cv::extractChannel(picture, before, 3), cv::extractChannel(moved, after, 3);
        EXPECT_TRUE(same_pixels(before, after)) << "alpha changed";
      }
    }
  }
}

TEST(Nonlocal, ATextureGoesOnWhereItsPixelsAreMissing) {
  cv::Mat texture(40, 50, CV_8UC1);
  for (int y = 0; y < texture.rows; ++y)
    for (int x = 0; x < texture.cols; ++x) texture.at<uchar>(y, x) = static_cast<uchar>(60 + 30 * ((x + 2 * y) % 5));
  cv::Mat mask = cv::Mat::zeros(texture.size(), CV_8U), filled = texture.clone();
  cv::line(mask, {5, 3}, {44, 33}, cv::Scalar(255));
  filled.setTo(120, mask);  // what a smooth filling would make of it
  const cv::Mat moved = move_to_similar_pixels(filled, mask, 1, never);
  EXPECT_LT(cv::norm(moved, texture), 0.3 * cv::norm(filled, texture));
}

TEST(Nonlocal, PixelsWithoutKnownOnesNearbyStay) {
  const cv::Mat picture = soft_picture(40, 40, CV_8UC3);
  cv::Mat mask(picture.size(), CV_8U, cv::Scalar(255));
  mask.at<uchar>(0, 0) = 0;
  cv::Mat moved = move_to_similar_pixels(picture, mask, 1, never);
  picture(cv::Rect(0, 0, 8, 8)).copyTo(moved(cv::Rect(0, 0, 8, 8)));
  EXPECT_TRUE(same_pixels(moved, picture));
}

TEST(Nonlocal, NumbersTooLargeToCompareAreLeftAlone) {
  cv::Mat picture = soft_picture(40, 30, CV_32FC3), mask = cv::Mat::zeros(picture.size(), CV_8U);
  mask.at<uchar>(15, 15) = 255;
  picture.at<cv::Vec3f>(15, 20) = {1e37f, 1e37f, -1e37f};
  EXPECT_TRUE(cv::checkRange(move_to_similar_pixels(picture, mask, 1, never)));
}

TEST(Nonlocal, ThreadsChangeNoBit) {
  const cv::Mat picture = soft_picture(200, 150, CV_32FC3);
  const cv::Mat mask = holes::draw_mask(picture.size(), {holes::MaskKind::random, {0.6, 0.6}}, 1);
  cv::Mat alone, together;
  tbb::global_control four(tbb::global_control::max_allowed_parallelism, 4);
  tbb::task_arena(1).execute([&] { alone = move_to_similar_pixels(picture, mask, 0.8, never); });
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto remember = [&] {
    const std::lock_guard lock(mutex);
    return threads.insert(std::this_thread::get_id()), false;
  };
  // Threads that are slow to wake up may find nothing left.
  for (int i = 0; i < 100 && threads.size() < 2; ++i) {
    tbb::task_arena(4).execute([&] { together = move_to_similar_pixels(picture, mask, 0.8, remember); });
    EXPECT_TRUE(same_pixels(alone, together));
  }
  if (std::thread::hardware_concurrency() > 1) {
    EXPECT_GT(threads.size(), 1u);
  }
}

TEST(Nonlocal, EndsEarlyWhenTheRunIsStopped) {
  const cv::Mat picture = soft_picture(200, 150, CV_8UC3);
  const cv::Mat mask = holes::draw_mask(picture.size(), {holes::MaskKind::random, {0.6, 0.6}}, 1);
  EXPECT_TRUE(same_pixels(move_to_similar_pixels(picture, mask, 1, [] { return true; }), picture));
}

}  // namespace
}  // namespace latentflow::inpaint

// digit_variants.cpp: see digit_variants.h.
#include "digit_variants.h"

#include <opencv2/imgproc.hpp>

#include "dense.h"
#include "patch_rows.h"
#include "train/random.h"

namespace latentflow::train {
namespace {

constexpr std::uint64_t turn_key = 0x7012, photograph_key = 0xbac6;

cv::Mat picture_of(ItemRows& rows, std::int64_t row) {
  return {static_cast<int>(rows.item.height), static_cast<int>(rows.item.width), CV_32F,
          rows.values.data() + row * rows.features()};
}

}  // namespace

void turn_digits(ItemRows& rows, std::uint64_t seed) {
  for_rows(rows.count(), [&](std::int64_t row) {
    const cv::Mat picture = picture_of(rows, row);
    const double degrees = Random(seed, turn_key, static_cast<std::uint64_t>(row)).uniform(0, 360);
    const cv::Point2f centre(static_cast<float>(picture.cols - 1) / 2, static_cast<float>(picture.rows - 1) / 2);
    cv::Mat turned;
    cv::warpAffine(picture, turned, cv::getRotationMatrix2D(centre, degrees, 1), picture.size(), cv::INTER_LINEAR);
    turned.copyTo(picture);
  });
}

void put_before_photographs(ItemRows& rows, std::span<const Photograph> photographs, std::uint64_t seed) {
  for_rows(rows.count(), [&](std::int64_t row) {
    cv::Mat picture = picture_of(rows, row), patch;
    Random random(seed, photograph_key, static_cast<std::uint64_t>(row));
    textured_patch(photographs, picture.size(), random).convertTo(patch, CV_32F, 1.0 / 255);
    patch.copyTo(picture, picture == 0);
  });
}

}  // namespace latentflow::train

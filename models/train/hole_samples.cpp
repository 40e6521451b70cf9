// hole_samples.cpp: see hole_samples.h.
#include "hole_samples.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "holes/fill.h"
#include "holes/mask.h"
#include "interleaved.h"
#include "patch_planes.h"

namespace latentflow::train {
namespace {

constexpr int tries = 20;

const MaskShare& draw_share(const std::vector<MaskShare>& masks, Random& random) {
  double choice = random.uniform();
  for (const MaskShare& one : masks) {
    if (choice < one.share) return one;
    choice -= one.share;
  }
  return masks.back();
}

void write_weights(const CorruptionRecipe& recipe, Loss loss, const cv::Mat& mask, float* weight) {
  cv::Mat near;
  if (loss == Loss::l1 && recipe.band_weight > 0) {
    const int side = static_cast<int>(2 * recipe.band + 1);
    cv::dilate(mask, near, cv::Mat::ones(side, side, CV_8U));
  } else {
    near = mask;
  }
  const double hole = loss == Loss::l1 ? recipe.hole_weight : 1.0, band = loss == Loss::l1 ? recipe.band_weight : 0.0;
  const double holes = cv::countNonZero(mask), around = cv::countNonZero(near) - holes;
  const double scale = static_cast<double>(mask.total()) / (holes * hole + around * band);
  const auto in_hole = static_cast<float>(hole * scale), in_band = static_cast<float>(band * scale);
  for (int y = 0; y < mask.rows; ++y)
    for (int x = 0; x < mask.cols; ++x)
      *weight++ = mask.at<unsigned char>(y, x) != 0 ? in_hole : near.at<unsigned char>(y, x) != 0 ? in_band : 0.0f;
}

/// input, map and weight, from target.clean and what of it is missing.
void fill_and_weigh(const Recipe& recipe, const Phase& phase, const cv::Mat& mask, const SampleTarget& target) {
  const int side = mask.rows, channels = recipe.network.color ? 3 : 1;
  const std::size_t area = mask.total();
  to_planes(holes::fill_smoothly(to_pixels(target.clean, side, side, channels), mask), target.input);
  for (std::size_t i = 0; i < area; ++i) target.map[i] = mask.data[i] != 0 ? 1.0f : 0.0f;
  write_weights(recipe.corruption, phase.loss, mask, target.weight);
}

/// A missing pixel beside a known one. Requires a mask with both.
cv::Point rim_of_hole(const cv::Mat& mask, Random& random) {
  const std::vector<cv::Point> rims = rims_of_holes(mask);
  return rims[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(rims.size())))];
}

/// A square with missing and known pixels.
cv::Rect part_with_holes(const cv::Mat& mask, int side, Random& random) {
  cv::Rect part(0, 0, side, side);
  for (int i = 0; i < tries; ++i) {
    part.x = static_cast<int>(random.below(mask.cols - side + 1));
    part.y = static_cast<int>(random.below(mask.rows - side + 1));
    if (const int missing = cv::countNonZero(mask(part)); missing > 0 && missing < part.area()) return part;
  }
  const cv::Point rim = rim_of_hole(mask, random);
  // Inside of the square's own border, so that the known neighbour is in it, too.
  const auto start = [&](int at, int extent) {
    return std::clamp(at - 1 - static_cast<int>(random.below(side - 2)), 0, extent - side);
  };
  part.x = start(rim.x, mask.cols);
  part.y = start(rim.y, mask.rows);
  return part;
}

}  // namespace

std::vector<cv::Point> rims_of_holes(const cv::Mat& mask) {
  cv::Mat inner;
  // What lies outside of the picture takes nothing away from a hole.
  cv::erode(mask, inner, cv::getStructuringElement(cv::MORPH_CROSS, {3, 3}));
  std::vector<cv::Point> rims;
  cv::findNonZero(mask - inner, rims);
  return rims;
}

void make_holes(const Recipe& recipe, const Phase& phase, Random& random, const SampleTarget& target) {
  const int side = static_cast<int>(phase.patch);
  const MaskShare& share = draw_share(recipe.corruption.masks, random);
  cv::Mat mask = holes::draw_mask({side, side}, {share.kind, share.amount, false}, random.next());
  // A patch without holes, or with nothing else, teaches nothing.
  if (const int missing = cv::countNonZero(mask); missing == 0 || missing == side * side)
    mask.at<unsigned char>(side / 2, side / 2) = missing == 0 ? holes::hole : holes::known;
  fill_and_weigh(recipe, phase, mask, target);
}

void cut_masked(const Recipe& recipe, const Phase& phase, const Photograph& photograph, Random& random,
                const SampleTarget& target) {
  const int side = static_cast<int>(phase.patch);
  const cv::Rect part = part_with_holes(photograph.mask, side, random);
  const Turning turning = Turning::draw(recipe.data.flips, random);
  const auto same = [](auto sample) { return sample; };
  write_planes<float>(in_unit_range(photograph.pixels(part)), turning, {0, 1, 2}, same, target.clean);
  cv::Mat mask(side, side, CV_8UC1);
  write_planes<unsigned char>(photograph.mask(part), turning, {0, 1, 2}, same, mask.data);
  fill_and_weigh(recipe, phase, mask, target);
}

}  // namespace latentflow::train

// hole_samples.cpp: see hole_samples.h.
#include "hole_samples.h"

#include <opencv2/imgproc.hpp>

#include "holes/fill.h"
#include "holes/mask.h"
#include "interleaved.h"

namespace latentflow::train {
namespace {

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

}  // namespace

void make_holes(const Recipe& recipe, const Phase& phase, Random& random, const SampleTarget& target) {
  const int side = static_cast<int>(phase.patch), channels = recipe.network.color ? 3 : 1;
  const MaskShare& share = draw_share(recipe.corruption.masks, random);
  cv::Mat mask = holes::draw_mask({side, side}, {share.kind, share.amount, false}, random.next());
  // A patch without holes, or with nothing else, teaches nothing.
  if (const int missing = cv::countNonZero(mask); missing == 0 || missing == side * side)
    mask.at<unsigned char>(side / 2, side / 2) = missing == 0 ? holes::hole : holes::known;

  const std::size_t area = mask.total();
  to_planes(holes::fill_smoothly(to_pixels(target.clean, side, side, channels), mask), target.input);
  for (std::size_t i = 0; i < area; ++i) target.map[i] = mask.data[i] != 0 ? 1.0f : 0.0f;
  write_weights(recipe.corruption, phase.loss, mask, target.weight);
}

}  // namespace latentflow::train

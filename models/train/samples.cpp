// samples.cpp: see samples.h.
#include "samples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data_pairs.h"
#include "hole_samples.h"
#include "interleaved.h"
#include "nn/gradients/loops.h"
#include "patch_planes.h"
#include "photo_damage.h"
#include "random.h"

namespace latentflow::train {
namespace {

/// A patch of 8-bit pixels: a crop of the photograph, reduced for some.
cv::Mat draw_patch(const Photograph& photograph, const DataRecipe& data, std::int64_t patch, Random& random) {
  const cv::Mat& pixels = photograph.pixels;
  const std::int64_t side = std::min(pixels.rows, pixels.cols);
  std::int64_t extent = patch;
  if (random.chance(data.scaled_share)) {
    const double scale = random.uniform(data.scale[0], data.scale[1]);
    extent = std::clamp<std::int64_t>(std::llround(static_cast<double>(patch) / scale), patch, side);
  }
  const auto x = static_cast<int>(random.below(pixels.cols - extent + 1)),
             y = static_cast<int>(random.below(pixels.rows - extent + 1));
  const cv::Mat crop = pixels(cv::Rect(x, y, static_cast<int>(extent), static_cast<int>(extent)));
  if (extent == patch) return crop;
  cv::Mat reduced;
  cv::resize(crop, reduced, cv::Size(static_cast<int>(patch), static_cast<int>(patch)), 0, 0, cv::INTER_AREA);
  return reduced;
}

/// Planes in 0..1, turned, in another order of the colours, and brighter or darker, as the recipe says.
void write_changed(const cv::Mat& pixels, const DataRecipe& data, Random& random, float* planes) {
  const Turning turning = Turning::draw(data.flips, random);
  std::array<int, 3> order{0, 1, 2};
  if (data.permute_channels && pixels.channels() == 3)
    for (std::size_t i = 2; i > 0; --i)
      std::swap(order[i], order[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i) + 1))]);
  const float gain = static_cast<float>(random.uniform(data.gain[0], data.gain[1])) / 255.0f;
  write_planes<std::uint8_t>(
      pixels, turning, order, [gain](std::uint8_t sample) { return std::min(1.0f, static_cast<float>(sample) * gain); },
      planes);
}

double draw_sigma(const CorruptionRecipe& corruption, Random& random) {
  double choice = random.uniform();
  for (const NoiseRange& range : corruption.gaussian) {
    if (choice < range.share) return random.uniform(range.sigma[0], range.sigma[1]);
    choice -= range.share;
  }
  const NoiseRange& last = corruption.gaussian.back();
  return random.uniform(last.sigma[0], last.sigma[1]);
}

LATENTFLOW_CLONES void clip_to_bytes(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float limited = values[i] < 0.0f ? 0.0f : values[i] > 1.0f ? 1.0f : values[i];
    values[i] = static_cast<float>(static_cast<int>(limited * 255.0f + 0.5f)) * (1.0f / 255.0f);
  }
}

void make_photo(const Recipe& recipe, const Phase& phase, Random& random, const SampleTarget& target) {
  const PhotoRecipe& photo = recipe.corruption.photo;
  const int side = static_cast<int>(phase.patch);
  const cv::Mat clean = to_pixels(target.clean, side, side, recipe.network.color ? 3 : 1);
  const cv::Mat damaged = damage_photo(clean, photo, random);
  to_planes(damaged, target.input);
  const double told = deviation(damaged, clean) * random.uniform(1 - photo.level_error, 1 + photo.level_error);
  if (target.map != nullptr) std::fill_n(target.map, clean.total(), static_cast<float>(told));
}

}  // namespace

void SampleMaker::make(std::uint64_t step, std::uint64_t sample, const Phase& phase, const SampleTarget& target) const {
  const std::int64_t patch = phase.patch;
  Random random(recipe_.seed, step, sample);
  const Photograph& photograph =
      photographs_[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(photographs_.size())))];
  if (!photograph.damaged.empty()) return cut_pair(recipe_.data, photograph, patch, random, target);
  if (!photograph.mask.empty()) return cut_masked(recipe_, phase, photograph, random, target);
  write_changed(draw_patch(photograph, recipe_.data, patch, random), recipe_.data, random, target.clean);
  if (recipe_.task == Task::inpaint) return make_holes(recipe_, phase, random, target);
  const std::int64_t area = patch * patch, count = area * (recipe_.network.color ? 3 : 1);
  const PhotoRecipe& photo = recipe_.corruption.photo;
  if (photo.share > 0 && random.chance(photo.share)) return make_photo(recipe_, phase, random, target);
  const float sigma = static_cast<float>(draw_sigma(recipe_.corruption, random) / 255.0);
  const bool clipped = random.chance(recipe_.corruption.clipped_share);
  if (sigma > 0) {
    fill_normal({target.input, static_cast<std::size_t>(count)}, random.next());
    nn::loops::sum(target.clean, target.input, sigma, target.input, count);
  } else {
    std::copy_n(target.clean, count, target.input);
  }
  if (clipped) clip_to_bytes(target.input, count);
  if (target.map != nullptr) std::fill_n(target.map, area, sigma);
}

}  // namespace latentflow::train

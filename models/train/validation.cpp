// validation.cpp: see validation.h.
#include "validation.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <opencv2/core.hpp>
#include <optional>

#include "data_pairs.h"
#include "hole_samples.h"
#include "interleaved.h"
#include "networks.h"
#include "nn/network.h"
#include "photo_damage.h"
#include "random.h"

namespace latentflow::train {
namespace {

constexpr std::uint64_t noise_key = 0x7a11da7e;

double psnr(double squared, std::int64_t count) {
  return 10 * std::log10(static_cast<double>(count) / std::max(squared, 1e-12));
}

double squared_error(const cv::Mat& values, const cv::Mat& bytes) {
  const double norm = cv::norm(values, in_unit_range(bytes), cv::NORM_L2);
  return norm * norm;
}

/// PSNR of one picture before and after, in dB. `noisy` are the pixels with noise of deviation `level`, CV_32F in 0..1.
Result<std::array<double, 2>> score(const nn::Network& network, const NetworkRecipe& recipe, const cv::Mat& pixels,
                                    const cv::Mat& noisy, float level) {
  const int channels = pixels.channels(), height = pixels.rows, width = pixels.cols,
            multiple = static_cast<int>(extent_multiple(recipe));
  const int full_height = (height + multiple - 1) / multiple * multiple,
            full_width = (width + multiple - 1) / multiple * multiple;
  cv::Mat extended;
  cv::copyMakeBorder(noisy, extended, 0, full_height - height, 0, full_width - width, cv::BORDER_REFLECT_101);
  std::vector<Tensor> inputs{Tensor({1, channels, full_height, full_width})};
  to_planes(extended, inputs[0].mutable_data());
  if (recipe.noise_map) inputs.push_back(Tensor::filled({1, 1, full_height, full_width}, level));
  const Result<std::vector<Tensor>> outputs = network.run(inputs);
  if (!outputs) return outputs.error();
  cv::Mat bytes;
  to_pixels((*outputs)[0].data(), full_height, full_width, channels)(cv::Rect(0, 0, width, height))
      .convertTo(bytes, CV_8U, 255);
  const std::int64_t count = static_cast<std::int64_t>(pixels.total()) * channels;
  return std::array{psnr(squared_error(noisy, pixels), count),
                    psnr(squared_error(in_unit_range(bytes), pixels), count)};
}

/// A damaged picture in 0..1 and the level that the network is told.
struct Damaged {
  cv::Mat picture;
  float level;
};

Damaged with_noise(const cv::Mat& pixels, double sigma, std::uint64_t key) {
  std::vector<float> noise(pixels.total() * static_cast<std::size_t>(pixels.channels()));
  fill_normal(noise, key);
  return {in_unit_range(pixels) + to_pixels(noise.data(), pixels.rows, pixels.cols, pixels.channels()) * (sigma / 255),
          static_cast<float>(sigma / 255)};
}

Damaged as_photo(const cv::Mat& pixels, const PhotoRecipe& recipe, std::uint64_t key) {
  Random random(key);
  const cv::Mat clean = in_unit_range(pixels), picture = damage_photo(clean, recipe, random);
  return {picture, static_cast<float>(deviation(picture, clean))};
}

/// The mean over all pictures, in parallel.
Result<Score> mean_score(const std::string& what, const nn::Network& network, const NetworkRecipe& recipe,
                         std::span<const Photograph> pictures,
                         const std::function<Damaged(const Photograph& picture, std::uint64_t key)>& damage) {
  std::vector<std::array<double, 2>> each(pictures.size());
  std::mutex mutex;
  std::optional<Error> failure;
  tbb::parallel_for(std::size_t{0}, pictures.size(), [&](std::size_t i) {
    const Damaged damaged = damage(pictures[i], Random(noise_key, i).next());
    Result<std::array<double, 2>> result = score(network, recipe, pictures[i].pixels, damaged.picture, damaged.level);
    if (result)
      each[i] = *result;
    else if (const std::lock_guard lock(mutex); !failure)
      failure = result.error();
  });
  if (failure) return *failure;
  Score mean{what, 0, 0, {}};
  for (const auto& [before, after] : each) mean.before += before, mean.after += after;
  mean.before /= static_cast<double>(pictures.size());
  mean.after /= static_cast<double>(pictures.size());
  return mean;
}

/// What of a picture validation along the way looks at: the middle, or where a mask has no hole there or leaves nothing
/// known, the part about the nearest rim of a hole.
cv::Rect part_to_look_at(const Photograph& picture, cv::Size size) {
  const cv::Size whole = picture.pixels.size();
  const cv::Rect center({(whole.width - size.width) / 2, (whole.height - size.height) / 2}, size);
  if (picture.mask.empty()) return center;
  if (const int missing = cv::countNonZero(picture.mask(center)); missing > 0 && missing < center.area()) return center;
  const std::vector<cv::Point> holes = rims_of_holes(picture.mask);
  if (holes.empty()) return center;
  const auto distance = [&](const cv::Point& hole) {
    return std::hypot(hole.x - whole.width / 2, hole.y - whole.height / 2);
  };
  const cv::Point nearest = *std::min_element(holes.begin(), holes.end(),
                                              [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  return {{std::clamp(nearest.x - size.width / 2, 0, whole.width - size.width),
           std::clamp(nearest.y - size.height / 2, 0, whole.height - size.height)},
          size};
}

}  // namespace

Result<std::vector<Score>> validate(const nn::Graph& graph, const Recipe& recipe,
                                    std::span<const Photograph> pictures) {
  if (recipe.task == Task::inpaint) return validate_holes(graph, recipe, pictures);
  const Result<std::shared_ptr<const nn::Network>> network = nn::Network::create(graph);
  if (!network) return network.error();
  std::vector<Score> scores;
  const auto add = [&](const std::string& what, const auto& damage) {
    Result<Score> score = mean_score(what, **network, recipe.network, pictures, damage);
    if (score) scores.push_back(*score);
    return score ? success() : Status(score.error());
  };
  const auto noise = [](double sigma) {
    return [sigma](const Photograph& picture, std::uint64_t key) { return with_noise(picture.pixels, sigma, key); };
  };
  if (!pictures.empty() && !pictures.front().damaged.empty()) {
    const auto delivered = [&](const Photograph& pair, std::uint64_t) {
      const cv::Mat damaged = in_unit_range(pair.damaged);
      return Damaged{damaged, static_cast<float>(level_of_pair(recipe.data, damaged, in_unit_range(pair.pixels)))};
    };
    if (Status status = add("pairs", delivered); !status) return status.error();
    return scores;
  }
  if (recipe.task == Task::image_codes) {
    if (Status status = add("reconstruction", noise(0)); !status) return status.error();
    scores.front().before = 0;
    return scores;
  }
  for (const double sigma : recipe.validation.sigma)
    if (Status status = add(fmt::format("sigma {:g}", sigma), noise(sigma)); !status) return status.error();
  const PhotoRecipe& photo = recipe.corruption.photo;
  if (photo.share > 0) {
    const auto damage = [&](const Photograph& picture, std::uint64_t key) {
      return as_photo(picture.pixels, photo, key);
    };
    if (Status status = add("photo", damage); !status) return status.error();
  }
  return scores;
}

std::vector<Photograph> central_crops(std::span<const Photograph> pictures, std::int64_t crop) {
  std::vector<Photograph> crops;
  for (const Photograph& picture : pictures) {
    const int width = static_cast<int>(std::min<std::int64_t>(picture.pixels.cols, crop));
    const int height = static_cast<int>(std::min<std::int64_t>(picture.pixels.rows, crop));
    const cv::Rect part = part_to_look_at(picture, {width, height});
    const auto cut = [&](const cv::Mat& from) { return from.empty() ? cv::Mat() : from(part); };
    crops.push_back({picture.name, picture.pixels(part), cut(picture.damaged), cut(picture.mask)});
  }
  return crops;
}

std::string describe(std::span<const Score> scores) {
  std::string text;
  for (const Score& score : scores) {
    text += fmt::format("{}{}: {:.2f} dB", text.empty() ? "" : ", ", score.what, score.after);
    if (score.before > 0) text += fmt::format(" ({} {:.2f})", score.hole ? "smooth" : "noisy", score.before);
    if (score.hole) text += fmt::format(", in holes {:.2f} ({:.2f})", (*score.hole)[1], (*score.hole)[0]);
  }
  return text;
}

}  // namespace latentflow::train

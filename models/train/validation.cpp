// validation.cpp: see validation.h.
#include "validation.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>

#include "networks.h"
#include "nn/network.h"
#include "random.h"

namespace latentflow::train {
namespace {

constexpr std::uint64_t noise_key = 0x7a11da7e;

/// Position in a picture of `size` pixels, continued by reflection without repeating the border.
std::int64_t reflected(std::int64_t at, std::int64_t size) {
  if (size == 1) return 0;
  const std::int64_t period = 2 * (size - 1), within = at % period;
  return within < size ? within : period - within;
}

double psnr(double squared, std::int64_t count) {
  return 10 * std::log10(static_cast<double>(count) / std::max(squared, 1e-12));
}

/// PSNR of one picture before and after, in dB.
Result<std::array<double, 2>> score(const nn::Network& network, const NetworkRecipe& recipe, const cv::Mat& pixels,
                                    double sigma, std::uint64_t key) {
  const std::int64_t channels = pixels.channels(), height = pixels.rows, width = pixels.cols,
                     multiple = extent_multiple(recipe);
  const std::int64_t full_height = (height + multiple - 1) / multiple * multiple,
                     full_width = (width + multiple - 1) / multiple * multiple;
  std::vector<float> noise(static_cast<std::size_t>(channels * height * width));
  fill_normal(noise, key);
  Tensor image({1, channels, full_height, full_width});
  float* values = image.mutable_data();
  const auto level = static_cast<float>(sigma / 255);
  double before = 0;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t y = 0; y < full_height; ++y)
      for (std::int64_t x = 0; x < full_width; ++x) {
        const std::int64_t from_y = reflected(y, height), from_x = reflected(x, width);
        const float added = level * noise[static_cast<std::size_t>((c * height + from_y) * width + from_x)];
        *values++ =
            static_cast<float>(pixels.ptr<std::uint8_t>(static_cast<int>(from_y))[from_x * channels + c]) / 255.0f +
            added;
        if (y < height && x < width) before += static_cast<double>(added) * static_cast<double>(added);
      }
  std::vector<Tensor> inputs{image};
  if (recipe.noise_map) inputs.push_back(Tensor::filled({1, 1, full_height, full_width}, level));
  const Result<std::vector<Tensor>> outputs = network.run(inputs);
  if (!outputs) return outputs.error();
  double after = 0;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t y = 0; y < height; ++y) {
      const float* row = (*outputs)[0].data() + (c * full_height + y) * full_width;
      for (std::int64_t x = 0; x < width; ++x) {
        const double rounded = std::round(std::clamp(static_cast<double>(row[x]), 0.0, 1.0) * 255);
        const double difference = (rounded - pixels.ptr<std::uint8_t>(static_cast<int>(y))[x * channels + c]) / 255;
        after += difference * difference;
      }
    }
  const std::int64_t count = channels * height * width;
  return std::array{psnr(before, count), psnr(after, count)};
}

}  // namespace

Result<std::vector<Score>> validate(const nn::Graph& graph, const NetworkRecipe& recipe,
                                    std::span<const Photograph> pictures, std::span<const double> sigmas) {
  const Result<std::shared_ptr<const nn::Network>> network = nn::Network::create(graph);
  if (!network) return network.error();
  std::vector<Score> scores;
  for (const double sigma : sigmas) {
    std::vector<std::array<double, 2>> each(pictures.size());
    std::mutex mutex;
    std::optional<Error> failure;
    tbb::parallel_for(std::size_t{0}, pictures.size(), [&](std::size_t i) {
      Result<std::array<double, 2>> result =
          score(**network, recipe, pictures[i].pixels, sigma, Random(noise_key, i).next());
      if (result)
        each[i] = *result;
      else if (const std::lock_guard lock(mutex); !failure)
        failure = result.error();
    });
    if (failure) return *failure;
    Score mean{fmt::format("sigma {:g}", sigma), 0, 0, {}};
    for (const auto& [before, after] : each) mean.before += before, mean.after += after;
    mean.before /= static_cast<double>(pictures.size());
    mean.after /= static_cast<double>(pictures.size());
    scores.push_back(mean);
  }
  return scores;
}

Result<std::vector<Score>> validate(const nn::Graph& graph, const Recipe& recipe,
                                    std::span<const Photograph> pictures) {
  if (recipe.task == Task::inpaint) return validate_holes(graph, recipe, pictures);
  if (recipe.task != Task::image_codes) return validate(graph, recipe.network, pictures, recipe.validation.sigma);
  const double none = 0;
  Result<std::vector<Score>> scores = validate(graph, recipe.network, pictures, {&none, 1});
  if (scores) scores->front().what = "reconstruction", scores->front().before = 0;
  return scores;
}

std::vector<Photograph> central_crops(std::span<const Photograph> pictures, std::int64_t crop) {
  std::vector<Photograph> crops;
  for (const Photograph& picture : pictures) {
    const int width = static_cast<int>(std::min<std::int64_t>(picture.pixels.cols, crop));
    const int height = static_cast<int>(std::min<std::int64_t>(picture.pixels.rows, crop));
    const cv::Rect center((picture.pixels.cols - width) / 2, (picture.pixels.rows - height) / 2, width, height);
    crops.push_back({picture.name, picture.pixels(center)});
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

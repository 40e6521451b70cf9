// validation_holes.cpp: validate_holes(); see validation.h.
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <opencv2/core.hpp>

#include "holes/fill.h"
#include "interleaved.h"
#include "networks.h"
#include "nn/network.h"
#include "random.h"
#include "validation.h"

namespace latentflow::train {
namespace {

constexpr std::uint64_t mask_seed = 0x7a11da7e;

/// Decibels of one picture: whole before and after, holes before and after.
using Decibels = std::array<double, 4>;

double psnr(double squared, std::size_t count) {
  return 10 *
         std::log10(255.0 * 255.0 * static_cast<double>(std::max<std::size_t>(count, 1)) / std::max(squared, 1e-6));
}

double squares(const cv::Mat& a, const cv::Mat& b) {
  const double norm = cv::norm(a, b, cv::NORM_L2);
  return norm * norm;
}

Result<Decibels> score(const nn::Network& network, std::int64_t multiple, const cv::Mat& picture, const cv::Mat& mask) {
  const cv::Mat smooth = holes::fill_smoothly(picture, mask);
  const int up = static_cast<int>(multiple), channels = picture.channels();
  const int height = (picture.rows + up - 1) / up * up, width = (picture.cols + up - 1) / up * up;
  cv::Mat image, map;
  const auto extend = [&](const cv::Mat& from, cv::Mat& to) {
    cv::copyMakeBorder(from, to, 0, height - from.rows, 0, width - from.cols, cv::BORDER_REFLECT);
  };
  extend(smooth, image), extend(mask, map);
  std::vector<Tensor> inputs{Tensor({1, channels, height, width}), Tensor({1, 1, height, width})};
  const std::size_t area = image.total();
  image.convertTo(image, CV_32F, 1.0 / 255);
  to_planes(image, inputs[0].mutable_data());
  float* holes = inputs[1].mutable_data();
  for (std::size_t i = 0; i < area; ++i) holes[i] = map.data[i] != 0 ? 1.0f : 0.0f;
  const Result<std::vector<Tensor>> outputs = network.run(inputs);
  if (!outputs) return outputs.error();
  cv::Mat filled = smooth.clone();
  for (int y = 0; y < filled.rows; ++y)
    for (int x = 0; x < filled.cols; ++x)
      for (int c = 0; c < channels && mask.at<unsigned char>(y, x) != 0; ++c)
        filled.ptr<unsigned char>(y)[x * channels + c] = cv::saturate_cast<unsigned char>(
            255 * (*outputs)[0].data()[static_cast<std::size_t>(c) * area +
                                       static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                                       static_cast<std::size_t>(x)]);
  const double before = squares(picture, smooth), after = squares(picture, filled);
  const std::size_t all = picture.total() * static_cast<std::size_t>(channels);
  const std::size_t missing = static_cast<std::size_t>(cv::countNonZero(mask) * channels);
  return Decibels{psnr(before, all), psnr(after, all), psnr(before, missing), psnr(after, missing)};
}

/// The mean over all pictures, in parallel; mask_of(i, size): the holes of picture i, in one piece.
Result<Score> mean_score(const std::string& what, const nn::Network& network, std::int64_t multiple,
                         std::span<const Photograph> pictures,
                         const std::function<cv::Mat(std::size_t i, cv::Size size)>& mask_of) {
  std::vector<Decibels> each(pictures.size());
  std::mutex mutex;
  std::optional<Error> failure;
  tbb::parallel_for(std::size_t{0}, pictures.size(), [&](std::size_t i) {
    const cv::Mat pixels = pictures[i].pixels.clone();  // crops are not in one piece
    Result<Decibels> result = score(network, multiple, pixels, mask_of(i, pixels.size()));
    if (result)
      each[i] = *result;
    else if (const std::lock_guard lock(mutex); !failure)
      failure = result.error();
  });
  if (failure) return *failure;
  Decibels mean{};
  for (const Decibels& one : each)
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += one[i] / static_cast<double>(pictures.size());
  return Score{what, mean[0], mean[1], std::array{mean[2], mean[3]}};
}

}  // namespace

Result<std::vector<Score>> validate_holes(const nn::Graph& graph, const Recipe& recipe,
                                          std::span<const Photograph> pictures) {
  const Result<std::shared_ptr<const nn::Network>> network = nn::Network::create(graph);
  if (!network) return network.error();
  const std::int64_t multiple = extent_multiple(recipe.network);
  if (!pictures.empty() && !pictures.front().mask.empty()) {
    const Result<Score> own = mean_score("holes", **network, multiple, pictures,
                                         [&](std::size_t i, cv::Size) { return pictures[i].mask.clone(); });
    if (!own) return own.error();
    return std::vector<Score>{*own};
  }
  std::vector<Score> scores;
  for (std::size_t kind = 0; kind < recipe.corruption.masks.size(); ++kind) {
    const MaskShare& masks = recipe.corruption.masks[kind];
    const Result<Score> drawn = mean_score(
        std::string(holes::mask_kind_names[static_cast<std::size_t>(masks.kind)]), **network, multiple, pictures,
        [&](std::size_t i, cv::Size size) {
          return holes::draw_mask(size, {masks.kind, masks.amount, false}, Random(mask_seed, kind, i).next());
        });
    if (!drawn) return drawn.error();
    scores.push_back(*drawn);
  }
  return scores;
}

}  // namespace latentflow::train

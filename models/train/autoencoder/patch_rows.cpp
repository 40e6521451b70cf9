// patch_rows.cpp: see patch_rows.h.
#include "patch_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "dense.h"

namespace latentflow::train {
namespace {

constexpr std::uint64_t train_key = 0x9a7c4, test_key = 0x9a7c5;
constexpr int tries = 20;

ItemRows cut(const PatchData& data, std::int64_t count, std::span<const Photograph> photographs, std::uint64_t seed,
             std::uint64_t key) {
  ItemRows rows{{}, {}, {nn::CodeItem::Kind::patch, data.size, data.size, 1}};
  rows.values.resize(static_cast<std::size_t>(count * rows.features()));
  for_rows(count, [&](std::int64_t row) {
    Random random(seed, key, static_cast<std::uint64_t>(row));
    cv::Mat numbers(static_cast<int>(data.size), static_cast<int>(data.size), CV_32F,
                    rows.values.data() + row * rows.features());
    textured_patch(photographs, numbers.size(), random).convertTo(numbers, CV_32F, 1.0 / 255);
  });
  return rows;
}

}  // namespace

cv::Mat textured_patch(std::span<const Photograph> photographs, cv::Size size, Random& random) {
  cv::Mat patch;
  for (int i = 0; i < tries; ++i) {
    const cv::Mat& pixels =
        photographs[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(photographs.size())))].pixels;
    const auto x = static_cast<int>(random.below(pixels.cols - size.width + 1)),
               y = static_cast<int>(random.below(pixels.rows - size.height + 1));
    patch = pixels(cv::Rect({x, y}, size));
    cv::Scalar mean, deviation;
    cv::meanStdDev(patch, mean, deviation);
    if (deviation[0] >= 255 * least_texture) break;
  }
  return patch;
}

Result<ItemSet> cut_patches(const PatchData& data, std::span<const Photograph> photographs, std::uint64_t seed) {
  if (photographs.size() < 2)
    return bad_input(
        fmt::format("{} photograph to cut patches from, at least 2 are needed: patches to test come from "
                    "others than those to train on",
                    photographs.size()));
  const std::size_t held = std::max<std::size_t>(1, photographs.size() / 10);
  ItemSet set{cut(data, data.train, photographs.subspan(held), seed, train_key),
              {},
              cut(data, data.test, photographs.first(held), seed, test_key)};
  if (!data.whiten) return set;
  Result<Whitening> whitening = fit_whitening(set.train.values, set.train.features(), data.floor);
  if (!whitening) return whitening.error();
  whitening->apply(set.train.values);
  whitening->apply(set.test.values);
  set.whitening = std::move(*whitening);
  return set;
}

}  // namespace latentflow::train

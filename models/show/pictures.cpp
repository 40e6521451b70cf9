// pictures.cpp: see pictures.h.
#include "pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/interleaved.h"
#include "train/photographs.h"

namespace latentflow::show {
namespace {

/// visit(place in the planes of the picture, place in the rows of its patches), for every number.
template <class F>
void each_number(const nn::CodeItem& picture, std::int64_t side, F&& visit) {
  const std::int64_t columns = picture.width / side, area = side * side;
  std::size_t from = 0;
  for (std::int64_t c = 0; c < picture.channels; ++c)
    for (std::int64_t y = 0; y < picture.height; ++y)
      for (std::int64_t x = 0; x < picture.width; ++x) {
        const std::int64_t patch = y / side * columns + x / side;
        visit(from++, static_cast<std::size_t>((patch * picture.channels + c) * area + y % side * side + x % side));
      }
}

}  // namespace

Result<std::vector<Picture>> load_pictures(const std::filesystem::path& folder, std::span<const PictureModel> models,
                                           const PictureChoice& choice) {
  const std::int64_t channels = models.front().extents.channels;
  std::int64_t step = 1;
  for (const PictureModel& model : models) {
    step = std::lcm(step, model.extents.multiple);
    if (model.extents.channels != channels)
      return invalid_argument(fmt::format("{} takes pictures of {} channels and {} of {}; give models of one kind",
                                          models.front().name, channels, model.name, model.extents.channels));
  }
  const std::int64_t side = choice.crop / step * step;
  if (side == 0)
    return invalid_argument(fmt::format("--crop is {}, the model takes multiples of {} pixels", choice.crop, step));
  const auto photographs = train::load_photographs(folder, channels == 3, choice.all_sides ? side : step,
                                                   static_cast<std::size_t>(choice.most));
  if (!photographs) return photographs.error();
  std::vector<Picture> pictures;
  for (const train::Photograph& photograph : *photographs) {
    const cv::Mat& pixels = photograph.pixels;
    const auto cut = [&](int extent) { return static_cast<int>(std::min<std::int64_t>(extent / step * step, side)); };
    const int width = cut(pixels.cols), height = cut(pixels.rows);
    cv::Mat part;
    pixels(cv::Rect((pixels.cols - width) / 2, (pixels.rows - height) / 2, width, height))
        .convertTo(part, CV_32F, 1.0 / 255);
    Picture picture{photograph.name, {nn::CodeItem::Kind::image, height, width, channels}, {}};
    picture.planes.resize(static_cast<std::size_t>(picture.item.features()));
    train::to_planes(part, picture.planes.data());
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

double psnr(const Picture& picture, std::span<const float> back) {
  double squared = 0;
  for (std::size_t i = 0; i < back.size(); ++i) {
    const double level = std::round(std::clamp(static_cast<double>(back[i]), 0.0, 1.0) * 255) / 255;
    const double difference = level - static_cast<double>(picture.planes[i]);
    squared += difference * difference;
  }
  return 10 * std::log10(static_cast<double>(back.size()) / std::max(squared, 1e-12));
}

std::vector<float> to_patches(std::span<const float> planes, const nn::CodeItem& picture, std::int64_t side) {
  std::vector<float> rows(planes.size());
  each_number(picture, side, [&](std::size_t plain, std::size_t cut) { rows[cut] = planes[plain]; });
  return rows;
}

std::vector<float> from_patches(std::span<const float> rows, const nn::CodeItem& picture, std::int64_t side) {
  std::vector<float> planes(rows.size());
  each_number(picture, side, [&](std::size_t plain, std::size_t cut) { planes[plain] = rows[cut]; });
  return planes;
}

}  // namespace latentflow::show

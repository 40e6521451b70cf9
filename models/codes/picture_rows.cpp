// picture_rows.cpp: see picture_rows.h.
#include "picture_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "latentflow/finite.h"
#include "nn/moments.h"

namespace latentflow::codes {
namespace {

/// Plane number to OpenCV's channel number.
int channel_of(std::int64_t plane, std::int64_t channels) {
  return static_cast<int>(channels == 3 ? 2 - plane : plane);
}

/// How many of `count` patches of `extent` at multiples of `stride` lie over position `at`.
std::int64_t patches_over(std::int64_t at, std::int64_t count, std::int64_t extent, std::int64_t stride) {
  const std::int64_t last = std::min(count - 1, at / stride);
  const std::int64_t first = at < extent ? 0 : (at - extent) / stride + 1;
  return std::max<std::int64_t>(0, last - first + 1);
}

}  // namespace

Grid grid_inside(std::int64_t height, std::int64_t width, const nn::CodeItem& patch, std::int64_t stride) {
  const auto fit = [&](std::int64_t whole, std::int64_t part) {
    return whole < part ? 0 : (whole - part) / stride + 1;
  };
  return {fit(height, patch.height), fit(width, patch.width), patch.height, patch.width, stride};
}

Grid grid_over(std::int64_t height, std::int64_t width, const nn::CodeItem& patch, std::int64_t stride) {
  const auto cover = [&](std::int64_t whole, std::int64_t part) {
    return whole <= part ? 1 : (whole - part + stride - 1) / stride + 1;
  };
  return {cover(height, patch.height), cover(width, patch.width), patch.height, patch.width, stride};
}

std::int64_t patch_stride(std::int64_t stride, const nn::CodeItem& item) { return stride > 0 ? stride : item.width; }

Status check_stride(std::int64_t stride, const nn::CodeItem& item) {
  if (stride == 0 || (item.kind == nn::CodeItem::Kind::patch && stride <= item.width)) return success();
  return invalid_argument(
      fmt::format("stride is {}, the model is for {}; allowed up to the side of its patches", stride, to_string(item)));
}

Status check_picture(const Image& picture) {
  const int depth = picture.depth();
  if ((picture.channels() == 1 || picture.channels() == 3) && (depth == CV_8U || depth == CV_16U || depth == CV_32F))
    return check_finite(picture);
  return bad_input("needs 1 or 3 channels of 8 bit, 16 bit or float, got " + describe_picture(picture) +
                   (picture.has_alpha() ? "; node convert drops alpha" : ""));
}

Status check_rows(std::span<const float> rows, std::int64_t columns) {
  const std::string where = nn::first_not_finite(rows, columns);
  return where.empty() ? success() : bad_input(where + "; needs finite numbers");
}

cv::Mat as_floats(const Image& picture) {
  cv::Mat floats;
  picture.mat().convertTo(floats, CV_32F, 1 / picture.white());
  return floats;
}

void read_row(const cv::Mat& floats, std::int64_t y, std::int64_t x, const nn::CodeItem& item, float* row) {
  for (std::int64_t plane = 0; plane < item.channels; ++plane) {
    const int channel = channel_of(plane, item.channels);
    for (std::int64_t j = 0; j < item.height; ++j) {
      const float* line = floats.ptr<float>(static_cast<int>(std::min<std::int64_t>(y + j, floats.rows - 1))) + channel;
      for (std::int64_t i = 0; i < item.width; ++i)
        *row++ = line[std::min<std::int64_t>(x + i, floats.cols - 1) * item.channels];
    }
  }
}

void add_row(const float* row, std::int64_t y, std::int64_t x, const nn::CodeItem& item, cv::Mat& sum) {
  for (std::int64_t plane = 0; plane < item.channels; ++plane) {
    const int channel = channel_of(plane, item.channels);
    for (std::int64_t j = 0; j < item.height; ++j) {
      float* line = sum.ptr<float>(static_cast<int>(y + j)) + x * item.channels + channel;
      for (std::int64_t i = 0; i < item.width; ++i) line[i * item.channels] += *row++;
    }
  }
}

void average(const Grid& grid, cv::Mat& sum) {
  std::vector<float> across(static_cast<std::size_t>(sum.cols));
  for (int x = 0; x < sum.cols; ++x)
    across[static_cast<std::size_t>(x)] =
        static_cast<float>(patches_over(x, grid.columns, grid.patch_width, grid.stride));
  for (int y = 0; y < sum.rows; ++y) {
    const auto down = static_cast<float>(patches_over(y, grid.rows, grid.patch_height, grid.stride));
    float* line = sum.ptr<float>(y);
    for (int x = 0; x < sum.cols; ++x)
      for (int c = 0; c < sum.channels(); ++c)
        line[x * sum.channels() + c] /= std::max(1.0f, down * across[static_cast<std::size_t>(x)]);
  }
}

Result<cv::Mat> to_depth(const cv::Mat& floats, const std::string& depth) {
  if (depth == "float") return floats;
  if (Status finite = check_finite(Image(floats)); !finite) return finite.error();
  cv::Mat integers;
  floats.convertTo(integers, depth == "8" ? CV_8U : CV_16U, depth == "8" ? 255 : 65535);
  return integers;
}

}  // namespace latentflow::codes

// picture_rows.h: pictures and patches of pictures as rows of numbers, and back.
#pragma once

#include <opencv2/core.hpp>
#include <span>

#include "latentflow/value.h"
#include "nn/code_model.h"

namespace latentflow::codes {

/// Where patches lie: their corners at multiples of the stride.
struct Grid {
  std::int64_t rows = 1, columns = 1;
  std::int64_t patch_height = 1, patch_width = 1, stride = 1;

  /// The picture that the patches cover.
  std::int64_t height() const { return (rows - 1) * stride + patch_height; }
  std::int64_t width() const { return (columns - 1) * stride + patch_width; }
  bool operator==(const Grid&) const = default;
};

/// As many patches as lie inside a picture; none (rows or columns 0) in one that is smaller than a patch.
Grid grid_inside(std::int64_t height, std::int64_t width, const nn::CodeItem& patch, std::int64_t stride);
/// As few patches as cover it; the last ones may reach past the right and bottom border.
Grid grid_over(std::int64_t height, std::int64_t width, const nn::CodeItem& patch, std::int64_t stride);

/// The distance of patches that a stride of 0 stands for: side by side.
std::int64_t patch_stride(std::int64_t stride, const nn::CodeItem& item);
/// A stride other than 0 is for models of patches, up to their side.
Status check_stride(std::int64_t stride, const nn::CodeItem& item);

/// Grey or colour without alpha, of finite numbers; the message says what it is otherwise, and where.
Status check_picture(const Image& picture);

/// Refuses nan and infinity, naming the first one's row and column in rows of `columns` numbers.
Status check_rows(std::span<const float> rows, std::int64_t columns);

/// Scaled so that white is 1; same channels.
cv::Mat as_floats(const Image& picture);

/// Row [channels, height, width], colours R, G, B, from the part of `floats` at (x, y); the border is repeated outside.
void read_row(const cv::Mat& floats, std::int64_t y, std::int64_t x, const nn::CodeItem& item, float* row);

/// Adds a row to the part of `sum` (CV_32F, B, G, R) at (x, y).
void add_row(const float* row, std::int64_t y, std::int64_t x, const nn::CodeItem& item, cv::Mat& sum);

/// Divides every pixel by the number of patches of the grid that lie over it.
void average(const Grid& grid, cv::Mat& sum);

/// A float picture as 8 or 16 bits (rounded and clipped), or unchanged; `depth` is "8", "16" or "float". Errors:
/// bad_input for NaN and infinity, which integers have not.
Result<cv::Mat> to_depth(const cv::Mat& floats, const std::string& depth);

}  // namespace latentflow::codes

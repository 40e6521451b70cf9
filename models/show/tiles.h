// tiles.h: rows of numbers as small pictures, laid out on a grid and in labelled rows, and written as PNG.
#pragma once

#include <filesystem>
#include <opencv2/core.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "nn/code_model.h"

namespace latentflow::show {

/// How numbers become grey levels: 0..1 as black to white (outside is limited), or around 0, which is the middle grey,
/// with the largest magnitude of the row as black or white.
enum class Levels { unit, symmetric };

/// "28x28" or "8x8x3": height x width [x channels, 1 or 3]. Errors: other text.
Result<nn::CodeItem> parse_shape(const std::string& text);

/// The picture that a row of `item` can be seen as: an image or patch is; numbers without extents only where they fill
/// a square. `shape` decides instead where given. Errors name the option --shape.
Result<nn::CodeItem> picture_item(const nn::CodeItem& item, const std::optional<nn::CodeItem>& shape);

/// CV_8UC3 of the item's height and width times `zoom`, nearest pixels. `row` is [channels, height, width].
cv::Mat tile(std::span<const float> row, const nn::CodeItem& item, Levels levels, int zoom);

/// So many screen pixels per pixel that a tile is about 56 of them wide, at least 1.
int zoom_of(const nn::CodeItem& item);

/// Tiles of one size, left to right and top to bottom, `gap` pixels of the background between and around them.
cv::Mat tile_grid(std::span<const cv::Mat> tiles, std::int64_t columns, int gap);

/// One row of a strip: what it shows, a tile per column, and a line of text under each (may be empty).
struct StripRow {
  std::vector<std::string> title;  ///< lines
  std::vector<cv::Mat> tiles;
  std::vector<std::string> captions;
};
/// The rows below one another, CV_8UC3, titles to the left of their tiles; `gap` pixels between and around all of them.
cv::Mat strip(std::span<const StripRow> rows, int gap);

/// One channel where all are equal. Whole or not at all. Errors: io; a name that does not end in .png.
Status write_png(const std::filesystem::path& file, const cv::Mat& picture);

}  // namespace latentflow::show

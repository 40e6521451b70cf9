// tiles.cpp: see tiles.h.
#include "tiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "codecs/encode.h"
#include "codes/picture_rows.h"
#include "output.h"

namespace latentflow::show {
namespace {

const cv::Scalar background(255, 255, 255), gap_color(200, 120, 60), ink(30, 30, 30);
constexpr int line_height = 15, font = cv::FONT_HERSHEY_SIMPLEX;
constexpr double font_scale = 0.4;

int text_width(const std::string& text) {
  int below = 0;
  return cv::getTextSize(text, font, font_scale, 1, &below).width;
}

void write_text(cv::Mat& sheet, const std::string& text, int x, int baseline) {
  cv::putText(sheet, text, {x, baseline}, font, font_scale, ink, 1, cv::LINE_AA);
}

}  // namespace

Result<nn::CodeItem> parse_shape(const std::string& text) {
  const bool grey = std::count(text.begin(), text.end(), 'x') == 1;
  Result<nn::CodeItem> item = nn::parse_code_item(fmt::format("image {}{}", text, grey ? "x1" : ""));
  if (item) return item;
  return invalid_argument(
      fmt::format("--shape is \"{}\", needs HxW or HxWxC (height, width, 1 or 3 channels), for example 28x28", text));
}

Result<nn::CodeItem> picture_item(const nn::CodeItem& item, const std::optional<nn::CodeItem>& shape) {
  if (shape) {
    if (shape->features() == item.features()) return *shape;
    return invalid_argument(fmt::format("--shape {}x{}x{} has {} numbers, the model takes {} ({})", shape->height,
                                        shape->width, shape->channels, shape->features(), item.features(),
                                        to_string(item)));
  }
  if (item.kind != nn::CodeItem::Kind::tensor) return item;
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(item.features()))));
  if (side * side == item.features()) return nn::CodeItem{nn::CodeItem::Kind::image, side, side, 1};
  return invalid_argument(
      fmt::format("the model takes {} numbers, which fill no square and whose extents its file does not say; give "
                  "--shape HxW, or HxWx3 for planes of red, green and blue",
                  item.features()));
}

cv::Mat tile(std::span<const float> row, const nn::CodeItem& item, Levels levels, int zoom) {
  cv::Mat picture(static_cast<int>(item.height), static_cast<int>(item.width),
                  CV_MAKETYPE(CV_32F, static_cast<int>(item.channels)), cv::Scalar::all(0));
  codes::add_row(row.data(), 0, 0, item, picture);
  double scale = 255, offset = 0;
  if (levels == Levels::symmetric) {
    const double largest = cv::norm(picture.reshape(1), cv::NORM_INF);
    scale = largest > 0 ? 127.0 / largest : 0, offset = 128;
  }
  cv::Mat result;
  picture.convertTo(result, CV_8U, scale, offset);
  if (item.channels == 1) cv::cvtColor(result, result, cv::COLOR_GRAY2BGR);
  cv::resize(result, result, {}, zoom, zoom, cv::INTER_NEAREST);
  return result;
}

int zoom_of(const nn::CodeItem& item) {
  return std::max(1, static_cast<int>(std::lround(56.0 / static_cast<double>(std::max(item.height, item.width)))));
}

cv::Mat tile_grid(std::span<const cv::Mat> tiles, std::int64_t columns, int gap) {
  const int wide = static_cast<int>(std::min<std::int64_t>(columns, static_cast<std::int64_t>(tiles.size())));
  const int high = (static_cast<int>(tiles.size()) + wide - 1) / wide;
  const int height = tiles[0].rows, width = tiles[0].cols;
  cv::Mat sheet(high * (height + gap) + gap, wide * (width + gap) + gap, CV_8UC3, gap_color);
  for (int i = 0; i < high * wide; ++i) {
    const cv::Rect place(gap + i % wide * (width + gap), gap + i / wide * (height + gap), width, height);
    if (i < static_cast<int>(tiles.size()))
      tiles[static_cast<std::size_t>(i)].copyTo(sheet(place));
    else
      sheet(place).setTo(background);
  }
  return sheet;
}

cv::Mat strip(std::span<const StripRow> rows, int gap) {
  int title_width = 0, cell_width = 0, columns = 0, height = gap;
  std::vector<int> heights;
  for (const StripRow& row : rows) {
    int tile_height = 0;
    for (const std::string& line : row.title) title_width = std::max(title_width, text_width(line));
    for (const cv::Mat& picture : row.tiles)
      cell_width = std::max(cell_width, picture.cols), tile_height = std::max(tile_height, picture.rows);
    for (const std::string& caption : row.captions) cell_width = std::max(cell_width, text_width(caption) + 6);
    columns = std::max(columns, static_cast<int>(row.tiles.size()));
    heights.push_back(std::max(tile_height + (row.captions.empty() ? 0 : line_height),
                               static_cast<int>(row.title.size()) * line_height));
    height += heights.back() + gap;
  }
  const int left = title_width + 2 * gap;
  cv::Mat sheet(height, left + columns * (cell_width + gap), CV_8UC3, background);
  int top = gap;
  for (std::size_t r = 0; r < rows.size(); top += heights[r++] + gap) {
    for (std::size_t i = 0; i < rows[r].title.size(); ++i)
      write_text(sheet, rows[r].title[i], gap, top + (static_cast<int>(i) + 1) * line_height - 3);
    for (std::size_t i = 0; i < rows[r].tiles.size(); ++i) {
      const cv::Mat& picture = rows[r].tiles[i];
      const int cell = left + static_cast<int>(i) * (cell_width + gap);
      picture.copyTo(sheet({cell + (cell_width - picture.cols) / 2, top, picture.cols, picture.rows}));
      if (i < rows[r].captions.size())
        write_text(sheet, rows[r].captions[i], cell + (cell_width - text_width(rows[r].captions[i])) / 2,
                   top + picture.rows + line_height - 3);
    }
  }
  return sheet;
}

Status write_png(const std::filesystem::path& file, const cv::Mat& picture) {
  if (Status status = check_result_name(file, ".png"); !status) return status;
  cv::Mat planes[3];
  cv::split(picture, planes);
  const bool grey =
      cv::norm(planes[0], planes[1], cv::NORM_INF) == 0 && cv::norm(planes[0], planes[2], cv::NORM_INF) == 0;
  const Result<std::vector<std::uint8_t>> bytes = codecs::encode_png(grey ? planes[0] : picture, 9);
  if (!bytes) return io_error(fmt::format("{}: {}", file.string(), bytes.error().message));
  return write_result(file, {bytes->begin(), bytes->end()});
}

}  // namespace latentflow::show

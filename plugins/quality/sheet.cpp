// sheet.cpp: see sheet.h.
#include "sheet.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "latentflow/finite.h"

namespace latentflow::quality {
namespace {

constexpr int margin = 16, gap = 8, caption_height = 28, name_height = 22;
const cv::Scalar paper(255, 255, 255), ink(60, 56, 52), pale(140, 136, 132);

/// OpenCV's stroke letters, drawn four times as large and shrunk: thin and smooth. Cut to `width`; `height` in pixels
/// of a capital letter. Text that is not ASCII prints as "?".
void put_text(cv::Mat& page, const std::string& text, cv::Point baseline, int width, double height,
              const cv::Scalar& colour) {
  constexpr int zoom = 4;
  constexpr double capital = 21;  // pixels at scale 1 of this font
  const double scale = height * zoom / capital;
  std::string shown;
  for (char c : text)
    if ((c & 0xc0) != 0x80) shown += c >= 32 && c < 127 ? c : '?';
  const auto extent = [&] {
    return cv::getTextSize(shown, cv::FONT_HERSHEY_SIMPLEX, scale, zoom, nullptr).width / zoom + 2;
  };
  bool cut = false;
  while (shown.size() > 1 && extent() > width) {
    shown = shown.substr(0, shown.size() - (cut ? 3 : 1));
    shown += "..", cut = true;
  }
  const int box_height = static_cast<int>(height * 2);
  cv::Mat large(box_height * zoom, width * zoom, CV_8U, cv::Scalar(0)), mask;
  cv::putText(large, shown, {zoom, static_cast<int>(height * 1.4) * zoom}, cv::FONT_HERSHEY_SIMPLEX, scale, 255,
              zoom + 1, cv::LINE_AA);
  cv::resize(large, mask, {width, box_height}, 0, 0, cv::INTER_AREA);
  const int top = baseline.y - static_cast<int>(height * 1.4);
  for (int y = 0; y < mask.rows; ++y) {
    if (top + y < 0 || top + y >= page.rows) continue;
    for (int x = 0; x < mask.cols && baseline.x + x < page.cols; ++x) {
      const double cover = mask.at<std::uint8_t>(y, x) / 255.0;
      cv::Vec3b& pixel = page.at<cv::Vec3b>(top + y, baseline.x + x);
      for (int c = 0; c < 3; ++c) pixel[c] = cv::saturate_cast<std::uint8_t>(pixel[c] + cover * (colour[c] - pixel[c]));
    }
  }
}

}  // namespace

Status check_cells(std::span<const Image* const> images) {
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (images[i] == nullptr) continue;
    const std::string port(1, static_cast<char>('a' + i));
    if (images[i]->mat().empty()) return bad_input(port + ": picture has no pixels");
    if (const Status finite = check_finite(*images[i]); !finite) return bad_input(port + ": " + finite.error().message);
  }
  return success();
}

cv::Mat make_cell(const Image& image, int cell, bool centre) {
  cv::Mat picture = image.mat();
  const int longer = std::max(picture.cols, picture.rows);
  if (longer > cell && centre) {
    const cv::Size size(std::min(cell, picture.cols), std::min(cell, picture.rows));
    picture = cv::Mat(picture, cv::Rect({(picture.cols - size.width) / 2, (picture.rows - size.height) / 2}, size));
  } else if (longer > cell) {
    const double factor = static_cast<double>(cell) / longer;
    cv::Mat small;
    cv::resize(picture, small,
               {std::max(1, cvRound(picture.cols * factor)), std::max(1, cvRound(picture.rows * factor))}, 0, 0,
               cv::INTER_AREA);
    picture = small;
  }
  cv::Mat bytes, colour;
  picture.convertTo(bytes, CV_8U, 255.0 / image.white());
  if (bytes.channels() == 1) {
    cv::cvtColor(bytes, colour, cv::COLOR_GRAY2BGR);
    return colour;
  }
  if (bytes.channels() == 3) return bytes;
  colour.create(bytes.size(), CV_8UC3);
  for (int y = 0; y < bytes.rows; ++y)
    for (int x = 0; x < bytes.cols; ++x) {
      const cv::Vec4b& pixel = bytes.at<cv::Vec4b>(y, x);
      for (int c = 0; c < 3; ++c)
        colour.at<cv::Vec3b>(y, x)[c] =
            static_cast<std::uint8_t>((pixel[c] * pixel[3] + 255 * (255 - pixel[3]) + 127) / 255);
    }
  return colour;
}

cv::Mat draw_sheet(const std::vector<SheetRow>& rows, const std::vector<std::string>& captions) {
  std::vector<int> widths;
  int height = margin + (captions.empty() ? 0 : caption_height);
  for (const SheetRow& row : rows) {
    int tallest = 0;
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      if (c == widths.size()) widths.push_back(48);
      widths[c] = std::max(widths[c], row.cells[c].cols);
      tallest = std::max(tallest, row.cells[c].rows);
    }
    height += tallest + name_height + gap;
  }
  int width = 2 * margin - gap;
  for (int one : widths) width += one + gap;
  cv::Mat page(height + margin - gap, width, CV_8UC3, paper);

  int x = margin, y = margin;
  for (std::size_t c = 0; c < std::min(widths.size(), captions.size()); ++c) {
    put_text(page, captions[c], {x, y + 14}, widths[c], 10, ink);
    x += widths[c] + gap;
  }
  if (!captions.empty()) y += caption_height;
  for (const SheetRow& row : rows) {
    int tallest = 0;
    x = margin;
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      const cv::Mat& cell = row.cells[c];
      cell.copyTo(page(cv::Rect(x, y, cell.cols, cell.rows)));
      tallest = std::max(tallest, cell.rows);
      x += widths[c] + gap;
    }
    put_text(page, row.name, {margin, y + tallest + 14}, page.cols - 2 * margin, 8, pale);
    y += tallest + name_height + gap;
  }
  return page;
}

}  // namespace latentflow::quality

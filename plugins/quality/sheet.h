// sheet.h: pictures in rows and columns on one page, with captions.
#pragma once

#include <opencv2/core/mat.hpp>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/value.h"

namespace latentflow::quality {

/// One row: up to four pictures (8-bit BGR, at most cell x cell) and a name.
struct SheetRow {
  std::vector<cv::Mat> cells;
  std::string name;
};

/// bad_input for a picture without pixels, and for NaN and infinity, which would be pixels like others on the page. The
/// pictures of one item, for the ports a, b, c and d; null where a port is not wired.
Status check_cells(std::span<const Image* const> images);

/// A picture as a cell: 8-bit BGR on white, shrunk to fit `cell` pixels on its longer side (never enlarged), or its
/// centre in full resolution where `centre` is set.
cv::Mat make_cell(const Image& image, int cell, bool centre);

/// The page: a line of column captions on top, rows below with their names small underneath. `captions` may be shorter
/// than the rows or empty.
cv::Mat draw_sheet(const std::vector<SheetRow>& rows, const std::vector<std::string>& captions);

}  // namespace latentflow::quality

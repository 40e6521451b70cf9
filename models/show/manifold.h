// manifold.h: codes as points of a plane, and what the decoder makes of the points of a grid.
#pragma once

#include <opencv2/core.hpp>

#include "gnuplot.h"
#include "subject.h"

namespace latentflow::show {

/// Codes of two numbers are the plane. Others are projected on the first two principal components of the codes of
/// `rows`, whose plane through the mean the grid lies in.
struct Manifold {
  std::string name;
  std::vector<double> x, y;  ///< of every row
  std::vector<std::uint8_t> labels;
  std::string x_label, y_label;  ///< what the axes are, with the share of the codes' variance
  std::vector<float> grid;       ///< [side * side, features] decoded; top row first, y falls downwards
  std::int64_t side = 0;
};

/// The grid spans the middle 95 % of the points on both axes. Errors: fewer than three items; codes of one number.
Result<Manifold> manifold_of(const DenseModel& model, const train::ItemRows& rows, std::int64_t side);

/// Dots of the points, a series per label.
Plot codes_plot(const Manifold& manifold);
/// The decoded grid as side x side tiles, CV_8UC3. `item` is what a row of it is.
cv::Mat draw_grid(const Manifold& manifold, const nn::CodeItem& item);

}  // namespace latentflow::show

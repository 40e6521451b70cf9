// gnuplot.h: plots with axes as SVG, drawn by the program gnuplot (Debian: gnuplot-nox), which is given a script.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::show {

struct Series {
  std::string title;
  std::vector<double> x, y;  ///< as many of both; points that are not finite are left out
  enum class Style { line, dots, dashed } style = Style::line;
};

struct Plot {
  std::string title, x_label, y_label;
  std::vector<Series> series;
  bool log_x = false, log_y = false;  ///< numbers up to 0 are left out there
  bool equal_scales = false;          ///< a unit is as long on both axes
};

/// The script that draws the plots, `columns` of them side by side, on standard output. Texts are taken literally.
std::string plot_script(std::span<const Plot> plots, int columns);

/// Runs gnuplot on it. Errors: unsupported where it is not installed, naming the package; internal with what it said;
/// io. Whole files or none.
Status write_plots(const std::filesystem::path& file, std::span<const Plot> plots, int columns = 1);

/// Before long work: whether gnuplot can be started.
Status check_gnuplot();

}  // namespace latentflow::show

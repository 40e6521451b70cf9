// curves.h: the curves that training leaves beside its checkpoints, as plots.
#pragma once

#include <filesystem>
#include <map>

#include "gnuplot.h"

namespace latentflow::show {

struct Curve {
  std::string name;
  std::vector<std::string> columns;                   ///< in the order of the file; train/curve.h says what they are
  std::map<std::string, std::vector<double>> values;  ///< per column; not a number where a field is empty

  std::size_t rows() const { return values.empty() ? 0 : values.begin()->second.size(); }
};

/// `place` is a NAME.curve.csv, a folder with one such file, or NAME.onnx beside it. Errors: not_found, saying what was
/// looked for; bad_input with line and column and what is wrong there, or without a column step.
Result<Curve> read_curve(const std::filesystem::path& place);

/// A plot per column over the steps, the models in one plot; columns that are empty are left out, and those that stay 0
/// where others do not. Stages follow one another. Errors: bad_input where nothing is left.
Result<std::vector<Plot>> plots(std::span<const Curve> curves);

}  // namespace latentflow::show

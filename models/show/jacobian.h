// jacobian.h: how a code changes with its input, and how its units are used.
#pragma once

#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>

#include "dense_model.h"
#include "gnuplot.h"

namespace latentflow::show {

/// dh/dx at one item: [codes, features], by the chain rule; units that a sparse code leaves out have rows of 0.
std::vector<float> code_jacobian(const DenseModel& model, std::span<const float> item);

struct Tangents {
  std::vector<double> values;  ///< singular values of dh/dx, min(codes, features) of them, descending
  std::vector<std::vector<float>>
      vectors;  ///< right singular vectors of the largest, [features] each, length 1, largest entry positive
};

/// The directions in which an item can change so that its code changes most: the tangents of the manifold there (Rifai
/// et al. 2011). Singular values are the roots of the eigenvalues of J J^T or J^T J in double: those below 1e-8 of the
/// largest are rounding.
Tangents tangents_at(const DenseModel& model, std::span<const float> item, std::int64_t vectors);
/// The same of a Jacobian [codes, features], however it came.
Tangents tangents_of(std::span<const float> jacobian, std::int64_t codes, std::int64_t features, std::int64_t vectors);

struct CodeStatistics {
  std::int64_t units = 0;
  std::int64_t dead = 0;  ///< whose activation varies by less than a thousandth of that of the unit that varies most
  std::int64_t saturated =
      0;  ///< sigmoid and tanh: within 2 % of the ends of their range for 90 % of the items and more
  double mean_activation = 0, mean_magnitude = 0;
  double active = 0;  ///< share of numbers that are not 0 (sigmoid: above one half)
};

/// Of codes [n, codes] of `rows`. Varying is measured as a standard deviation over the items.
CodeStatistics code_statistics(const DenseModel& model, std::span<const float> rows);
/// The same of codes [n, units] that came out of `activation`.
CodeStatistics code_statistics(std::span<const float> codes, std::int64_t units, train::Activation activation);

struct JacobianReport {
  std::string name;
  std::vector<double> spectrum;  ///< mean over the items of the singular values, by their rank
  double squared_norm = 0;       ///< mean of ||dh/dx||_F^2, the contractive penalty without its factor
  std::int64_t items = 0;        ///< that the means above are over
  CodeStatistics codes;
};

/// Jacobians at the first `items` rows, in parallel; statistics over all of them.
JacobianReport jacobian_report(const DenseModel& model, std::span<const float> rows, std::int64_t items);
/// The same from the singular values at every item.
JacobianReport jacobian_report(const std::string& name, std::span<const std::vector<double>> spectra,
                               CodeStatistics codes);

/// An item and what comes back of it, [features] each, and the tangents there.
struct TangentItem {
  std::vector<float> item, back;
  Tangents tangents;
};
/// A row per item: the item, its reconstruction, then its leading tangents with their singular values.
cv::Mat draw_tangents(std::span<const TangentItem> items, const nn::CodeItem& item);
cv::Mat draw_tangents(const DenseModel& model, std::span<const float> rows, const nn::CodeItem& item,
                      std::int64_t vectors);
/// The spectra over their ranks, from 1, in one plot with a logarithmic axis; values that are rounding are left out.
Plot spectrum_plot(std::span<const JacobianReport> reports);
/// A line per report under a head: units, dead, saturated, mean code, active, ||J||^2, largest singular value.
std::string table(std::span<const JacobianReport> reports);
/// The same numbers of one report, with the whole spectrum.
nlohmann::json to_json(const JacobianReport& report);

}  // namespace latentflow::show

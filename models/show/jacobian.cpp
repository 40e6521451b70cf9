// jacobian.cpp: see jacobian.h.
#include "jacobian.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/gemm.h"
#include "nn/symmetric_eigen.h"
#include "tiles.h"

namespace latentflow::show {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Doubles = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

std::vector<float> code_jacobian(const DenseModel& model, std::span<const float> item) {
  const std::span<const train::DenseLayer> layers = model.network.encoder_layers();
  train::Tape tape;
  train::forward(layers, model.parameters, item, 1, tape);
  std::vector<float> product, next;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const train::DenseLayer& layer = layers[l];
    const float* weights = model.parameters.data() + layer.weight;
    const auto inputs = static_cast<std::size_t>(model.features());
    if (l == 0) {
      product.assign(weights, weights + layer.inputs * layer.outputs);
    } else {
      next.resize(static_cast<std::size_t>(layer.outputs) * inputs);
      nn::Gemm{false, false, layer.outputs, model.features(), layer.inputs}(weights, product.data(), next.data());
      product.swap(next);
    }
    std::vector<float> kept = tape.values[l + 1];
    const bool sparse = l + 1 == layers.size() && model.keep > 0;
    if (sparse) nn::keep_largest(kept, model.keep);
    for (std::size_t unit = 0; unit < kept.size(); ++unit) {
      const bool left_out = sparse && kept[unit] == 0;
      const float slope = left_out ? 0 : train::first_derivative(layer.activation, tape.values[l + 1][unit]);
      for (std::size_t i = 0; i < inputs; ++i) product[unit * inputs + i] *= slope;
    }
  }
  return product;
}

Tangents tangents_at(const DenseModel& model, std::span<const float> item, std::int64_t vectors) {
  return tangents_of(code_jacobian(model, item), model.codes(), model.features(), vectors);
}

Tangents tangents_of(std::span<const float> jacobian, std::int64_t codes, std::int64_t features, std::int64_t vectors) {
  const std::int64_t size = std::min(codes, features);
  const Doubles j = Eigen::Map<const RowMajor>(jacobian.data(), codes, features).cast<double>();
  Doubles gram = Doubles::Zero(size, size);
  if (codes < features)
    gram.selfadjointView<Eigen::Lower>().rankUpdate(j);
  else
    gram.selfadjointView<Eigen::Lower>().rankUpdate(j.transpose());
  const std::int64_t wanted = std::clamp<std::int64_t>(vectors, 1, size);
  const nn::EigenPairs pairs = nn::largest_eigenpairs({gram.data(), static_cast<std::size_t>(size * size)}, size,
                                                      [&](const std::vector<double>&) { return wanted; });
  Tangents result;
  for (const double value : pairs.values) result.values.push_back(std::sqrt(std::max(0.0, value)));
  for (std::int64_t i = 0; i < std::min(vectors, size); ++i) {
    Eigen::VectorXd vector = Eigen::Map<const Eigen::VectorXd>(pairs.vectors.data() + i * size, size);
    if (codes < features) vector = j.transpose() * vector;
    if (vector.norm() > 0) vector.normalize();
    Eigen::Index largest = 0;
    vector.cwiseAbs().maxCoeff(&largest);
    if (vector[largest] < 0) vector = -vector;
    const Eigen::VectorXf single = vector.cast<float>();
    result.vectors.emplace_back(single.data(), single.data() + single.size());
  }
  return result;
}

CodeStatistics code_statistics(const DenseModel& model, std::span<const float> rows) {
  return code_statistics(encode(model, rows), model.codes(), model.network.encoder_layers().back().activation);
}

CodeStatistics code_statistics(std::span<const float> codes, std::int64_t code_units, train::Activation activation) {
  const auto units = static_cast<std::size_t>(code_units);
  const std::size_t count = codes.size() / units;
  const bool sigmoid = activation == train::Activation::sigmoid, tanh = activation == train::Activation::tanh;
  const float low = tanh ? -0.96f : 0.02f, high = tanh ? 0.96f : 0.98f;
  CodeStatistics result;
  result.units = code_units;
  std::vector<double> deviations;
  for (std::size_t unit = 0; unit < units; ++unit) {
    double sum = 0, squares = 0, magnitude = 0;
    std::size_t at_ends = 0, active = 0;
    for (std::size_t row = 0; row < count; ++row) {
      const float a = codes[row * units + unit];
      const auto number = static_cast<double>(a);
      sum += number, squares += number * number, magnitude += std::abs(number);
      at_ends += (sigmoid || tanh) && (a < low || a > high) ? 1u : 0u;
      active += (sigmoid ? a > 0.5f : a != 0) ? 1u : 0u;
    }
    const auto n = static_cast<double>(count);
    deviations.push_back(std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n))));
    result.mean_activation += sum / n, result.mean_magnitude += magnitude / n;
    result.active += static_cast<double>(active) / n;
    result.saturated += static_cast<double>(at_ends) >= 0.9 * n && at_ends > 0 ? 1 : 0;
  }
  const auto all = static_cast<double>(units);
  result.mean_activation /= all, result.mean_magnitude /= all, result.active /= all;
  const double most = *std::max_element(deviations.begin(), deviations.end());
  result.dead = std::count_if(deviations.begin(), deviations.end(), [&](double own) { return own <= 1e-3 * most; });
  return result;
}

JacobianReport jacobian_report(const DenseModel& model, std::span<const float> rows, std::int64_t items) {
  const auto features = static_cast<std::size_t>(model.features());
  std::vector<std::vector<double>> spectra(std::min(static_cast<std::size_t>(items), rows.size() / features));
  tbb::parallel_for(std::size_t{0}, spectra.size(), [&](std::size_t item) {
    spectra[item] = tangents_at(model, rows.subspan(item * features, features), 0).values;
  });
  return jacobian_report(model.name, spectra, code_statistics(model, rows));
}

JacobianReport jacobian_report(const std::string& name, std::span<const std::vector<double>> spectra,
                               CodeStatistics codes) {
  JacobianReport report;
  report.name = name, report.codes = codes;
  report.items = static_cast<std::int64_t>(spectra.size());
  report.spectrum.resize(spectra.front().size());
  for (const std::vector<double>& values : spectra)
    for (std::size_t rank = 0; rank < values.size(); ++rank) {
      report.spectrum[rank] += values[rank] / static_cast<double>(report.items);
      report.squared_norm += values[rank] * values[rank] / static_cast<double>(report.items);
    }
  return report;
}

cv::Mat draw_tangents(std::span<const TangentItem> items, const nn::CodeItem& item) {
  const int zoom = zoom_of(item);
  std::vector<StripRow> strips;
  for (const TangentItem& shown : items) {
    StripRow row{{}, {tile(shown.item, item, Levels::unit, zoom)}, {"item"}};
    row.tiles.push_back(tile(shown.back, item, Levels::unit, zoom));
    row.captions.push_back("comes back");
    for (std::size_t i = 0; i < shown.tangents.vectors.size(); ++i) {
      row.tiles.push_back(tile(shown.tangents.vectors[i], item, Levels::symmetric, zoom));
      row.captions.push_back(fmt::format("{:.3g}", shown.tangents.values[i]));
    }
    strips.push_back(std::move(row));
  }
  return strip(strips, 8);
}

cv::Mat draw_tangents(const DenseModel& model, std::span<const float> rows, const nn::CodeItem& item,
                      std::int64_t vectors) {
  const auto features = static_cast<std::size_t>(model.features());
  std::vector<TangentItem> items;
  for (std::size_t begin = 0; begin < rows.size(); begin += features) {
    const std::span<const float> row = rows.subspan(begin, features);
    items.push_back({{row.begin(), row.end()}, reconstruct(model, row), tangents_at(model, row, vectors)});
  }
  return draw_tangents(items, item);
}

Plot spectrum_plot(std::span<const JacobianReport> reports) {
  Plot plot{"Singular values of dh/dx", "rank", "mean over items", {}};
  plot.log_y = true;
  for (const JacobianReport& report : reports) {
    Series series{report.name, {}, {}};
    // Below this there is only rounding.
    const double least = 1e-7 * report.spectrum.front();
    for (std::size_t rank = 0; rank < report.spectrum.size() && report.spectrum[rank] > least; ++rank)
      series.x.push_back(static_cast<double>(rank + 1)), series.y.push_back(report.spectrum[rank]);
    plot.series.push_back(std::move(series));
  }
  return plot;
}

std::string table(std::span<const JacobianReport> reports) {
  std::size_t width = 5;
  for (const JacobianReport& report : reports) width = std::max(width, report.name.size());
  std::string text = fmt::format("{:<{}}  {:>6}  {:>6}  {:>9}  {:>10}  {:>8}  {:>12}  {:>10}\n", "model", width,
                                 "units", "dead", "saturated", "mean code", "active", "||J||^2", "largest");
  for (const JacobianReport& report : reports)
    text +=
        fmt::format("{:<{}}  {:>6}  {:>6}  {:>9}  {:>10.4f}  {:>6.1f} %  {:>12.4f}  {:>10.4f}\n", report.name, width,
                    report.codes.units, report.codes.dead, report.codes.saturated, report.codes.mean_activation,
                    report.codes.active * 100, report.squared_norm, report.spectrum.front());
  return text;
}

nlohmann::json to_json(const JacobianReport& report) {
  return {{"model", report.name},
          {"units", report.codes.units},
          {"dead_units", report.codes.dead},
          {"saturated_units", report.codes.saturated},
          {"mean_activation", report.codes.mean_activation},
          {"mean_magnitude", report.codes.mean_magnitude},
          {"active_share", report.codes.active},
          {"jacobian_items", report.items},
          {"jacobian_squared_norm", report.squared_norm},
          {"singular_values", report.spectrum}};
}

}  // namespace latentflow::show

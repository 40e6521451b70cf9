// manifold.cpp: see manifold.h.
#include "manifold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "nn/moments.h"
#include "nn/pca.h"
#include "tiles.h"

namespace latentflow::show {
namespace {

/// Values between which the middle 95 % lie.
std::pair<double, double> middle(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const auto at = [&](double share) {
    return numbers[static_cast<std::size_t>(std::lround(share * static_cast<double>(numbers.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

Result<Manifold> manifold_of(const DenseModel& model, const train::ItemRows& rows, std::int64_t side) {
  const std::int64_t units = model.codes();
  if (units < 2)
    return invalid_argument(fmt::format("{} has codes of one number, a plane needs two and more", model.name));
  if (rows.count() < 3)
    return invalid_argument(fmt::format("{} items are too few for a plane of codes, needs 3", rows.count()));
  Manifold result;
  result.name = model.name, result.labels = rows.labels, result.side = side;
  const std::vector<float> codes = encode(model, rows.values);
  std::optional<nn::Pca> plane;
  std::vector<float> points = codes;
  result.x_label = "code, first number", result.y_label = "code, second number";
  if (units > 2) {
    if (units > nn::Moments::most_features)
      return unsupported(fmt::format("{} has codes of {} numbers, principal components are fitted to at most {}",
                                     model.name, units, nn::Moments::most_features));
    nn::Moments moments(units);
    if (Status status = moments.add(codes); !status) return status.error();
    Result<nn::Pca> fitted = nn::fit_pca(moments, {.components = 2});
    if (!fitted)
      return Error{fitted.error().code, fmt::format("codes of {}: {}", model.name, fitted.error().message), {}};
    plane = std::move(*fitted);
    Tensor all({rows.count(), units});
    std::copy(codes.begin(), codes.end(), all.mutable_data());
    const Tensor projected = nn::project(*plane, all);
    points.assign(projected.data(), projected.data() + projected.size());
    const std::vector<double> shares = plane->explained_variance_ratio();
    const auto label = [&](const char* which, double share) {
      return fmt::format("{} principal component of {}-number codes ({:.0f} %)", which, units, share * 100);
    };
    result.x_label = label("1st", shares[0]), result.y_label = label("2nd", shares[1]);
  }
  for (std::size_t i = 0; i < points.size(); i += 2)
    result.x.push_back(static_cast<double>(points[i])), result.y.push_back(static_cast<double>(points[i + 1]));

  const auto [left, right] = middle(result.x);
  const auto [bottom, top] = middle(result.y);
  Tensor corners({side * side, 2});
  float* target = corners.mutable_data();
  const auto steps = static_cast<double>(std::max<std::int64_t>(side - 1, 1));
  for (std::int64_t j = 0; j < side; ++j)
    for (std::int64_t i = 0; i < side; ++i) {
      *target++ = static_cast<float>(left + (right - left) * static_cast<double>(i) / steps);
      *target++ = static_cast<float>(top - (top - bottom) * static_cast<double>(j) / steps);
    }
  const Tensor places = plane ? nn::reconstruct(*plane, corners) : corners;
  result.grid = decode(model, {places.data(), static_cast<std::size_t>(places.size())});
  return result;
}

Plot codes_plot(const Manifold& manifold) {
  Plot plot{"Codes of " + manifold.name, manifold.x_label, manifold.y_label, {}};
  std::map<std::uint8_t, Series> classes;
  for (std::size_t i = 0; i < manifold.x.size(); ++i) {
    Series& series = classes[manifold.labels[i]];
    series.x.push_back(manifold.x[i]), series.y.push_back(manifold.y[i]);
  }
  for (auto& [label, series] : classes) {
    series.title = fmt::to_string(label), series.style = Series::Style::dots;
    plot.series.push_back(std::move(series));
  }
  return plot;
}

cv::Mat draw_grid(const Manifold& manifold, const nn::CodeItem& item) {
  const auto features = static_cast<std::size_t>(item.features());
  std::vector<cv::Mat> tiles;
  for (std::size_t begin = 0; begin < manifold.grid.size(); begin += features)
    tiles.push_back(
        tile(std::span(manifold.grid).subspan(begin, features), item, Levels::unit, std::max(1, zoom_of(item) / 2)));
  return tile_grid(tiles, manifold.side, 1);
}

}  // namespace latentflow::show

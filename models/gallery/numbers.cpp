// numbers.cpp: see numbers.h.
#include "numbers.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <Eigen/QR>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "nn/symmetric_eigen.h"
#include "train/random.h"

namespace latentflow::gallery {
namespace {

constexpr std::int64_t ratio_items = 1000, ratio_draws = 32;
constexpr float ratio_noise = 0.005f;

}  // namespace

Result<double> number_behind(const std::string& scores, const std::string& words) {
  const std::size_t at = scores.find(words + " ");
  double number = 0;
  const char* begin = at == std::string::npos ? nullptr : scores.data() + at + words.size() + 1;
  if (begin == nullptr || std::from_chars(begin, scores.data() + scores.size(), number).ec != std::errc())
    return not_found(fmt::format("its card has no number behind \"{}\"", words));
  return number;
}

Result<Interval> interval_behind(const std::string& scores, const std::string& words) {
  const std::size_t at = scores.find(words + " ");
  Interval interval;
  if (at == std::string::npos ||
      std::sscanf(scores.c_str() + at + words.size(), " %*f %% error (%lf to %lf)", &interval.low, &interval.high) != 2)
    return not_found(fmt::format("its card has no interval behind \"{}\"", words));
  return interval;
}

double principal_angle(std::span<const float> decoder, std::span<const float> components, std::int64_t features) {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const std::int64_t codes = static_cast<std::int64_t>(components.size()) / features;
  const Eigen::MatrixXd matrix = Eigen::Map<const RowMajor>(decoder.data(), features, codes).cast<double>();
  const Eigen::MatrixXd axes =
      Eigen::Map<const RowMajor>(components.data(), codes, features).cast<double>().transpose();
  const Eigen::MatrixXd basis =
      Eigen::HouseholderQR<Eigen::MatrixXd>(matrix).householderQ() * Eigen::MatrixXd::Identity(features, codes);
  // The sine, which is exact for small angles, is the length of what of an axis lies outside the span.
  const Eigen::MatrixXd outside = axes - basis * (basis.transpose() * axes);
  const Eigen::MatrixXd gram = outside.transpose() * outside;
  const nn::EigenPairs largest = nn::largest_eigenpairs({gram.data(), static_cast<std::size_t>(gram.size())}, codes,
                                                        [](const auto&) { return 1; });
  const double sine = std::sqrt(std::max(0.0, largest.values.front()));
  return std::asin(std::min(1.0, sine)) * 180 / std::numbers::pi;
}

double filter_spread(std::span<const float> filter, const nn::CodeItem& item) {
  double energy = 0, x_mean = 0, y_mean = 0, squares = 0;
  for (std::size_t i = 0; i < filter.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i) % (item.width * item.height);
    const auto x = static_cast<double>(place % item.width), y = static_cast<double>(place / item.width);
    const double weight = static_cast<double>(filter[i]) * static_cast<double>(filter[i]);
    energy += weight, x_mean += weight * x, y_mean += weight * y, squares += weight * (x * x + y * y);
  }
  if (energy == 0) return 0;
  x_mean /= energy, y_mean /= energy;
  return std::sqrt(std::max(0.0, squares / energy - x_mean * x_mean - y_mean * y_mean));
}

double stochastic_ratio(const show::DenseModel& model, std::span<const float> rows, std::uint64_t seed) {
  const std::int64_t features = model.features();
  const std::int64_t count = std::min(ratio_items, static_cast<std::int64_t>(rows.size()) / features);
  const std::span<const float> some = rows.first(static_cast<std::size_t>(count * features));
  train::Tape tape;
  train::forward(model.network.encoder_layers(), model.parameters, some, count, tape);
  const double exact = train::contractive_penalty(model.network.encoder_layers(), model.parameters, 1.0, tape, {});
  const std::vector<float> codes = show::encode(model, some);
  double sum = 0;
  std::vector<float> noise(some.size());
  for (std::int64_t draw = 0; draw < ratio_draws; ++draw) {
    train::fill_normal(noise, train::Random(seed, 0x5cae, static_cast<std::uint64_t>(draw)).next());
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = some[i] + ratio_noise * noise[i];
    sum += show::mean(show::squared_errors(show::encode(model, noise), codes, model.codes()));
  }
  const auto variance = static_cast<double>(ratio_noise) * static_cast<double>(ratio_noise);
  return sum / static_cast<double>(ratio_draws) / variance / exact;
}

}  // namespace latentflow::gallery

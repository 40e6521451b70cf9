// identity.cpp: see identity.h.
#include "identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/random.h"

namespace latentflow::show {

namespace {

Result<double> share_of(const Reconstruct& back, std::span<const float> rows, std::int64_t row_features) {
  const auto features = static_cast<std::size_t>(row_features);
  const std::size_t count = rows.size() / features;
  std::vector<double> middle(features);
  for (std::size_t i = 0; i < rows.size(); ++i) middle[i % features] += static_cast<double>(rows[i]);
  for (double& number : middle) number /= static_cast<double>(count);
  double variance = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double difference = static_cast<double>(rows[i]) - middle[i % features];
    variance += difference * difference;
  }
  const Result<std::vector<float>> again = back(rows);
  if (!again) return again.error();
  const std::vector<double> errors = squared_errors(rows, *again, row_features);
  return variance > 0 ? 1 - mean(errors) * static_cast<double>(count) / variance
                      : std::numeric_limits<double>::quiet_NaN();
}

/// A dense model never fails.
Reconstruct reconstruction_by(const DenseModel& model) {
  return [&model](std::span<const float> rows) { return reconstruct(model, rows); };
}

}  // namespace

double share_met_again(const DenseModel& model, std::span<const float> rows) {
  return *share_of(reconstruction_by(model), rows, model.features());
}

double IdentityScore::score() const {
  if (!(data >= 0.5)) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp(std::max(noise, shuffled) / data, 0.0, 1.0);
}

IdentityScore identity_score(const DenseModel& model, std::span<const float> rows, std::uint64_t seed) {
  return *identity_score(reconstruction_by(model), model.features(), rows, seed);
}

Result<IdentityScore> identity_score(const Reconstruct& back, std::int64_t row_features, std::span<const float> rows,
                                     std::uint64_t seed) {
  const auto features = static_cast<std::size_t>(row_features);
  const std::size_t count = rows.size() / features;
  std::vector<float> noise(rows.size()), shuffled(rows.size());
  train::for_rows(static_cast<std::int64_t>(count), [&](std::int64_t row) {
    const std::size_t begin = static_cast<std::size_t>(row) * features;
    train::Random random(seed, 0x1de471, static_cast<std::uint64_t>(row));
    for (std::size_t i = 0; i < features; ++i) noise[begin + i] = static_cast<float>(random.uniform());
    for (std::size_t i = 0; i < features; ++i)
      shuffled[begin + i] =
          rows[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(count))) * features + i];
  });
  IdentityScore score;
  for (const auto& [set, share] : {std::pair(rows, &score.data), std::pair(std::span<const float>(noise), &score.noise),
                                   std::pair(std::span<const float>(shuffled), &score.shuffled)}) {
    const Result<double> found = share_of(back, set, row_features);
    if (!found) return found.error();
    *share = *found;
  }
  return score;
}

std::string to_string(const IdentityScore& score) {
  if (std::isnan(score.data)) return "identity score: none, the items do not differ";
  const std::string shares =
      fmt::format("of the variance of data {:.3f}, noise {:.3f} and shuffled pixels {:.3f} come back", score.data,
                  score.noise, score.shuffled);
  if (std::isnan(score.score()))
    return fmt::format("identity score: none, less than half of the data comes back ({})", shares);
  return fmt::format("identity score {:.3f}{} ({})", score.score(),
                     score.copies() ? ", this model copies its input" : "", shares);
}

nlohmann::json to_json(const IdentityScore& score) {
  const double value = score.score();
  return {{"score", std::isnan(value) ? nlohmann::json() : nlohmann::json(value)},
          {"copies", score.copies()},
          {"data", score.data},
          {"noise", score.noise},
          {"shuffled", score.shuffled}};
}

}  // namespace latentflow::show

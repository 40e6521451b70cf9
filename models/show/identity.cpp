// identity.cpp: see identity.h.
#include "identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "train/random.h"

namespace latentflow::show {

double share_met_again(const DenseModel& model, std::span<const float> rows) {
  const auto features = static_cast<std::size_t>(model.features());
  const std::size_t count = rows.size() / features;
  std::vector<double> middle(features);
  for (std::size_t i = 0; i < rows.size(); ++i) middle[i % features] += static_cast<double>(rows[i]);
  for (double& number : middle) number /= static_cast<double>(count);
  double variance = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double difference = static_cast<double>(rows[i]) - middle[i % features];
    variance += difference * difference;
  }
  const std::vector<double> errors = squared_errors(rows, reconstruct(model, rows), model.features());
  return variance > 0 ? 1 - mean(errors) * static_cast<double>(count) / variance
                      : std::numeric_limits<double>::quiet_NaN();
}

double IdentityScore::score() const {
  if (!(data >= 0.5)) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp(std::max(noise, shuffled) / data, 0.0, 1.0);
}

IdentityScore identity_score(const DenseModel& model, std::span<const float> rows, std::uint64_t seed) {
  const auto features = static_cast<std::size_t>(model.features());
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
  return {share_met_again(model, rows), share_met_again(model, noise), share_met_again(model, shuffled)};
}

std::string to_string(const IdentityScore& score) {
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

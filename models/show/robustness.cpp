// robustness.cpp: see robustness.h.
#include "robustness.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/autoencoder/minibatch.h"
#include "train/random.h"

namespace latentflow::show {
namespace {

std::vector<float> damaged(std::span<const float> rows, std::int64_t features, train::InputNoise kind, double amount,
                           std::uint64_t seed) {
  std::vector<float> result(rows.begin(), rows.end());
  const auto width = static_cast<std::size_t>(features);
  train::for_rows(static_cast<std::int64_t>(rows.size() / width), [&](std::int64_t row) {
    const auto at = static_cast<std::size_t>(row);
    train::corrupt(kind, amount, train::Random(seed, 0x0b057, at).next(), std::span(result).subspan(at * width, width));
  });
  return result;
}

}  // namespace

Robustness robustness_of(std::span<const DenseModel> models, std::span<const float> rows, std::uint64_t seed) {
  Robustness result{{0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5},
                    {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9},
                    {{"input as it is", {}, {}}}};
  for (const DenseModel& model : models) result.curves.push_back({model.name, {}, {}});
  const std::int64_t features = models.front().features();
  const auto measure = [&](train::InputNoise kind, double amount, std::vector<double> RobustnessCurve::*axis) {
    const std::vector<float> input =
        amount > 0 ? damaged(rows, features, kind, amount, seed) : std::vector<float>(rows.begin(), rows.end());
    (result.curves[0].*axis).push_back(mean(squared_errors(rows, input, features)));
    for (std::size_t i = 0; i < models.size(); ++i)
      (result.curves[i + 1].*axis).push_back(mean(squared_errors(rows, reconstruct(models[i], input), features)));
  };
  for (const double sigma : result.sigmas) measure(train::InputNoise::gaussian, sigma, &RobustnessCurve::noise);
  for (const double share : result.shares) measure(train::InputNoise::masking, share, &RobustnessCurve::missing);
  return result;
}

std::vector<Plot> plots(const Robustness& robustness) {
  Plot noise{"Gaussian noise", "standard deviation (white is 1)", "squared error per item", {}},
      missing{"Missing inputs", "share of the numbers set to 0", "squared error per item", {}};
  for (const RobustnessCurve& curve : robustness.curves) {
    const auto style = &curve == &robustness.curves.front() ? Series::Style::dashed : Series::Style::line;
    noise.series.push_back({curve.name, robustness.sigmas, curve.noise, style});
    missing.series.push_back({curve.name, robustness.shares, curve.missing, style});
  }
  return {noise, missing};
}

std::string table(const Robustness& robustness) {
  std::size_t width = 5;
  for (const RobustnessCurve& curve : robustness.curves) width = std::max(width, curve.name.size());
  std::string text;
  const auto part = [&](const char* title, const std::vector<double>& axis, std::vector<double> RobustnessCurve::*of) {
    text += fmt::format("{:<{}}", title, width);
    for (const double amount : axis) text += fmt::format("  {:>7.2f}", amount);
    text += '\n';
    for (const RobustnessCurve& curve : robustness.curves) {
      text += fmt::format("{:<{}}", curve.name, width);
      for (const double error : curve.*of) text += fmt::format("  {:>7.2f}", error);
      text += '\n';
    }
  };
  part("noise", robustness.sigmas, &RobustnessCurve::noise);
  part("missing", robustness.shares, &RobustnessCurve::missing);
  return text;
}

}  // namespace latentflow::show

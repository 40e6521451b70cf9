// logistic.cpp: see logistic.h.
#include "logistic.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "nn/gemm.h"
#include "nn/moments.h"

namespace latentflow::train {
namespace {

constexpr std::int64_t portion = 1024;  // rows of one piece of work; sums of pieces are added in double, in order
constexpr std::size_t memory = 10;      // pairs that L-BFGS remembers

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The rows with mean 0 in every column, scaled; columns without variance become 0.
struct ScaledRows {
  std::vector<float> rows;
  Vector mean, scale;

  ScaledRows(std::span<const float> source, std::int64_t features, FeatureScale by)
      : rows(source.begin(), source.end()),
        mean(static_cast<std::size_t>(features)),
        scale(static_cast<std::size_t>(features)) {
    const std::int64_t count = static_cast<std::int64_t>(source.size()) / features;
    constexpr std::int64_t width = 16;
    tbb::parallel_for(std::int64_t{0}, (features + width - 1) / width, [&](std::int64_t part) {
      measure(source, features, part * width, std::min(features, (part + 1) * width));
    });
    if (by == FeatureScale::common) {
      double sum = 0, varying = 0;
      for (const double inverse : scale)
        if (inverse > 0) sum += 1 / inverse, ++varying;
      for (double& inverse : scale) inverse = inverse > 0 ? varying / sum : 0;
    }
    tbb::parallel_for(std::int64_t{0}, count, [&](std::int64_t row) {
      float* numbers = rows.data() + row * features;
      for (std::size_t j = 0; j < mean.size(); ++j)
        numbers[j] = static_cast<float>((static_cast<double>(numbers[j]) - mean[j]) * scale[j]);
    });
  }

 private:
  /// Means and inverse deviations of columns begin to end.
  void measure(std::span<const float> source, std::int64_t features, std::int64_t begin, std::int64_t end) {
    const std::int64_t count = static_cast<std::int64_t>(source.size()) / features;
    const auto number = [&](std::int64_t row, std::size_t column) {
      return static_cast<double>(source[static_cast<std::size_t>(row * features) + column]);
    };
    const auto first = static_cast<std::size_t>(begin), last = static_cast<std::size_t>(end);
    for (std::int64_t row = 0; row < count; ++row)
      for (std::size_t j = first; j < last; ++j) mean[j] += number(row, j);
    for (std::size_t j = first; j < last; ++j) mean[j] /= static_cast<double>(count);
    Vector squares(last - first);
    for (std::int64_t row = 0; row < count; ++row)
      for (std::size_t j = first; j < last; ++j) squares[j - first] += std::pow(number(row, j) - mean[j], 2);
    for (std::size_t j = first; j < last; ++j) {
      const double deviation = std::sqrt(squares[j - first] / static_cast<double>(count));
      scale[j] = deviation > 1e-6 * (std::abs(mean[j]) + 1e-6) ? 1 / deviation : 0;
    }
  }
};

/// Mean loss and its gradient by [classes, features + 1] numbers, the last column the bias.
class Loss {
 public:
  Loss(const ScaledRows& data, std::span<const std::uint8_t> labels, std::int64_t features, std::int64_t classes,
       double decay)
      : data_(data), labels_(labels), features_(features), classes_(classes), decay_(decay) {}

  double operator()(const Vector& point, Vector& gradient) const {
    const auto count = static_cast<std::int64_t>(labels_.size()), pieces = (count + portion - 1) / portion;
    const auto d = static_cast<std::size_t>(features_), c = static_cast<std::size_t>(classes_);
    std::vector<float> weights(c * d);
    for (std::size_t k = 0; k < c; ++k)
      for (std::size_t j = 0; j < d; ++j) weights[k * d + j] = static_cast<float>(point[k * (d + 1) + j]);
    std::vector<std::vector<float>> parts(static_cast<std::size_t>(pieces));
    Vector losses(static_cast<std::size_t>(pieces));
    tbb::parallel_for(std::int64_t{0}, pieces, [&](std::int64_t piece) {
      const std::int64_t first = piece * portion, some = std::min(portion, count - first);
      const float* x = data_.rows.data() + first * features_;
      std::vector<float> scores(static_cast<std::size_t>(some) * c);
      nn::Gemm{false, true, some, classes_, features_}(x, weights.data(), scores.data());
      for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += static_cast<float>(point[i % c * (d + 1) + d]);
      losses[static_cast<std::size_t>(piece)] =
          softmax_loss(scores, labels_.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(some)),
                       classes_, static_cast<double>(count));
      std::vector<float>& part = parts[static_cast<std::size_t>(piece)];
      part.resize(c * d + c);
      nn::Gemm{true, false, classes_, features_, some}(scores.data(), x, part.data());
      for (std::size_t i = 0; i < scores.size(); ++i) part[c * d + i % c] += scores[i];
    });
    double loss = 0;
    for (const double part : losses) loss += part / static_cast<double>(count);
    gradient.assign(point.size(), 0);
    for (const std::vector<float>& part : parts)
      for (std::size_t k = 0; k < c; ++k) {
        for (std::size_t j = 0; j < d; ++j) gradient[k * (d + 1) + j] += static_cast<double>(part[k * d + j]);
        gradient[k * (d + 1) + d] += static_cast<double>(part[c * d + k]);
      }
    for (std::size_t i = 0; i < point.size(); ++i) {
      if (i % (d + 1) == d) continue;  // biases are free
      loss += 0.5 * decay_ * point[i] * point[i];
      gradient[i] += decay_ * point[i];
    }
    return loss;
  }

 private:
  const ScaledRows& data_;
  std::span<const std::uint8_t> labels_;
  std::int64_t features_, classes_;
  double decay_;
};

/// - H gradient with H from the remembered pairs (two-loop recursion, algorithm 7.4).
Vector direction(const Vector& gradient, const std::deque<std::pair<Vector, Vector>>& pairs) {
  Vector q = gradient, alphas(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    const auto& [s, y] = pairs[i];
    alphas[i] = dot(s, q) / dot(s, y);
    for (std::size_t j = 0; j < q.size(); ++j) q[j] -= alphas[i] * y[j];
  }
  const double start =
      pairs.empty() ? 1 / std::sqrt(dot(gradient, gradient))
                    : dot(pairs.back().first, pairs.back().second) / dot(pairs.back().second, pairs.back().second);
  for (double& entry : q) entry *= start;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [s, y] = pairs[i];
    const double beta = dot(y, q) / dot(s, y);
    for (std::size_t j = 0; j < q.size(); ++j) q[j] += (alphas[i] - beta) * s[j];
  }
  for (double& entry : q) entry = -entry;
  return q;
}

struct Minimum {
  Vector point;
  double value = 0;
  std::int64_t iterations = 0;
  bool converged = false;
};

Minimum minimise(const Loss& loss, std::size_t size, const LogisticOptions& options) {
  Minimum best{Vector(size)};
  Vector gradient, next_gradient, next(size);
  best.value = loss(best.point, gradient);
  std::deque<std::pair<Vector, Vector>> pairs;
  const auto largest = [&] {
    double most = 0;
    for (const double entry : gradient) most = std::max(most, std::abs(entry));
    return most;
  };
  while (!(best.converged = largest() <= options.tolerance) && best.iterations < options.most_iterations) {
    const Vector along = direction(gradient, pairs);
    const double slope = dot(gradient, along);
    double length = 1, value = 0;
    for (;; length *= 0.5) {
      for (std::size_t i = 0; i < size; ++i) next[i] = best.point[i] + length * along[i];
      value = loss(next, next_gradient);
      if (value <= best.value + 1e-4 * length * slope) break;
      if (length < 1e-10) return best;  // rounding is all that is left
    }
    Vector s(size), y(size);
    for (std::size_t i = 0; i < size; ++i) s[i] = next[i] - best.point[i], y[i] = next_gradient[i] - gradient[i];
    if (dot(s, y) > 1e-12 * dot(y, y)) pairs.emplace_back(std::move(s), std::move(y));
    if (pairs.size() > memory) pairs.pop_front();
    best.point.swap(next), gradient.swap(next_gradient);
    best.value = value, ++best.iterations;
  }
  return best;
}

}  // namespace

double softmax_loss(std::span<float> scores, std::span<const std::uint8_t> labels, std::int64_t classes, double items) {
  const auto c = static_cast<std::size_t>(classes);
  double loss = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const std::span<float> own = scores.subspan(row * c, c);
    const float most = *std::max_element(own.begin(), own.end());
    double sum = 0;
    for (const float score : own) sum += std::exp(static_cast<double>(score - most));
    loss += std::log(sum) - static_cast<double>(own[labels[row]] - most);
    for (std::size_t k = 0; k < c; ++k) {
      const double share = std::exp(static_cast<double>(own[k] - most)) / sum;
      own[k] = static_cast<float>((share - (k == labels[row] ? 1 : 0)) / items);
    }
  }
  return loss;
}

std::int64_t count_errors(std::span<const float> scores, std::span<const std::uint8_t> labels, std::int64_t classes) {
  std::int64_t errors = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto own = scores.subspan(row * static_cast<std::size_t>(classes), static_cast<std::size_t>(classes));
    errors += std::max_element(own.begin(), own.end()) - own.begin() != labels[row];
  }
  return errors;
}

Result<LogisticModel> fit_logistic(std::span<const float> rows, std::span<const std::uint8_t> labels,
                                   std::int64_t features, const LogisticOptions& options) {
  if (labels.empty()) return bad_input("logistic regression needs at least one row");
  if (const std::string where = nn::first_not_finite(rows, features); !where.empty())
    return bad_input(where + "; needs finite numbers");
  LogisticModel model;
  model.features = features;
  model.classes = 1 + *std::max_element(labels.begin(), labels.end());
  if (model.classes < 2) return bad_input("all labels are 0; needs at least two classes");
  const ScaledRows data(rows, features, options.recipe.scale);
  const auto d = static_cast<std::size_t>(features), c = static_cast<std::size_t>(model.classes);
  const Minimum found =
      minimise(Loss(data, labels, features, model.classes, options.recipe.decay), c * (d + 1), options);
  model.iterations = found.iterations, model.converged = found.converged, model.loss = found.value;
  model.weights.resize(c * d), model.bias.resize(c);
  for (std::size_t k = 0; k < c; ++k) {
    double bias = found.point[k * (d + 1) + d];
    for (std::size_t j = 0; j < d; ++j) {
      const double weight = found.point[k * (d + 1) + j] * data.scale[j];
      model.weights[k * d + j] = static_cast<float>(weight);
      bias -= weight * data.mean[j];
    }
    model.bias[k] = static_cast<float>(bias);
  }
  return model;
}

double ErrorRate::wilson(int side) const {
  constexpr double z = 1.959964;
  const auto n = static_cast<double>(items);
  const double p = rate(), middle = p + z * z / (2 * n);
  return (middle + side * z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n);
}

std::string to_string(const ErrorRate& rate) {
  return fmt::format("{:.2f} % error ({:.2f} to {:.2f})", 100 * rate.rate(), 100 * rate.low(), 100 * rate.high());
}

ErrorRate error_rate(const LogisticModel& model, std::span<const float> rows, std::span<const std::uint8_t> labels) {
  const auto count = static_cast<std::int64_t>(labels.size());
  std::vector<float> scores(static_cast<std::size_t>(count * model.classes));
  nn::Gemm{false, true, count, model.classes, model.features}(rows.data(), model.weights.data(), scores.data());
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += model.bias[i % model.bias.size()];
  return {count_errors(scores, labels, model.classes), count};
}

}  // namespace latentflow::train

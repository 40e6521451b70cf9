// logistic.h: multinomial logistic regression, trained to convergence, and what an error rate is worth.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::train {

struct LogisticOptions {
  LogisticRecipe recipe{};
  std::int64_t most_iterations = 1000;
  double tolerance = 1e-4;  ///< converged when no entry of the gradient is larger
};

/// Class c has the score weights[c] . x + bias[c]; the largest wins.
struct LogisticModel {
  std::int64_t features = 0, classes = 0;
  std::vector<float> weights;  ///< [classes, features]
  std::vector<float> bias;     ///< [classes]
  std::int64_t iterations = 0;
  bool converged = false;
  double loss = 0;  ///< mean cross-entropy of the rows plus decay, in nats
};

/// Minimises the mean cross-entropy over rows [n, features] by L-BFGS (Nocedal and Wright, 2nd ed., algorithm 7.5) on
/// centred and scaled features, undone in the result; the problem is convex. The same bits for any number of threads.
/// Requires as many labels as rows. Errors: bad_input without rows, with fewer than two classes, or with numbers that
/// are not finite.
Result<LogisticModel> fit_logistic(std::span<const float> rows, std::span<const std::uint8_t> labels,
                                   std::int64_t features, const LogisticOptions& options = {});

/// How many of so many items were taken for another class.
struct ErrorRate {
  std::int64_t errors = 0, items = 0;

  double rate() const { return static_cast<double>(errors) / static_cast<double>(items); }
  /// Of 95 %, by Wilson (1927): keeps within 0..1 and its share also for few errors.
  double low() const { return wilson(-1); }
  double high() const { return wilson(1); }

 private:
  double wilson(int side) const;
};

/// "1.52 % error (1.30 to 1.78)"
std::string to_string(const ErrorRate& rate);

/// Of rows [n, features] and their labels.
ErrorRate error_rate(const LogisticModel& model, std::span<const float> rows, std::span<const std::uint8_t> labels);

/// d loss / d scores of the mean cross-entropy, in place of the scores [rows, classes], divided by `items`; returns
/// the rows' loss, not divided.
double softmax_loss(std::span<float> scores, std::span<const std::uint8_t> labels, std::int64_t classes, double items);

/// Rows whose largest score is another class's.
std::int64_t count_errors(std::span<const float> scores, std::span<const std::uint8_t> labels, std::int64_t classes);

}  // namespace latentflow::train

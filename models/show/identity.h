// identity.h: does an autoencoder know its data, or does it copy whatever it is given?
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "dense_model.h"

namespace latentflow::show {

/// The share of the variance of a set that comes back: 1 - sum |x - r(x)|^2 / sum |x - mean|^2, the mean being that of
/// the set. 1 for the identity, M / d for white noise and a projection on M of d directions, negative for worse than
/// the mean.
double share_met_again(const DenseModel& model, std::span<const float> rows);

/// Shares of three sets of as many items: the data; pictures of independent uniform noise in 0..1; and pictures of
/// which every pixel is from another item of the data, at its place: each pixel has its grey levels, what ties pixels
/// together is gone. The last set asks for what the training could teach: directions without variance are not in it.
struct IdentityScore {
  double data = 0, noise = 0, shuffled = 0;

  /// The larger of the foreign shares over that of the data, limited to 0..1: 1 for a copy of the input, near 0 for a
  /// model that knows what its data look like. Not a number where not even half of the data comes back.
  double score() const;
  /// Above 0.8; principal components that keep a seventh of the directions and most of the variance have about a half.
  bool copies() const { return score() > 0.8; }
};

/// `rows` [n, features] in 0..1.
IdentityScore identity_score(const DenseModel& model, std::span<const float> rows, std::uint64_t seed);

/// The same of whatever makes rows of rows. Errors: its own.
using Reconstruct = std::function<Result<std::vector<float>>(std::span<const float> rows)>;
Result<IdentityScore> identity_score(const Reconstruct& back, std::int64_t features, std::span<const float> rows,
                                     std::uint64_t seed);

/// "identity score 0.04 (of the variance of data 0.95, noise -0.12 and shuffled pixels 0.03 come back)", with what it
/// means where that is bad.
std::string to_string(const IdentityScore& score);
/// {score, copies, data, noise, shuffled}; score is null where there is none.
nlohmann::json to_json(const IdentityScore& score);

}  // namespace latentflow::show

// reconstructions.h: what comes back of items, beside principal components of the same code size, with errors.
#pragma once

#include <optional>

#include <opencv2/core.hpp>

#include "identity.h"
#include "subject.h"

namespace latentflow::show {

struct ReconstructionRow {
  std::string name;
  std::vector<float> rows;     ///< [shown items, features]
  std::vector<double> errors;  ///< of those, squared and summed over the pixels
  double mean_error = 0;       ///< over the test items
  std::optional<IdentityScore> identity;
};

struct Reconstructions {
  std::vector<float> input;             ///< [shown items, features]
  std::vector<ReconstructionRow> rows;  ///< principal components of every code size, then the models
  std::int64_t test_items = 0;
  std::string test_name;  ///< of the data
};

/// `shown` [n, features] are pictured; means and identity scores are over the test items of `digits`, principal
/// components are fitted to those to train on. Models take the data's number of features.
Result<Reconstructions> reconstruct_all(std::span<const DenseModel> models, const train::ItemSet& digits,
                                        std::span<const float> shown, const std::string& test_name, std::uint64_t seed);

/// The strip: input first, then a row each, the squared error under every column.
cv::Mat draw(const Reconstructions& strips, const nn::CodeItem& item);
/// A table of the means and identity scores.
std::string table(const Reconstructions& strips);

}  // namespace latentflow::show

// item_rows.h: what autoencoders on vectors are trained on: rows of numbers, with labels where there are some.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "nn/code_model.h"
#include "whitening.h"

namespace latentflow::train {

struct TrainingJob;

struct ItemRows {
  std::vector<float> values;         ///< [count, features]
  std::vector<std::uint8_t> labels;  ///< one per row, or none at all
  nn::CodeItem item;                 ///< what a row is
  /// [count, features]: of pairs, what the network gets to make the values of. Empty where it gets the values, or what
  /// training does to them.
  std::vector<float> damaged{};

  std::span<const float> seen() const { return damaged.empty() ? values : damaged; }
  std::int64_t features() const { return item.features(); }
  std::int64_t count() const { return static_cast<std::int64_t>(values.size()) / features(); }
};

struct ItemSet {
  ItemRows train, validation, test;      ///< nothing to validate on in most sets
  std::optional<Whitening> whitening{};  ///< that was applied to all of them
  std::string about{};                   ///< where they come from, for the card
};

/// The rows that the recipe of the job names, from its folders. Errors: those of load_digits(), cut_patches() and
/// rows_of_graph() and check_items(); invalid_argument where the recipe needs labels and there are none.
Result<ItemSet> load_items(const TrainingJob& job);

}  // namespace latentflow::train

// subject.h: the items that models are looked at with.
#pragma once

#include <string>

#include "dense_model.h"
#include "train/autoencoder/digit_rows.h"

namespace latentflow::show {

/// `source` is "synthetic" (drawn digits, as a recipe with data.digits: synthetic and seed 1 has them, of `side`
/// pixels) or a folder of IDX files. At most `train` and `test` items of each; 0: all. Errors: those of
/// train::load_digits.
Result<train::ItemSet> load_items(const std::string& source, std::int64_t side, std::int64_t train, std::int64_t test);

/// Refuses items that the model does not take, with both sizes.
Status check_items(const DenseModel& model, const train::ItemRows& rows, const std::string& source);

/// The first item of every class in turn, then the second ones, until there are `count`; indices of rows.
std::vector<std::int64_t> items_of_all_classes(const train::ItemRows& rows, std::int64_t count);

/// Rows of these indices, one after the other.
std::vector<float> gather(const train::ItemRows& rows, std::span<const std::int64_t> indices);

/// The model of the principal components of `rows`, as many as `components` or as the rows allow.
Result<DenseModel> components_of(const train::ItemRows& rows, std::int64_t components);

}  // namespace latentflow::show

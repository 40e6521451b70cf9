// shown.h: the items that pictures of the gallery show: drawn ones, so that its pages hold nothing of a data set.
#pragma once

#include <vector>

#include "latentflow/result.h"
#include "nn/code_model.h"

namespace latentflow::gallery {

/// Rows [count, features] of 0..1: of patches, patches of drawn pictures; else the first drawn digits that no drawn
/// training set of that size has among its items, of all classes in turn. Errors: those of train::load_digits() and of
/// the graph that draws the pictures.
Result<std::vector<float>> shown_items(const nn::CodeItem& item, std::int64_t count);

}  // namespace latentflow::gallery

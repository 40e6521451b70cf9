// filters.h: what the units of a layer look for: their weights, or the inputs that excite them most.
#pragma once

#include <opencv2/core.hpp>

#include "dense_model.h"

namespace latentflow::show {

struct Filter {
  std::int64_t unit = 0;   ///< of the layer, from 0
  double norm = 0;         ///< of its weights
  double activity = 0;     ///< mean activation over the data; 0 without data
  std::vector<float> row;  ///< of |row| = 1: the input, apart from its scale, that the unit responds to most
};

enum class FilterOrder { unit, norm, activity };

struct FilterChoice {
  std::int64_t layer = 1;    ///< of the encoder, from 1
  std::int64_t units = 100;  ///< at most so many, the first in the order; 0: all
  FilterOrder order = FilterOrder::unit;
  std::uint64_t seed = 1;  ///< of where the ascent starts
  /// Of the first layer: what unit j adds to a reconstruction, column j of the last layer, instead of its own weights,
  /// which whitening that was folded into them buries under high frequencies.
  bool decoder = false;
};

/// For the first layer x = W_j / ||W_j||, which maximises unit j under ||x|| = 1; for deeper ones x comes from
/// ascend(). `data` [n, features] may be empty, but not for the order activity. Descending by norm or activity.
/// Errors: invalid_argument for a layer that does not exist, the decoder of another layer than the first, and an order
/// by activity without data.
Result<std::vector<Filter>> filters_of(const DenseModel& model, std::span<const float> data,
                                       const FilterChoice& choice);

/// Inputs under ||x|| = 1 that maximise the sum into each unit of layer `layer`, [units, features], by the ascent of
/// ascent.h; the start that is not random are the units' weights multiplied down through the layers.
std::vector<float> ascend(const DenseModel& model, std::int64_t layer, std::span<const std::int64_t> units,
                          std::uint64_t seed);

/// The sum into unit j of layer `layer`, before its activation, for row j: [units].
std::vector<float> sums_into(const DenseModel& model, std::int64_t layer, std::span<const std::int64_t> units,
                             std::span<const float> rows);

/// What filters_of() of every kind of model refuses, and the order and number that it keeps. Norms and activities are
/// filled in.
Status check_choice(const FilterChoice& choice, const std::string& model, std::int64_t layers, bool has_data);
void choose(std::vector<Filter>& filters, const FilterChoice& choice);

/// Tiles on a grid, each with its own scale: zero is the middle grey. `columns` 0: about square.
cv::Mat draw(std::span<const Filter> filters, const nn::CodeItem& item, std::int64_t columns);

}  // namespace latentflow::show

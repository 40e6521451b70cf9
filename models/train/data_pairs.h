// data_pairs.h: recipes whose graph does the damage: it delivers pairs of damaged and clean items, or masks of holes.
#pragma once

#include <array>
#include <span>

#include "data_graph.h"
#include "photographs.h"
#include "random.h"
#include "recipe.h"
#include "samples.h"

namespace latentflow::train {

/// What the graph that is the data of a recipe delivers; neither pairs nor masks without a graph. Errors: those of
/// kind_of_items(); invalid_argument where the two do not go together, with what to change. Pairs: a recipe that
/// damages items itself (which would do it twice), one that cuts patches of photographs, fills holes, or changes
/// pictures after they were damaged (data.scaled_share, scale, permute_channels, gain); a denoiser with a level map
/// whose recipe does not say which level a pair has (data.sigma), and a level without pairs. Masks: a task other than
/// inpaint, a recipe that draws masks itself (corruption.masks) or changes pictures in the same way.
Result<ItemKind> check_items(const Recipe& recipe);

/// The level of a pair that a denoiser is told, in 0..1: that of the recipe, or the deviation of the two, both
/// CV_32F in 0..1.
double level_of_pair(const DataRecipe& data, const cv::Mat& damaged, const cv::Mat& clean);

/// Least and largest level of whole pictures, in grey levels of 255, for the card. Requires pairs.
std::array<double, 2> levels_of_pairs(const DataRecipe& data, std::span<const Photograph> pairs);

/// A training sample: the same part of both pictures, turned and mirrored alike (data.flips), otherwise as the graph
/// made them; map = level_of_pair() of that part. Depends on the arguments alone.
void cut_pair(const DataRecipe& data, const Photograph& pair, std::int64_t patch, Random& random,
              const SampleTarget& target);

}  // namespace latentflow::train

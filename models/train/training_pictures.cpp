// training_pictures.cpp: see training_pictures.h.
#include "training_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "data_graph.h"
#include "data_pairs.h"
#include "random.h"
#include "training_run.h"

namespace latentflow::train {
namespace {

constexpr std::uint64_t order_key = 0x4e1d;
constexpr std::int64_t smallest_validated = 16;  // of a folder for validation, whose pictures are not cut into patches

/// Of `pictures` those to validate on and, behind them, those to train on.
Status split(std::vector<Photograph>& pictures, const Recipe& recipe, PictureSet& set) {
  // One by one out of a shuffled order, so that the choice depends on names and seed alone.
  Random random(recipe.seed, order_key);
  for (std::size_t i = pictures.size(); i > 1; --i)
    std::swap(pictures[i - 1], pictures[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
  const double share = recipe.validation.held_out;
  auto count = static_cast<std::size_t>(std::lround(share * static_cast<double>(pictures.size())));
  if (share > 0) count = std::max<std::size_t>(count, 1);
  if (count >= pictures.size())
    return bad_input(fmt::format("{} holds {} pictures, {} of them would be held out and none left to train on",
                                 set.source, pictures.size(), count));
  const auto first = pictures.begin() + static_cast<std::ptrdiff_t>(count);
  set.held_out.assign(pictures.begin(), first);
  set.training.assign(first, pictures.end());
  return success();
}

}  // namespace

Result<PictureSet> load_training_pictures(const TrainingJob& job, std::int64_t smallest) {
  const Recipe& recipe = job.recipe;
  const bool color = recipe.network.color;
  const Result<ItemKind> items = check_items(recipe);
  if (!items) return items.error();
  PictureSet set;
  set.source = recipe.data.graph ? "graph " + name_of(*recipe.data.graph) : folder_name(job.data);
  if (items->pairs) set.kind = "pairs of pictures";
  if (items->masks) set.kind = "pictures with masks";
  Result<std::vector<Photograph>> pictures = recipe.data.graph
                                                 ? photographs_of_graph(*recipe.data.graph, color, smallest, job.stop)
                                                 : load_photographs(job.data, color, smallest);
  if (!pictures) return pictures.error();
  if (job.validation.empty()) {
    if (Status status = split(*pictures, recipe, set); !status) return status.error();
  } else {
    Result<std::vector<Photograph>> held_out = load_photographs(job.validation, color, smallest_validated);
    if (!held_out) return held_out.error();
    set.training = std::move(*pictures), set.held_out = std::move(*held_out);
  }
  if (items->pairs) set.levels = levels_of_pairs(recipe.data, set.training);
  return set;
}

}  // namespace latentflow::train

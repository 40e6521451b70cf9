// data_pairs.cpp: see data_pairs.h.
#include "data_pairs.h"

#include <fmt/format.h>

#include <algorithm>

#include "interleaved.h"
#include "model_file.h"
#include "patch_planes.h"
#include "photo_damage.h"

namespace latentflow::train {
namespace {

constexpr const char* twice =
    "the graph delivers pairs, and the recipe has a corruption: damage would be done twice; leave corruption out, or "
    "target of node deliver";

/// What is wrong with pairs for this recipe; empty where nothing is.
std::string against_pairs(const Recipe& recipe) {
  if (recipe.task == Task::autoencoder) {
    if (recipe.autoencoder.patches)
      return "the graph delivers pairs, and the recipe cuts patches of single pictures; cut them in the graph (node "
             "crop), without data.patches";
    return recipe.autoencoder.noise != InputNoise::none ? twice : "";
  }
  if (recipe.task == Task::inpaint)
    return "the graph delivers pairs, and a recipe for inpaint makes holes itself; leave target of node deliver out, "
           "and wire what is missing to mask if the graph says it";
  if (recipe.corruption.named) return twice;
  if (recipe.data.changes_pictures)
    return "data: scaled_share, scale, permute_channels and gain would change pictures that the graph has damaged; "
           "leave them out where it delivers pairs, which are cropped, turned and mirrored alone";
  if (recipe.task == Task::denoise && recipe.network.noise_map && recipe.data.level == PairLevel::none)
    return "the graph delivers pairs, and the network takes a map of noise levels that nothing gives; say "
           "data.sigma: 25 (of 255, for all), data.sigma: measured (what the two of a pair differ by), or "
           "network.noise_map: false";
  return "";
}

/// The same for masks.
std::string against_masks(const Recipe& recipe) {
  if (recipe.task != Task::inpaint)
    return fmt::format(
        "the graph delivers masks, and the task of the recipe is {}; leave mask of node deliver out, task: inpaint "
        "learns to fill what is missing",
        card_task(recipe.task));
  if (recipe.corruption.masks_named)
    return "the graph delivers masks, and corruption.masks draws others; leave one of the two out (hole_weight, "
           "band_weight and band go with both)";
  if (recipe.data.changes_pictures)
    return "data: scaled_share, scale, permute_channels and gain do not go with masks that a graph delivers; leave "
           "them out, picture and mask are cropped, turned and mirrored alone";
  return "";
}

}  // namespace

Result<ItemKind> check_items(const Recipe& recipe) {
  const std::optional<DataGraph>& graph =
      recipe.task == Task::autoencoder ? recipe.autoencoder.graph : recipe.data.graph;
  if (!graph) return ItemKind();
  const Result<ItemKind> kind = kind_of_items(*graph);
  if (!kind) return kind;
  std::string problem = kind->masks ? against_masks(recipe) : "";
  if (problem.empty())
    problem =
        kind->pairs ? against_pairs(recipe)
        : recipe.data.level != PairLevel::none
            ? "data.sigma is the level of pairs, and the graph delivers pictures alone; wire target of node deliver to "
              "the clean ones, or leave sigma out"
            : "";
  if (!problem.empty()) return invalid_argument(fmt::format("{}: {}", graph->file.string(), problem));
  return kind;
}

double level_of_pair(const DataRecipe& data, const cv::Mat& damaged, const cv::Mat& clean) {
  return data.level == PairLevel::given ? data.sigma / 255 : deviation(damaged, clean);
}

std::array<double, 2> levels_of_pairs(const DataRecipe& data, std::span<const Photograph> pairs) {
  std::array<double, 2> levels{255, 0};
  for (const Photograph& pair : pairs) {
    const double level = 255 * level_of_pair(data, in_unit_range(pair.damaged), in_unit_range(pair.pixels));
    levels = {std::min(levels[0], level), std::max(levels[1], level)};
  }
  return levels;
}

void cut_pair(const DataRecipe& data, const Photograph& pair, std::int64_t patch, Random& random,
              const SampleTarget& target) {
  const auto x = static_cast<int>(random.below(pair.pixels.cols - patch + 1)),
             y = static_cast<int>(random.below(pair.pixels.rows - patch + 1));
  const cv::Rect part(x, y, static_cast<int>(patch), static_cast<int>(patch));
  const Turning turning = Turning::draw(data.flips, random);
  const cv::Mat clean = in_unit_range(pair.pixels(part)), damaged = in_unit_range(pair.damaged(part));
  const auto same = [](float sample) { return sample; };
  write_planes<float>(clean, turning, {0, 1, 2}, same, target.clean);
  write_planes<float>(damaged, turning, {0, 1, 2}, same, target.input);
  if (target.map != nullptr)
    std::fill_n(target.map, patch * patch, static_cast<float>(level_of_pair(data, damaged, clean)));
}

}  // namespace latentflow::train

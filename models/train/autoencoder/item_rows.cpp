// item_rows.cpp: see item_rows.h.
#include "item_rows.h"

#include <fmt/format.h>

#include "digit_rows.h"
#include "graph_rows.h"
#include "patch_rows.h"
#include "train/data_pairs.h"
#include "train/training_run.h"

namespace latentflow::train {
namespace {

Result<ItemSet> digits(const TrainingJob& job) {
  const DigitData& data = job.recipe.autoencoder.digits;
  std::vector<Photograph> photographs;
  if (data.background) {
    if (job.photographs.empty())
      return invalid_argument(
          "the recipe puts digits before photographs: name a folder of them with --photographs, or set "
          "data.background=false");
    Result<std::vector<Photograph>> loaded = load_photographs(job.photographs, false, 1);
    if (!loaded) return loaded.error();
    photographs = std::move(*loaded);
  }
  Result<ItemSet> set = load_digits(data, job.data, job.recipe.seed, photographs);
  if (!set) return set;
  set->about = fmt::format(
      "{}{}{}", data.synthetic ? "drawn digits" : folder_name(job.data), data.rotated ? ", rotated" : "",
      data.background ? fmt::format(", before {} photographs of {}", photographs.size(), folder_name(job.photographs))
                      : "");
  return set;
}

Result<ItemSet> patches(const TrainingJob& job) {
  const PatchData& data = *job.recipe.autoencoder.patches;
  const std::optional<DataGraph>& graph = job.recipe.autoencoder.graph;
  const Result<std::vector<Photograph>> photographs =
      graph ? photographs_of_graph(*graph, false, data.size, job.stop) : load_photographs(job.data, false, data.size);
  if (!photographs) return photographs.error();
  Result<ItemSet> set = cut_patches(data, *photographs, job.recipe.seed);
  if (set)
    set->about =
        fmt::format("{}: {}patches of {}x{} from {} photographs", graph ? name_of(*graph) : folder_name(job.data),
                    data.whiten ? "whitened " : "", data.size, data.size, photographs->size());
  return set;
}

Result<ItemSet> delivered(const TrainingJob& job) {
  const DataGraph& graph = *job.recipe.autoencoder.graph;
  Result<ItemSet> set = rows_of_graph(graph, job.stop, job.recipe.autoencoder.loss);
  if (!set) return set;
  const FeatureRecipe& features = job.recipe.autoencoder.features;
  if (set->train.labels.empty() && (features.logistic || features.fine_tune))
    return invalid_argument(
        fmt::format("{}: the recipe's features need labels; wire a record with the field 'label' to record of node "
                    "deliver",
                    graph.file.string()));
  set->about = "graph " + name_of(graph) + (set->train.damaged.empty() ? "" : ", pairs of damaged and clean items");
  return set;
}

}  // namespace

Result<ItemSet> load_items(const TrainingJob& job) {
  const AutoencoderRecipe& recipe = job.recipe.autoencoder;
  if (const Result<ItemKind> kind = check_items(job.recipe); !kind) return kind.error();
  Result<ItemSet> set = recipe.patches ? patches(job) : recipe.graph ? delivered(job) : digits(job);
  if (set)
    set->about +=
        fmt::format(": {} items to train on, {}{} to test", set->train.count(),
                    set->validation.count() > 0 ? fmt::format("{} to validate on, ", set->validation.count()) : "",
                    set->test.count());
  return set;
}

}  // namespace latentflow::train

// shown.cpp: see shown.h.
#include "shown.h"

#include <algorithm>

#include "collection.h"
#include "show/subject.h"
#include "train/autoencoder/patch_rows.h"
#include "train/data_graph.h"

namespace latentflow::gallery {
namespace {

constexpr std::int64_t drawn_training_items = 6000, drawn_test_items = 100;
/// Others than those that principal components are fitted to.
constexpr const char *other_pictures = "seed=2", *few_pictures = "count=16";

}  // namespace

Result<std::vector<float>> shown_items(const nn::CodeItem& item, std::int64_t count) {
  if (item.kind == nn::CodeItem::Kind::patch) {
    const auto pictures = train::photographs_of_graph({drawn_pictures, {other_pictures, few_pictures}}, false,
                                                      std::max(item.height, item.width), nullptr);
    if (!pictures) return pictures.error();
    train::PatchData patches;
    patches.size = item.height, patches.train = count, patches.test = 1;
    Result<train::ItemSet> cut = train::cut_patches(patches, *pictures, 1);
    if (!cut) return cut.error();
    return std::move(cut->train.values);
  }
  const Result<train::ItemSet> drawn =
      show::load_items("synthetic", item.height, drawn_training_items, drawn_test_items);
  if (!drawn) return drawn.error();
  return show::gather(drawn->test, show::items_of_all_classes(drawn->test, count));
}

}  // namespace latentflow::gallery

// graph_rows.h: items that a graph delivers, as rows to train an autoencoder on.
#pragma once

#include <atomic>

#include "item_rows.h"
#include "train/data_graph.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::train {

/// Every picture or tensor is a row; pictures are planes in the order of R, G, B, with white as 1. Of pairs the targets
/// are the values, and the damaged ones stand beside them. Labels come from the field `label` (0 to 255) of the
/// records, if there are any. Errors: those of run_data_graph(), among them an item of another shape than the first,
/// one with nan or infinity, and with the loss cross_entropy one with numbers outside 0..1; bad_input for fewer items
/// than the recipe wants.
Result<ItemSet> rows_of_graph(const DataGraph& graph, const std::atomic<bool>* stop,
                              Reconstruction loss = Reconstruction::squared);

}  // namespace latentflow::train

// data_graph.h: data to train on that a graph of the pipeline makes: its sink `deliver` hands them over.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "latentflow/graph.h"
#include "photographs.h"
#include "recipe_data_graph.h"

namespace latentflow::train {

/// What belongs to the items of a graph, by the wires of its sink.
struct ItemKind {
  bool pairs = false;  ///< they are damaged and clean: there is a target
  bool masks = false;  ///< pictures with holes
};

/// The graph is checked, not run. Errors: invalid_argument for a graph that the checker refuses (with all its
/// problems), that has no sink `deliver` or more than one, or whose sink has one of a pair alone, or a mask without an
/// image.
Result<ItemKind> kind_of_items(const DataGraph& graph);

/// Runs the graph to its end; `take` gets what it delivers, in the order of its items, one call at a time; a pair comes
/// in one call. An error of `take` fails the item. Errors: those of kind_of_items(); bad_input where any item failed,
/// with the first reasons, or nothing was delivered; cancelled.
Status run_data_graph(const DataGraph& graph, const std::atomic<bool>* stop,
                      const std::function<Status(const Delivery&)>& take);

/// Its pictures, 8 bit, in the colours asked for, as load_photographs() gives those of a folder. Of pairs the clean
/// ones, with the damaged ones beside them. Errors: also a picture with a side shorter than `smallest`, a pair of two
/// sizes, and a mask of another size than its picture, with values between black and white, or of only one of the two.
Result<std::vector<Photograph>> photographs_of_graph(const DataGraph& graph, bool color, std::int64_t smallest,
                                                     const std::atomic<bool>* stop);

/// The name of its file, for the card.
std::string name_of(const DataGraph& graph);

}  // namespace latentflow::train

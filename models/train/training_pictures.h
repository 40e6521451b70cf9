// training_pictures.h: the pictures that the network of a job is trained and validated on.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "photographs.h"
#include "trainer.h"

namespace latentflow::train {

struct PictureSet {
  std::vector<Photograph> training, held_out;
  std::string source;                             ///< where they come from, as cards call it
  std::string kind = "pictures";                  ///< or "pairs of pictures", "pictures with masks"
  std::optional<std::array<double, 2>> levels{};  ///< of pairs; see ModelFacts
};

/// Those of the job's folder or of its recipe's graph, in the colours of the network. Held out are the pictures of the
/// folder for validation, or, where there is none, a share of them (validation.held_out, at least one unless it is 0)
/// that depends on their names and the seed alone. Errors: those of load_photographs() and photographs_of_graph(), with
/// `smallest` as there, and of check_items(); bad_input where none would be left to train on.
Result<PictureSet> load_training_pictures(const TrainingJob& job, std::int64_t smallest);

}  // namespace latentflow::train

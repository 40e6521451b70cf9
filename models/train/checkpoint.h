// checkpoint.h: the state of a training run on disk, so that it can go on as if it had never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "optimiser.h"

namespace latentflow::train {

struct Checkpoint {
  OptimiserState state;
  std::int64_t stage = 0;    ///< of a training in several stages; state.step counts within it
  std::int64_t updates = 0;  ///< of all stages; where time cuts stages short, fewer than their steps
  double seconds = 0;        ///< of training so far, over all runs
  std::string recipe;        ///< its text; a run goes on with the same one only
  std::uint64_t seed = 0;
  std::map<std::string, std::string>
      algorithms;            ///< nn::known_algorithms(): the same sums in the same order need the same ones
  std::string started_from;  ///< what the first weights came from, for the card; empty where they were drawn
};

/// Writes beside the file and renames, so the file is always a whole checkpoint.
Status save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& file);

/// Errors: not_found; bad_input for a file that is no checkpoint or is damaged.
Result<Checkpoint> load_checkpoint(const std::filesystem::path& file);

/// Writes all of `bytes` beside the file, flushes and renames.
Status write_whole(const std::filesystem::path& file, const std::string& bytes);

}  // namespace latentflow::train

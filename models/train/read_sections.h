// read_sections.h: the YAML form of the parts of a recipe that depend on its task.
#pragma once

#include "recipe.h"
#include "strict_yaml.h"

namespace latentflow::train {

inline constexpr std::int64_t many = std::int64_t{1} << 40;  ///< the largest number of steps, items or seeds
inline constexpr double least_rate = 1e-9;                   ///< of learning: with a rate of 0 nothing is learned

/// Reads network, data, loss, corruption, penalties, k_sparse, stacked, features and validation of task autoencoder.
void read_autoencoder(Fields& fields, Recipe& recipe);

/// Reads start_from, network, data, corruption, phases, validation, shard and restarts of the other tasks, which
/// recipe.task says; what is there before are the defaults of that task.
void read_pictures(Fields& fields, Recipe& recipe);

/// `graph` and `set` of a data section, for every task.
void read_graph(Fields& fields, std::optional<DataGraph>& graph);

}  // namespace latentflow::train

// read_autoencoder.h: the YAML form of the part of a recipe that is for autoencoders.
#pragma once

#include "recipe.h"
#include "strict_yaml.h"

namespace latentflow::train {

inline constexpr double least_rate = 1e-9;  ///< of learning: with a rate of 0 nothing is learned

/// Reads network, data, loss, corruption, penalties, k_sparse, stacked, features and validation of task autoencoder.
void read_autoencoder(Fields& fields, Recipe& recipe);

/// `graph` and `set` of a data section, for every task.
void read_graph(Fields& fields, std::optional<DataGraph>& graph);

}  // namespace latentflow::train

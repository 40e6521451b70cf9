// recipe_data_graph.h: the part of a recipe that names a graph as its data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace latentflow::train {

struct DataGraph {
  std::filesystem::path file;     ///< or the name of a shipped graph
  std::vector<std::string> sets;  ///< overrides, "parameter=value"
  /// Where the recipe says each of them, "file:line:column" or "--set data.set.parameter=value"; none where it is none
  /// of a file.
  std::vector<std::string> places{};
  /// Autoencoders: the first items are to train on, the last ones to test; without numbers nine and one of ten.
  std::optional<std::int64_t> train{}, test{};
};

}  // namespace latentflow::train

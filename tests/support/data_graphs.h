// data_graphs.h: graphs as data of recipes, in the folder of a test.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/temporary_folder.h"
#include "train/data_pairs.h"

namespace latentflow::test {

/// The file data.yaml.
inline train::DataGraph graph_in(const TemporaryFolder& folder, const std::string& nodes,
                                 const std::string& settings = "") {
  folder.write("data.yaml", "graph: data\n" + settings + "nodes:\n" + nodes);
  return {folder / "data.yaml", {}};
}

/// With G for the place of that file.
inline std::string shortened(std::string message, const TemporaryFolder& folder) {
  const std::string place = folder / "data.yaml";
  for (std::size_t at; (at = message.find(place)) != std::string::npos;) message.replace(at, place.size(), "G");
  return message;
}

/// Why a graph of these nodes does not go with a recipe that names it as data.yaml; empty where it does.
inline std::string refusal(const std::string& nodes, const std::string& recipe) {
  const TemporaryFolder folder;
  graph_in(folder, nodes);
  folder.write("r.yaml", "model: m\n" + recipe);
  const Result<train::Recipe> read = train::load_recipe(folder / "r.yaml");
  EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
  if (!read) return "";
  const Result<train::ItemKind> kind = train::check_items(*read);
  return kind ? "" : shortened(kind.error().message, folder);
}

}  // namespace latentflow::test

// pipeline.h: a host with the test nodes, and graphs from text, for tests of the pipeline.
#pragma once

#include <string>
#include <vector>

#include "latentflow/graph.h"
#include "plugins/test_nodes.h"

namespace latentflow::testing {

/// Knows the test nodes and no plugins.
inline const Host& test_host() {
  static const Host& host = []() -> Host& {
    static Host made{std::vector<Path>{}};
    for (const NodeInfo* info : test_nodes()) made.add_node(*info);
    return made;
  }();
  return host;
}

/// All problems as printed, one per line.
inline std::string text_of(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.text() + "\n";
  return text;
}

/// "graph: test\nnodes:\n" + `nodes`, indented as given.
inline Graph graph_of(const std::string& nodes, const std::vector<std::string>& sets = {}) {
  return Graph::parse(test_host(), "graph: test\nnodes:\n" + nodes, "test.yaml", sets);
}

}  // namespace latentflow::testing

// check.h: a graph as data, looked up and checked against the nodes there are: names, kinds, parameters, cycles, loose
// ends.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph_data.h"
#include "latentflow/graph.h"

namespace latentflow {

/// The output of another node that feeds an input port.
struct Wire {
  std::size_t node = 0, port = 0;
};

struct CheckedNode {
  std::string id;
  Place place;
  const NodeInfo* info = nullptr;
  std::shared_ptr<void> params;             ///< bound; as info->make_params() made it
  bool complete = false;                    ///< all parameters are bound, in range and keep the rules
  std::vector<std::optional<Wire>> inputs;  ///< per declared input port
  std::vector<ExplainedSetting> settings;   ///< wires and parameters with their origin

  bool wired(std::size_t port) const { return inputs[port].has_value(); }
};

/// One parameter that has to be given before the graph can run.
struct MissingParameter {
  std::string name;
  Place place;
  std::string type, doc;
};

struct CheckedGraph {
  std::string name, doc;
  std::vector<CheckedNode> nodes;  ///< in file order
  std::vector<std::size_t> order;  ///< a topological order of the nodes, file order where free
  std::vector<MissingParameter> missing;
  std::vector<ExplainedSetting> parameters;
  OnError on_error = OnError::skip;
  int threads = 0;
  std::size_t max_memory = 0;
};

/// Everything wrong goes to `diagnostics`; the result is complete only if there was no error.
CheckedGraph check_graph(const GraphDecl& graph, const Host& host, Diagnostics& diagnostics);

/// Binds the parameters of one node: unknown, missing, mistyped, out of range, rules. Part of check_graph.
void bind_parameters(const GraphDecl& graph, const NodeDecl& node, CheckedNode& checked, Diagnostics& diagnostics);

/// Names of `ports`, for hints.
std::vector<std::string> port_names(const std::vector<PortInfo>& ports);

}  // namespace latentflow

// parameters.h: parameters of a graph: their types, overrides from the command line, and `$name` in values.
#pragma once

#include <string>
#include <vector>

#include "graph_data.h"

namespace latentflow {

/// The words `type:` accepts.
const std::vector<std::string>& parameter_types();

/// That the value of a parameter is of its type; if not, the parameter is marked as broken.
void check_parameter_value(ParameterDecl& parameter, Diagnostics& diagnostics);

/// "parameter=value" or "node.parameter=value" each; later ones win. A value in brackets is a list.
void apply_overrides(GraphDecl& graph, const std::vector<std::string>& overrides, Diagnostics& diagnostics);

/// A value after `$name` was replaced.
struct Substituted {
  Raw raw;
  Place
      place;  ///< where to mend the value: the override, for `$name` of an overridden parameter; else where it is used
  std::string origin;   ///< "denoise.yaml:11:12", "--set sigma=5", "$sigma: default at denoise.yaml:4:3"
  bool unset = false;   ///< it needs a parameter that has no value yet
  bool failed = false;  ///< reported
};

/// Replaces a value that is `$name` as a whole, and `${name}` inside texts; `$$` stands for one dollar. Marks
/// parameters as used. `subject` is "node.parameter", for messages.
Substituted substitute(const GraphDecl& graph, const std::string& subject, const Written& value,
                       Diagnostics& diagnostics);

/// "[a, b]" or the text, for messages and explain.
std::string show(const Raw& raw);

}  // namespace latentflow

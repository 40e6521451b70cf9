// describe.h: what a node says of itself, as text for the terminal, as Markdown for docs/nodes.md, as JSON Schema for
// editors.
#pragma once

#include <string>
#include <vector>

#include "latentflow/node.h"

namespace latentflow {

/// "stage", "source" or "sink"; and the order it needs its items in, if any.
std::string role_text(const NodeInfo& info);

/// "0 to 255 grey levels", "one of png, jpeg", "required": what a parameter accepts beyond its type.
std::string limits_text(const FieldInfo& field);

/// For `latentflow describe`.
std::string describe_text(const NodeInfo& info);

/// For `latentflow docs`.
std::string describe_markdown(const std::vector<const NodeInfo*>& nodes);

/// For `latentflow schema`: JSON Schema (draft 7) of a graph file that uses these nodes.
std::string json_schema(const std::vector<const NodeInfo*>& nodes);

}  // namespace latentflow

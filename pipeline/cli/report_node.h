// report_node.h: which pictures of a graph `--report` shows.
#pragma once

#include "latentflow/graph.h"

namespace latentflow::cli {

/// A node write_report for a graph, as YAML below `nodes:`. It shows what a write_sheet shows; without one what the
/// first write_images writes, beside the picture of the source that this came from by first inputs. The numbers of the
/// last write_table go below. Errors (invalid_argument): the graph has neither, or what is written is as it was read.
Result<std::string> report_node(const Host& host, const Graph& graph, const Path& folder);

}  // namespace latentflow::cli

// report_text.h: a report as the lines that end a run.
#pragma once

#include <string>

#include "latentflow/graph.h"

namespace latentflow::cli {

/// One line per item that failed or has warnings: name, node, code, reason. At most `limit` lines and a count.
std::string failures_text(const Report& report, std::size_t limit);

/// Time per node, measured quantities, memory: what --profile prints.
std::string profile_text(const Report& report);

}  // namespace latentflow::cli

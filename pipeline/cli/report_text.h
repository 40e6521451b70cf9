// report_text.h: a report as the lines that end a run.
#pragma once

#include <string>

#include "latentflow/graph.h"

namespace latentflow::cli {

/// Control characters as \x1b: names of files may hold them, and terminals obey.
std::string printable(const std::string& text);

/// One line per item that failed: name, node, code, reason; then one per warning, with the first item it is about and
/// the number of others. At most `limit` lines and a count.
std::string failures_text(const Report& report, std::size_t limit);

/// Time per node, measured quantities, memory: what --profile prints.
std::string profile_text(const Report& report);

}  // namespace latentflow::cli

// target.h: the one file that a sink writes at the end of a run.
#pragma once

#include <string>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/schema.h"

namespace latentflow::quality {

/// `none` and an empty path: graphs have parameters for files that need not be written.
inline bool writes_nothing(const Path& target) { return target.empty() || target == "none"; }

/// Whether `target` can be written at the end of a run, as far as can be told before it: not a folder, and its own may
/// be written.
Status check_target(const Path& target, const std::vector<std::string>& extensions);

}  // namespace latentflow::quality

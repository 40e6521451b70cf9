// files.h: what sinks ask about files before the first item, so that a long run does not end in "permission denied".
#pragma once

#include "latentflow/result.h"
#include "latentflow/schema.h"

namespace latentflow {

/// Whether files can be made in `folder`, which need not exist yet: looks at the nearest folder that does. Call it in
/// create(). Errors: a file stands in the way (invalid_argument), or the folder may not be written (io).
Status check_writable(const Path& folder);

}  // namespace latentflow

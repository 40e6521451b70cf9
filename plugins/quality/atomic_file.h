// atomic_file.h: report files that appear whole or not at all.
#pragma once

#include <cstdint>
#include <span>

#include "latentflow/result.h"
#include "latentflow/schema.h"

namespace latentflow::quality {

/// Writes beside `target` and renames; makes missing folders; on failure leaves nothing and says why.
Status write_atomically(const Path& target, std::span<const std::uint8_t> bytes);

/// Whether `target` can be written at the end of a run, as far as can be told before it: not a folder, and its own may
/// be written.
Status check_target(const Path& target, const std::vector<std::string>& extensions);

}  // namespace latentflow::quality

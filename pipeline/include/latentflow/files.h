// files.h: what sinks need of the file system: to know before the first item whether they can write, and whole files.
#pragma once

#include <cstdint>
#include <span>

#include "latentflow/result.h"
#include "latentflow/schema.h"

namespace latentflow {

/// Whether files can be made in `folder`, which need not exist yet: looks at the nearest folder that does. Call it in
/// create(). Errors: a file stands in the way (invalid_argument), or the folder may not be written (io).
Status check_writable(const Path& folder);

/// Writes the parts one after the other to a file beside `target` whose name no other writer has and that ends in
/// .partial, and renames it; makes missing folders. On failure nothing stays behind, an older file of that name is
/// untouched, and the error says why ("No space left on device").
Status write_atomically(const Path& target, std::span<const std::span<const std::uint8_t>> parts);
inline Status write_atomically(const Path& target, std::span<const std::uint8_t> bytes) {
  return write_atomically(target, std::span(&bytes, 1));
}

}  // namespace latentflow

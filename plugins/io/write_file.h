// write_file.h: files that appear whole or not at all.
#pragma once

#include <span>

#include "input.h"

namespace latentflow::io {

/// Writes the parts one after the other to a file beside `target` whose name no other writer has and that ends in
/// .partial, and renames it; makes missing folders. On failure nothing stays behind, an older file of that name is
/// untouched, and the error says why ("No space left on device").
Status write_atomically(const Path& target, std::span<const ByteSpan> parts);

}  // namespace latentflow::io

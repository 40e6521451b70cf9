// elf_file.h: whether a shared object is all there; the system's loader does not look and dies of what is missing.
#pragma once

#include <optional>
#include <string>

#include "latentflow/schema.h"

namespace latentflow {

/// Why the file must not be given to dlopen, as one sentence: it ends before the parts its ELF header promises, as
/// after an interrupted copy (mapping such a file ends the process with a bus error on first touch). Empty where
/// nothing is missing, and for files that are no 64-bit ELF files of this byte order: those the loader refuses by
/// itself.
std::optional<std::string> missing_part_of(const Path& file);

}  // namespace latentflow

// npz.h: several NumPy arrays in one file (.npz, a zip archive of .npy files).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/tensor.h"

namespace latentflow::nn {

struct NamedTensor {
  std::string name;  ///< without ".npy", as NumPy shows it
  Tensor tensor;
};

/// All arrays in the order of the file, stored or compressed, converted as read_npy() does. Errors: not_found,
/// bad_input (no zip archive, damaged, cut off, an entry that is no array, a name twice, encrypted), unsupported, io,
/// out_of_memory.
Result<std::vector<NamedTensor>> read_npz(const std::filesystem::path& path);

/// Writes uncompressed, as numpy.savez does, whole or not at all. Names must be unique and not empty. Errors: io.
Status write_npz(const std::filesystem::path& path, std::span<const NamedTensor> arrays);

}  // namespace latentflow::nn

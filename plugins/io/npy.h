// npy.h: arrays in NumPy's .npy format (versions 1 to 3) as tensors.
#pragma once

#include <string>

#include "input.h"
#include "latentflow/tensor.h"

namespace latentflow::io {

struct NpyHeader {
  Dims dims;
  char kind = 'f';             ///< 'f' floating point, 'u' unsigned integer
  int bytes = 4;               ///< of one element
  bool big_endian = false;
  bool fortran_order = false;  ///< first axis varies fastest
  std::uint64_t offset = 0;    ///< of the first element
};

/// Checks that the file is exactly as long as its header says. Elements may be float32, float64 or uint8. Errors:
/// bad_input for damage, unsupported for other elements, both with place and reason.
Result<NpyHeader> read_npy_header(const Input& input);

/// All elements in C order as float32: uint8 keeps its values, float64 is rounded.
Result<Tensor> read_npy(const Input& input, const NpyHeader& header);

/// Element `index` of the first axis alone. Requires C order, at least one axis, and index within it.
Result<Tensor> read_npy_row(const Input& input, const NpyHeader& header, std::int64_t index);

/// Magic, version 1.0 and header of a little-endian float32 array in C order; a multiple of 64 bytes, as NumPy writes it.
std::string npy_head(const Dims& dims);

}  // namespace latentflow::io

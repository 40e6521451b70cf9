// array_file.h: .npy files as the nodes take them: what models/nn/npy reads, through an Input, whole or row by row.
#pragma once

#include <string>

#include "input.h"
#include "latentflow/tensor.h"
#include "nn/npy.h"

namespace latentflow::io {

/// Checks that the file is exactly as long as its header says, with at least one element. `name` is how messages call
/// the file. Errors: bad_input for damage, unsupported for elements that are no real numbers.
Result<nn::NpyHeader> read_array_header(const Input& input, const std::string& name = "the file");

/// All elements in C order as float32: integers and truth values keep their values, float64 is rounded. Errors:
/// bad_input, too for integers from 2^24 on and for what float32 has no range for; out_of_memory.
Result<Tensor> read_array(const Input& input, const nn::NpyHeader& header);

/// Element `index` of the first axis alone. Requires C order, at least one axis, and index within it. Errors: as above.
Result<Tensor> read_npy_row(const Input& input, const nn::NpyHeader& header, std::int64_t index);

}  // namespace latentflow::io

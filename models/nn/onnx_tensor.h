// onnx_tensor.h: reads the tensors inside ONNX files.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "latentflow/result.h"
#include "latentflow/tensor.h"
#include "slab.h"

namespace latentflow::nn {

/// Whether the type is one that becomes floats (float, double, float16) or integers (int32, int64, bool).
bool is_float_type(int data_type);
bool is_integer_type(int data_type);

/// Whether it is the type of quantized numbers (int8, uint8).
bool is_small_integer_type(int data_type);

/// "DOUBLE" and so on; "type 99" for numbers ONNX does not know.
std::string type_name(int data_type);

/// The number of elements that the extents amount to. `subject` names the tensor in errors: extents that are negative
/// or absurd.
Result<std::int64_t> element_count_of(const onnx::TensorProto& proto, const std::string& subject);

/// The tensor's floats, which lie inside: see onnx_external.h for others; in memory from `slab`. `subject` names it in
/// errors: a wrong number of bytes, NaN or infinity.
Result<Tensor> read_floats(const onnx::TensorProto& proto, const std::string& subject, Slab& slab);

/// The elements of a tensor of quantized numbers, row-major.
Result<std::vector<std::int32_t>> read_small_integers(const onnx::TensorProto& proto, const std::string& subject);

/// The tensor's integers, row-major.
Result<std::vector<std::int64_t>> read_integers(const onnx::TensorProto& proto, const std::string& subject);

}  // namespace latentflow::nn

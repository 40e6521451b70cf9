// onnx_external.h: tensors that an ONNX file keeps in files beside it (data_location EXTERNAL of the ONNX
// specification).
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <string>

#include "latentflow/result.h"

namespace latentflow::nn {

/// What a model may have at most, in its own file and in all that lie beside it: what a protobuf message can hold,
/// so that every model that is read can be written as one file.
inline constexpr std::uintmax_t onnx_size_limit = std::numeric_limits<std::int32_t>::max();

inline bool is_external(const onnx::TensorProto& tensor) {
  return tensor.data_location() == onnx::TensorProto::EXTERNAL;
}

/// The files of one model.
class ExternalData {
 public:
  /// `folder`: of the model, to which locations are relative; none for a model that is no file.
  explicit ExternalData(std::optional<std::filesystem::path> folder) : folder_(std::move(folder)) {}

  /// The tensor with its bytes inside, of which no others are read: `length` of them from `offset` (as many as the
  /// shape needs, from 0, where the file does not say; a checksum is not looked at). `subject` names the tensor in
  /// errors: not_found for a missing file; bad_input for a location that is absolute or leaves the folder of the model,
  /// also through a link, for an offset or a length that is no number, lies beyond the end of the file or does not fit
  /// the shape; unsupported without a folder, for types that are not read, and above onnx_size_limit.
  Result<onnx::TensorProto> read(const onnx::TensorProto& tensor, const std::string& subject);

 private:
  std::optional<std::filesystem::path> folder_;
  std::uintmax_t taken_ = 0;  ///< bytes so far
};

/// The locations that an ONNX file names, as they stand there; skips over weights without reading them. None for what
/// is no ONNX file.
std::set<std::string> external_locations(const std::filesystem::path& model);

}  // namespace latentflow::nn

// onnx_external.cpp: see onnx_external.h.
#include "onnx_external.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string_view>
#include <system_error>

#include "latentflow/tensor.h"
#include "onnx_tensor.h"

namespace latentflow::nn {
namespace {

namespace fs = std::filesystem;

constexpr const char* put_beside = "put the file beside the model, or save the model as one file";

/// Bytes per element as they lie in files; 0 for types that are not read.
std::uintmax_t element_bytes(int type) {
  switch (type) {
    case onnx::TensorProto::DOUBLE:
    case onnx::TensorProto::INT64: return 8;
    case onnx::TensorProto::FLOAT:
    case onnx::TensorProto::INT32: return 4;
    case onnx::TensorProto::FLOAT16: return 2;
    case onnx::TensorProto::BOOL:
    case onnx::TensorProto::INT8:
    case onnx::TensorProto::UINT8: return 1;
    default: return 0;
  }
}

const std::string* entry_of(const onnx::TensorProto& tensor, std::string_view key) {
  for (const auto& entry : tensor.external_data())
    if (entry.key() == key) return &entry.value();
  return nullptr;
}

/// Nothing for anything but a whole number from 0.
std::optional<std::uintmax_t> number_in(const std::string& text) {
  std::uintmax_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool lies_below(const fs::path& file, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end();
}

/// The file of a location. `subject` is the beginning of messages, which names tensor and location.
Result<fs::path> find_file(const fs::path& folder, const std::string& location, const std::string& subject) {
  if (location.find('\0') != std::string::npos) return bad_input(subject + ", which is no path");
  const fs::path relative = fs::path(location).lexically_normal();
  if (relative.is_absolute())
    return bad_input(
        fmt::format("{}, an absolute path; allowed are files in the model's folder: {}", subject, put_beside));
  if (*relative.begin() == "..")
    return bad_input(
        fmt::format("{}, which leaves the model's folder; allowed are files in it: {}", subject, put_beside));
  std::error_code failure;
  const fs::path named = folder.empty() ? fs::path(".") : folder, root = fs::canonical(named, failure);
  if (failure) return io_error(fmt::format("{}, whose folder {}: {}", subject, named.string(), failure.message()));
  const fs::path file = fs::canonical(root / fs::path(location), failure);
  if (failure == std::errc::no_such_file_or_directory || failure == std::errc::not_a_directory)
    return not_found(fmt::format("{}, which is not there ({}); {}", subject, (named / location).string(), put_beside));
  if (failure) return io_error(fmt::format("{}: {}", subject, failure.message()));
  if (!lies_below(file, root))
    return bad_input(fmt::format("{}, a link to {}, which leaves the model's folder; allowed are files in it: {}",
                                 subject, file.string(), put_beside));
  if (!fs::is_regular_file(file, failure)) return bad_input(subject + ", which is not a file");
  return file;
}

}  // namespace

Result<onnx::TensorProto> ExternalData::read(const onnx::TensorProto& tensor, const std::string& subject) {
  const std::string* location = entry_of(tensor, "location");
  if (location == nullptr || location->empty())
    return bad_input(subject + " lies in an external file, but its location is not given; save the model as one file");
  const std::string named = fmt::format("{} lies in the external file \"{}\"", subject, *location);
  if (!folder_)
    return unsupported(named + ", and the model in no folder; load it from its file, or save it as one file");

  const Result<std::int64_t> count = element_count_of(tensor, subject);
  if (!count) return count.error();
  const std::uintmax_t size = element_bytes(tensor.data_type());
  if (size == 0)
    return unsupported(
        fmt::format("{} holds {}, allowed are FLOAT, DOUBLE, FLOAT16, INT64, INT32, BOOL, INT8 and UINT8", subject,
                    type_name(tensor.data_type())));
  const std::uintmax_t needed = static_cast<std::uintmax_t>(*count) * size;
  std::uintmax_t offset = 0;
  for (const char* key : {"offset", "length"}) {
    const std::string* text = entry_of(tensor, key);
    if (text == nullptr) continue;
    const std::optional<std::uintmax_t> number = number_in(*text);
    if (!number)
      return bad_input(fmt::format("{} with {} \"{}\", allowed are whole numbers from 0", named, key, *text));
    if (std::string_view(key) == "offset")
      offset = *number;
    else if (*number != needed)
      return bad_input(fmt::format("{} with length {}, its shape {} of {} needs {} bytes", named, *number,
                                   to_string(Dims(tensor.dims().begin(), tensor.dims().end())),
                                   type_name(tensor.data_type()), needed));
  }
  if (needed > onnx_size_limit - taken_)
    return unsupported(fmt::format("{} and brings the external data of the model to {} bytes, allowed are {}", named,
                                   taken_ + needed, onnx_size_limit));

  const Result<fs::path> file = find_file(*folder_, *location, named);
  if (!file) return file.error();
  std::error_code failure;
  const std::uintmax_t held = fs::file_size(*file, failure);
  if (failure) return io_error(fmt::format("{}: {}", named, failure.message()));
  if (offset > held || needed > held - offset)
    return bad_input(
        fmt::format("{}, which has {} bytes; needs {} from offset {}: it is cut off, or that of another model", named,
                    held, needed, offset));

  onnx::TensorProto inside;
  *inside.mutable_dims() = tensor.dims();
  inside.set_data_type(tensor.data_type());
  std::string& bytes = *inside.mutable_raw_data();
  bytes.resize(needed);
  std::ifstream stream(*file, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  stream.read(bytes.data(), static_cast<std::streamsize>(needed));
  if (!stream) return io_error(fmt::format("{}: {}", named, std::generic_category().message(errno)));
  taken_ += needed;
  return inside;
}

namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

/// The messages on the way from a model to what a tensor says of its file.
enum class Part { model, graph, node, attribute, tensor, entry };

std::optional<Part> part_in(Part part, int field) {
  switch (part) {
    case Part::model:
      if (field == onnx::ModelProto::kGraphFieldNumber) return Part::graph;
      break;
    case Part::graph:
      if (field == onnx::GraphProto::kInitializerFieldNumber) return Part::tensor;
      if (field == onnx::GraphProto::kNodeFieldNumber) return Part::node;
      break;
    case Part::node:
      if (field == onnx::NodeProto::kAttributeFieldNumber) return Part::attribute;
      break;
    case Part::attribute:
      if (field == onnx::AttributeProto::kTFieldNumber) return Part::tensor;
      break;
    case Part::tensor:
      if (field == onnx::TensorProto::kExternalDataFieldNumber) return Part::entry;
      break;
    case Part::entry: break;
  }
  return std::nullopt;
}

void collect(CodedInputStream& in, Part part, std::set<std::string>& locations) {
  if (part == Part::entry) {
    onnx::StringStringEntryProto entry;
    if (entry.MergeFromCodedStream(&in) && entry.key() == "location") locations.insert(entry.value());
    return;
  }
  while (const std::uint32_t tag = in.ReadTag()) {
    const std::optional<Part> below = part_in(part, WireFormatLite::GetTagFieldNumber(tag));
    if (!below || WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&in, tag)) return;
      continue;
    }
    std::uint32_t length = 0;
    if (!in.ReadVarint32(&length) || length > onnx_size_limit) return;
    const CodedInputStream::Limit outer = in.PushLimit(static_cast<int>(length));
    collect(in, *below, locations);
    if (const int left = in.BytesUntilLimit(); left > 0 && !in.Skip(left)) return;
    in.PopLimit(outer);
  }
}

}  // namespace

std::set<std::string> external_locations(const fs::path& model) {
  std::set<std::string> locations;
  std::error_code ignored;
  if (!fs::is_regular_file(model, ignored)) return locations;
  const int descriptor = ::open(model.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return locations;
  google::protobuf::io::FileInputStream file(descriptor);
  file.SetCloseOnDelete(true);
  CodedInputStream in(&file);
  collect(in, Part::model, locations);
  return locations;
}

}  // namespace latentflow::nn

// write_tensor.cpp: see write_tensor.h.
#include "write_tensor.h"

#include <fmt/format.h>

#include "latentflow/files.h"
#include "nn/code_model.h"
#include "nn/npy.h"
#include "read_tensor.h"

namespace latentflow::io {
namespace {

ByteSpan bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
ByteSpan bytes_of(std::span<const float> numbers) {
  return {reinterpret_cast<const std::uint8_t*>(numbers.data()), numbers.size_bytes()};
}

}  // namespace

void WriteTensor::describe(Describe<WriteTensor>& d) {
  d.name("write_tensor", "writes .npy files (float32, C order): a mirrored folder, or one array with a row per item");
  d.field(&Params::path, "path",
          "a folder, which mirrors the one the items came from, with the size of the picture in NAME.size.txt beside "
          "codes of a convolutional model; or a file that ends in .npy: all items as rows of one "
          "array, kept in memory and written after the last one, with their names in a .names.txt file beside it")
      .required();
  d.field(&Params::pattern, "pattern", "file names in the folder, from {name} = {dir}/{stem} and {number}");
  d.field(&Params::existing, "existing", "what to do where a file of that name exists")
      .choices({"overwrite", "skip", "fail"});
  d.example("{node: write_tensor, tensor: codes, path: codes}");
}

Result<std::unique_ptr<WriteTensor>> WriteTensor::create(const Params& params, Services&) {
  Result<NamePattern> pattern = NamePattern::parse(params.pattern);
  if (!pattern) return std::move(pattern).error();
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(params.path, ignored),
             exists = std::filesystem::exists(params.path, ignored);
  if (params.path.extension() == ".npy") {
    if (is_folder)
      return invalid_argument(
          fmt::format("path '{}' is a folder, needs a file or a folder of another name", params.path.string()));
    if (exists && params.existing == "fail")
      return io_error(fmt::format("file '{}' exists (existing: fail)", params.path.string()));
  } else if (exists && !is_folder) {
    return invalid_argument(
        fmt::format("path '{}' is a file, needs a folder, or a file that ends in .npy", params.path.string()));
  }
  const Path folder = params.path.extension() == ".npy" ? params.path.parent_path() : params.path;
  if (Status writable = check_writable(folder.empty() ? "." : folder); !writable) return std::move(writable).error();
  return std::make_unique<WriteTensor>(params, std::move(*pattern));
}

Status WriteTensor::process(const Tensor& tensor, Context& ctx) {
  const ItemInfo& item = ctx.item();
  if (tensor.empty()) return bad_input("tensor has no elements");
  if (one_array()) return append(tensor, item.name);
  Result<Path> relative = pattern.expand(item.name, ".npy", item.number);
  if (!relative) return relative.error();
  if (relative->extension() != ".npy") *relative += ".npy";
  const Path target = params.path / *relative;
  std::error_code ignored;
  if (Status status = claims_.write(target, item.path, "{name} or {number}"); !status) return status;
  if (params.existing != "overwrite" && std::filesystem::exists(target, ignored)) {
    if (params.existing == "fail") return io_error(fmt::format("file '{}' exists (existing: fail)", target.string()));
    ctx.warn(fmt::format("'{}' exists, left as it is", target.string()));
    return success();
  }
  const std::string head = nn::npy_head(tensor.dims());
  const ByteSpan parts[] = {bytes_of(head), bytes_of(tensor.span())};
  if (const auto size = item.metadata.tags.find(nn::coded_size_tag); size != item.metadata.tags.end()) {
    const std::string line = size->second + "\n";
    const ByteSpan text[] = {bytes_of(line)};
    if (Status status = write_atomically(size_file(target), text); !status) return status;
  }
  return write_atomically(target, parts);
}

Status WriteTensor::append(const Tensor& tensor, const std::string& name) {
  if (names_.empty()) row_ = tensor.dims();
  if (tensor.dims() != row_)
    return bad_input(fmt::format("tensor is {}, the first row of '{}' is {}; one array needs equal shapes",
                                 to_string(tensor.dims()), params.path.string(), to_string(row_)));
  if (name.find_first_of("\r\n") != std::string::npos)
    return bad_input("the name has a line break, which a list of names cannot hold");
  rows_.insert(rows_.end(), tensor.span().begin(), tensor.span().end());
  names_.push_back(name);
  return success();
}

Status WriteTensor::finish() {
  if (!one_array() || names_.empty()) return success();
  std::error_code ignored;
  if (params.existing == "skip" && std::filesystem::exists(params.path, ignored)) return success();
  Dims dims = row_;
  dims.insert(dims.begin(), static_cast<std::int64_t>(names_.size()));
  const std::string head = nn::npy_head(dims);
  std::string names;
  for (const std::string& name : names_) names += name + "\n";
  const ByteSpan list[] = {bytes_of(names)}, array[] = {bytes_of(head), bytes_of(rows_)};
  if (Status status = write_atomically(names_file(params.path), list); !status) return status;
  return write_atomically(params.path, array);
}

}  // namespace latentflow::io

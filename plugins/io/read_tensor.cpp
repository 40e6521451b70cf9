// read_tensor.cpp: see read_tensor.h.
#include "read_tensor.h"

#include <fmt/format.h>

#include <fstream>
#include <set>

#include "listing.h"
#include "nn/code_model.h"

namespace latentflow::io {
namespace {

/// What size_file() holds; empty where there is none. A damaged one would give a picture with the border that codes
/// have beyond it.
Result<std::string> coded_size(const Path& array) {
  const Path file = size_file(array);
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::string();
  std::ifstream stream(file);
  std::string text;
  std::getline(stream, text, '\0');
  if (!stream.is_open() || stream.bad()) return io_error(fmt::format("'{}' cannot be read", file.string()));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (nn::parse_coded_size(text)) return text;
  return bad_input(
      fmt::format("'{}' holds '{}', needs width and height of the picture that was coded, 1 to 65535, such as 511x339; "
                  "without the file the picture has all the pixels that its codes cover",
                  file.string(), text.substr(0, 40)));
}

}  // namespace

void ReadTensor::describe(Describe<ReadTensor>& d) {
  d.name("read_tensor",
         "reads arrays of .npy files: real numbers of every type, in either order, as float32; fails where that has "
         "not the range (float64), or not the digits (integers from 2^24 on)");
  d.field(&Params::path, "path", "a folder, a .npy file, a list file (.txt, one path per line) or a pattern with *")
      .required();
  d.field(&Params::recurse, "recurse", "look into folders below, too");
  d.field(&Params::rows, "rows",
          "path is one array whose rows are the items; their names come from the .names.txt file beside it, if there "
          "is one");
  d.example("{node: read_tensor, path: codes}");
}

Path names_file(const Path& array) {
  Path names = array;
  return names.replace_extension(".names.txt");
}

Path size_file(const Path& array) {
  Path size = array;
  return size.replace_extension(".size.txt");
}

Result<std::vector<SourceItem>> ReadTensor::list() {
  if (params.rows) return list_rows();
  ListingOptions options;
  options.recurse = params.recurse;
  options.extensions = {"npy"};
  options.noun = ".npy files";
  Result<std::vector<SourceItem>> items = list_pictures(params.path, options);
  if (items) claims_.read(*items);
  return items;
}

Result<std::vector<SourceItem>> ReadTensor::list_rows() {
  std::error_code ignored;
  if (std::filesystem::is_directory(params.path, ignored))
    return invalid_argument(fmt::format(
        "path '{}' is a folder; rows: true needs one .npy file, rows: false takes every file of a folder as "
        "an item",
        params.path.string()));
  Result<Input> input = Input::open(params.path);
  if (!input) {
    Error error = std::move(input).error();
    if (error.message.find(params.path.string()) == std::string::npos)
      error.message = fmt::format("'{}': {}", params.path.string(), error.message);
    return error;
  }
  array_ = std::make_shared<const Input>(std::move(*input));
  const std::string file = params.path.string();
  const Result<nn::NpyHeader> header = read_array_header(*array_, fmt::format("'{}'", file));
  if (!header) return header.error();
  header_ = *header;
  if (header_.dims.empty() || (header_.fortran_order && header_.dims.size() > 1))
    return unsupported(fmt::format("'{}' is {}; rows: true needs C order and at least one axis", file,
                                   header_.dims.empty() ? "a single number" : "in Fortran order"));
  std::vector<std::string> names;
  const Path beside = names_file(params.path);
  if (std::filesystem::exists(beside, ignored)) {
    std::ifstream stream(beside);
    for (std::string line; std::getline(stream, line);) names.push_back(line);
    if (static_cast<std::int64_t>(names.size()) != header_.dims[0])
      return bad_input(
          fmt::format("'{}' has {} names, the array has {} rows", beside.string(), names.size(), header_.dims[0]));
    if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
      return bad_input(fmt::format("'{}' has a name twice; needs a name of its own for every row", beside.string()));
  }
  std::vector<SourceItem> items;
  for (std::int64_t i = 0; i < header_.dims[0]; ++i) {
    const std::string name =
        names.empty() ? fmt::format("{}_{:05}", params.path.stem().string(), i) : names[static_cast<std::size_t>(i)];
    items.push_back(
        {name, Path(name).replace_extension().generic_string(), params.path, static_cast<std::uint64_t>(i)});
  }
  std::set<std::string> keys;
  for (const SourceItem& item : items) keys.insert(item.key);
  if (keys.size() != items.size())
    for (SourceItem& item : items) item.key = item.name;  // only their extensions tell some apart
  return items;
}

Result<Shape> ReadTensor::probe(const SourceItem& item) const {
  if (params.rows)
    return Shape{Kind::tensor, header_.dims.size() > 1 ? Dims(header_.dims.begin() + 1, header_.dims.end()) : Dims{1},
                 4};
  const Result<Input> input = Input::open(item.path);
  if (!input) return input.error();
  const Result<nn::NpyHeader> header = read_array_header(*input);
  if (!header) return header.error();
  return Shape{Kind::tensor, header->dims.empty() ? Dims{1} : header->dims, 4};
}

Result<Tensor> ReadTensor::process(const SourceItem& item, Context& ctx) const {
  if (params.rows) {
    Result<Tensor> row = read_npy_row(*array_, header_, static_cast<std::int64_t>(item.index));
    if (row && row->dims().empty()) return row->reshaped({1});
    return row;
  }
  Result<std::string> size = coded_size(item.path);
  if (!size) return std::move(size).error();
  if (!size->empty()) {
    Metadata metadata;
    metadata.tags[nn::coded_size_tag] = std::move(*size);
    ctx.set_metadata(std::move(metadata));
  }
  const Result<Input> input = Input::open(item.path);
  if (!input) return input.error();
  const Result<nn::NpyHeader> header = read_array_header(*input);
  if (!header) return header.error();
  Result<Tensor> tensor = read_array(*input, *header);
  if (tensor && tensor->dims().empty()) return tensor->reshaped({1});
  return tensor;
}

}  // namespace latentflow::io

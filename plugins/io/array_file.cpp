// array_file.cpp: see array_file.h.
#include "array_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace latentflow::io {
namespace {

/// Reads on from `position`, as far as the file goes. The input outlives it.
nn::ReadBytes reader(const Input& input, std::uint64_t position) {
  return [&input, position](void* to, std::size_t size) mutable -> std::size_t {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size, input.size() - position));
    if (!input.read(position, {static_cast<std::uint8_t*>(to), count})) return 0;
    position += count;
    return count;
  };
}

/// The types that read_tensor promises; integers beyond 2^24 would lose digits as float32 without a word.
bool is_supported(const nn::NpyHeader& header) {
  if (header.kind == 'f') return header.item_bytes == 4 || header.item_bytes == 8;
  return header.kind == 'u' && header.item_bytes == 1;
}

}  // namespace

Result<nn::NpyHeader> read_array_header(const Input& input, const std::string& name) {
  Result<nn::NpyHeader> header = nn::read_npy_header(reader(input, 0), name);
  if (!header) return header;
  if (!is_supported(*header))
    return unsupported(
        fmt::format("{} holds elements of type {}, supported are float32, float64 and uint8; "
                    "save with .astype('float32')",
                    name, header->type_name()));
  if (element_count(header->dims) == 0)
    return bad_input(
        fmt::format("{} holds an array of shape {}, which has no elements", name, to_string(header->dims)));
  if (Status status = nn::check_npy_length(*header, input.size() - header->offset, name); !status)
    return status.error();
  return header;
}

Result<Tensor> read_array(const Input& input, const nn::NpyHeader& header) {
  return nn::read_npy_data(header, input.size() - header.offset, reader(input, header.offset), "the file");
}

Result<Tensor> read_npy_row(const Input& input, const nn::NpyHeader& header, std::int64_t index) {
  nn::NpyHeader row = header;
  row.dims.erase(row.dims.begin());
  const std::uint64_t bytes = row.data_bytes(), begin = header.offset + static_cast<std::uint64_t>(index) * bytes;
  return nn::read_npy_data(row, bytes, reader(input, begin), fmt::format("row {} of the file", index));
}

}  // namespace latentflow::io

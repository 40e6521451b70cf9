// array_file.cpp: see array_file.h.
#include "array_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

constexpr float first_inexact = 16777216;  // 2^24; the next whole number has no float of its own

/// Large integers would lose digits without a word; one that gave 2^24 may have been the next.
Status check_integers(const Tensor& tensor, const nn::NpyHeader& header, const std::string& name) {
  if ((header.kind != 'i' && header.kind != 'u') || header.item_bytes < 4) return success();
  const auto numbers = tensor.span();
  const auto large =
      std::find_if(numbers.begin(), numbers.end(), [](float number) { return std::abs(number) >= first_inexact; });
  if (large == numbers.end()) return success();
  const std::string place =
      tensor.dims().empty() ? "" : " at " + nn::index_text(large - numbers.begin(), tensor.dims(), false);
  return bad_input(
      fmt::format("{} holds about {:.0f}{}, as {}; allowed are integers between -{:.0f} and {:.0f}, "
                  "which float32 holds exactly; save with .astype('float32') to have others rounded",
                  name, *large, place, header.type_name(), first_inexact, first_inexact));
}

Result<Tensor> read_checked(const nn::NpyHeader& header, std::uint64_t available, const nn::ReadBytes& read,
                            const std::string& name) {
  Result<Tensor> tensor = nn::read_npy_data(header, available, read, name);
  if (!tensor) return tensor;
  if (Status exact = check_integers(*tensor, header, name); !exact) return exact.error();
  return tensor;
}

}  // namespace

Result<nn::NpyHeader> read_array_header(const Input& input, const std::string& name) {
  Result<nn::NpyHeader> header = nn::read_npy_header(reader(input, 0), name);
  if (!header) return header;
  if (element_count(header->dims) == 0)
    return bad_input(
        fmt::format("{} holds an array of shape {}, which has no elements", name, to_string(header->dims)));
  if (Status status = nn::check_npy_length(*header, input.size() - header->offset, name); !status)
    return status.error();
  return header;
}

Result<Tensor> read_array(const Input& input, const nn::NpyHeader& header) {
  return read_checked(header, input.size() - header.offset, reader(input, header.offset), "the file");
}

Result<Tensor> read_npy_row(const Input& input, const nn::NpyHeader& header, std::int64_t index) {
  nn::NpyHeader row = header;
  row.dims.erase(row.dims.begin());
  const std::uint64_t bytes = row.data_bytes(), begin = header.offset + static_cast<std::uint64_t>(index) * bytes;
  return read_checked(row, bytes, reader(input, begin), fmt::format("row {} of the file", index));
}

}  // namespace latentflow::io

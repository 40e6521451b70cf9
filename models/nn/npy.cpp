// npy.cpp: the elements of .npy files: conversion to float, order of axes, reading and writing; see npy.h.
#include "npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <system_error>
#include <vector>

#include "guarded.h"

namespace latentflow::nn {

namespace {

static_assert(std::endian::native == std::endian::little, "elements are read as they lie in memory");

std::string reason() { return std::generic_category().message(errno); }

/// IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction.
float half_to_float(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = (bits & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction != 0 ? std::nanf("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

template <class T>
void convert(const std::byte* from, std::size_t count, float* to) {
  for (std::size_t i = 0; i < count; ++i) {
    T element;
    std::memcpy(&element, from + i * sizeof(T), sizeof(T));
    to[i] = static_cast<float>(element);
  }
}

void convert(const NpyHeader& header, const std::byte* from, std::size_t count, float* to) {
  const bool is_signed = header.kind == 'i';
  if (header.kind == 'f' && header.item_bytes == 2) {
    convert<std::uint16_t>(from, count, to);  // exact, then read as what it is
    for (std::size_t i = 0; i < count; ++i) to[i] = half_to_float(static_cast<std::uint16_t>(to[i]));
  } else if (header.kind == 'f') {
    header.item_bytes == 4 ? convert<float>(from, count, to) : convert<double>(from, count, to);
  } else if (header.kind == 'b') {
    convert<std::uint8_t>(from, count, to);
    for (std::size_t i = 0; i < count; ++i) to[i] = to[i] != 0 ? 1.0f : 0.0f;
  } else if (header.item_bytes == 1) {
    is_signed ? convert<std::int8_t>(from, count, to) : convert<std::uint8_t>(from, count, to);
  } else if (header.item_bytes == 2) {
    is_signed ? convert<std::int16_t>(from, count, to) : convert<std::uint16_t>(from, count, to);
  } else if (header.item_bytes == 4) {
    is_signed ? convert<std::int32_t>(from, count, to) : convert<std::uint32_t>(from, count, to);
  } else {
    is_signed ? convert<std::int64_t>(from, count, to) : convert<std::uint64_t>(from, count, to);
  }
}

/// bad_input where float32 has no range for one of these elements, before which the array has `done`.
Status check_range(const NpyHeader& header, const std::byte* from, std::size_t count, std::size_t done,
                   const std::string& name) {
  if (header.kind != 'f' || header.item_bytes != sizeof(double)) return success();
  for (std::size_t i = 0; i < count; ++i) {
    double element;
    std::memcpy(&element, from + i * sizeof(double), sizeof(double));
    if (std::isfinite(element) && std::isinf(static_cast<float>(element)))
      return bad_input(fmt::format("{} holds {:g} at {}, allowed -3.4e38 to 3.4e38, the range of float32", name,
                                   element,
                                   index_text(static_cast<std::int64_t>(done + i), header.dims, header.fortran_order)));
  }
  return success();
}

/// First axis fastest into last axis fastest.
Tensor to_row_major(const Tensor& columns) {
  const Dims& dims = columns.dims();
  Tensor rows(dims);
  std::vector<std::int64_t> strides(dims.size(), 1), index(dims.size(), 0);
  for (std::size_t axis = 1; axis < dims.size(); ++axis) strides[axis] = strides[axis - 1] * dims[axis - 1];
  const float* from = columns.data();
  std::int64_t at = 0;
  for (float& element : rows.mutable_span()) {
    element = from[at];
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      at += strides[axis];
      if (++index[axis] < dims[axis]) break;
      at -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return rows;
}

struct OpenFile {
  std::ifstream stream;
  std::uint64_t bytes = 0;
  std::string name;

  std::size_t read(void* to, std::size_t size) {
    stream.read(static_cast<char*>(to), static_cast<std::streamsize>(size));
    return static_cast<std::size_t>(stream.gcount());
  }
};

Result<OpenFile> open(const std::filesystem::path& path) {
  OpenFile file;
  file.name = fmt::format("\"{}\"", path.string());
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::not_found)
    return not_found(fmt::format("there is no file {}", file.name));
  if (status.type() == std::filesystem::file_type::directory)
    return bad_input(fmt::format("{} is a folder, needs a file", file.name));
  if (status.type() != std::filesystem::file_type::regular)
    return bad_input(fmt::format("{} is no regular file", file.name));
  file.stream.open(path, std::ios::binary);
  if (!file.stream) return io_error(fmt::format("{} could not be opened: {}", file.name, reason()));
  file.bytes = std::filesystem::file_size(path, failure);
  if (failure) return io_error(fmt::format("{} could not be opened: {}", file.name, failure.message()));
  return file;
}

}  // namespace

Status check_npy_length(const NpyHeader& header, std::uint64_t available, const std::string& name) {
  if (available == header.data_bytes()) return success();
  const std::string needs =
      fmt::format("{} of {} needs {} bytes", to_string(header.dims), header.type_name(), header.data_bytes());
  if (available < header.data_bytes())
    return bad_input(fmt::format("{} is cut off: {}, the file has {}", name, needs, available));
  return bad_input(
      fmt::format("{} goes on behind its array: {}, the file has {}; one array per file is read, several go "
                  "into a .npz",
                  name, needs, available));
}

std::string index_text(std::int64_t flat, const Dims& dims, bool first_fastest) {
  std::vector<std::int64_t> index(dims.size());
  for (std::size_t step = 0; step < dims.size(); ++step) {
    const std::size_t axis = first_fastest ? step : dims.size() - 1 - step;
    index[axis] = flat % dims[axis];
    flat /= dims[axis];
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

Result<Tensor> read_npy_data(const NpyHeader& header, std::uint64_t available, const ReadBytes& read,
                             const std::string& name) {
  // Checked before memory is asked for: a damaged head may claim any shape.
  if (Status whole = check_npy_length(header, available, name); !whole) return whole.error();
  return guarded([&]() -> Result<Tensor> {
    Tensor tensor(header.dims);
    const std::size_t total = tensor.span().size();
    float* to = tensor.mutable_data();
    const auto short_of = [&] { return bad_input(fmt::format("{} could not be read to its end", name)); };
    if (header.kind == 'f' && header.item_bytes == 4 && !header.big_endian) {
      if (read(to, total * sizeof(float)) != total * sizeof(float)) return short_of();
    } else {
      constexpr std::size_t most = 1 << 16;
      std::vector<std::byte> piece(std::min(total, most) * header.item_bytes);
      for (std::size_t done = 0; done < total;) {
        const std::size_t count = std::min(total - done, most), bytes = count * header.item_bytes;
        if (read(piece.data(), bytes) != bytes) return short_of();
        if (header.big_endian)
          for (std::size_t i = 0; i < bytes; i += header.item_bytes)
            std::reverse(piece.data() + i, piece.data() + i + header.item_bytes);
        convert(header, piece.data(), count, to + done);
        if (Status fits = check_range(header, piece.data(), count, done, name); !fits) return fits.error();
        done += count;
      }
    }
    return header.fortran_order && header.dims.size() > 1 ? to_row_major(tensor) : tensor;
  });
}

Result<NpyHeader> read_npy_header(const std::filesystem::path& path) {
  Result<OpenFile> file = open(path);
  if (!file) return file.error();
  auto header = read_npy_header([&](void* to, std::size_t size) { return file->read(to, size); }, file->name);
  if (!header) return header;
  if (Status whole = check_npy_length(*header, file->bytes - header->offset, file->name); !whole) return whole.error();
  return header;
}

Result<Tensor> read_npy(const std::filesystem::path& path) {
  Result<OpenFile> file = open(path);
  if (!file) return file.error();
  const ReadBytes read = [&](void* to, std::size_t size) { return file->read(to, size); };
  const auto header = read_npy_header(read, file->name);
  if (!header) return header.error();
  return read_npy_data(*header, file->bytes - header->offset, read, file->name);
}

std::filesystem::path part_of(const std::filesystem::path& path) {
  std::filesystem::path part = path;
  part += fmt::format(".{}.part", ::getpid());
  return part;
}

Status write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  const std::filesystem::path part = part_of(path);
  const auto failed = [&](const std::string& why) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    return io_error(fmt::format("\"{}\" could not be written: {}", path.string(), why));
  };
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  if (!file) return failed(reason());
  const std::string head = npy_head(tensor.dims());
  file.write(head.data(), static_cast<std::streamsize>(head.size()));
  file.write(reinterpret_cast<const char*>(tensor.data()), static_cast<std::streamsize>(tensor.span().size_bytes()));
  file.close();
  if (!file) return failed(reason());
  std::error_code failure;
  std::filesystem::rename(part, path, failure);
  return failure ? failed(failure.message()) : success();
}

}  // namespace latentflow::nn

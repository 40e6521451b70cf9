// npy.h: NumPy arrays in files (.npy) as tensors: the header, reading with conversion to float, writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "latentflow/result.h"
#include "latentflow/tensor.h"

namespace latentflow::nn {

/// What the head of a .npy file says (NumPy's format description, versions 1 to 3).
struct NpyHeader {
  char kind = 'f';             ///< 'f' float, 'i' signed, 'u' unsigned, 'b' truth value, as in NumPy's type codes
  std::size_t item_bytes = 4;  ///< of one element: f 2, 4, 8; i and u 1, 2, 4, 8; b 1
  bool big_endian = false;
  bool fortran_order = false;  ///< first axis fastest
  Dims dims;                   ///< as NumPy shows the shape
  std::size_t offset = 0;      ///< bytes before the elements

  std::uint64_t data_bytes() const;
  std::string type_name() const;  ///< NumPy's, for example "uint16"
};

/// Reads up to `size` bytes into `to` and returns how many; fewer only at the end. May throw.
using ReadBytes = std::function<std::size_t(void* to, std::size_t size)>;

/// Reads the head and leaves the reader before the elements. `name` is how messages call the array.
/// Errors: bad_input (no .npy, damaged head), unsupported (complex numbers, texts, records, pickled objects).
Result<NpyHeader> read_npy_header(const ReadBytes& read, const std::string& name);

/// The header of a file, without its elements; checks that the file is as long as the header says.
/// Errors: as above, not_found, io, bad_input (cut off or with bytes left over).
Result<NpyHeader> read_npy_header(const std::filesystem::path& path);

/// A whole array, row-major whatever the order in the file. float32 stays as it is; every other type becomes the
/// nearest float32, without any scaling: integers are exact up to 2^24, truth values become 0 and 1. Errors: as above,
/// bad_input for float64 beyond float32's range, out_of_memory.
Result<Tensor> read_npy(const std::filesystem::path& path);

/// Whether `available` bytes are exactly what the elements of `header` take. Errors: bad_input.
Status check_npy_length(const NpyHeader& header, std::uint64_t available, const std::string& name);

/// Where the element lies that is number `flat` of an array, as NumPy takes it: "[0, 3]". `first_fastest`: counted
/// along the first axis, as in Fortran order.
std::string index_text(std::int64_t flat, const Dims& dims, bool first_fastest);

/// The elements that follow `header`; `available` bytes are left in the reader. Errors: bad_input, out_of_memory.
Result<Tensor> read_npy_data(const NpyHeader& header, std::uint64_t available, const ReadBytes& read,
                             const std::string& name);

/// The head of a row-major float32 array, padded so that the elements start at a multiple of 64 bytes.
std::string npy_head(const Dims& dims);

/// Writes row-major float32, whole or not at all (through a temporary file beside it). Errors: io.
Status write_npy(const std::filesystem::path& path, const Tensor& tensor);

/// Where a file is written before it gets its name: "<path>.<process>.part".
std::filesystem::path part_of(const std::filesystem::path& path);

}  // namespace latentflow::nn

// npy.cpp: see npy.h; the format is that of numpy.lib.format.
#include "npy.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <string_view>

namespace latentflow::io {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they lie in memory");

constexpr std::uint64_t most_elements = std::uint64_t{1} << 40;
constexpr std::uint64_t longest_header = 1 << 20;

/// Reads the dictionary of the header, which is a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : text_(text) {}

  Status read(NpyHeader& header, std::string& element) {
    bool descr = false, order = false, shape = false;
    if (!take('{')) return damaged("a '{'");
    while (!take('}')) {
      std::string key;
      if (!word(key) || !take(':')) return damaged("a key and ':'");
      if (key == "descr") {
        if (!word(element)) {
          if (peek() == '[') return unsupported("elements are records of several fields, supported are float32, float64 and uint8");
          return damaged("the type of the elements");
        }
        descr = true;
      } else if (key == "fortran_order") {
        const bool yes = take_text("True");
        if (!yes && !take_text("False")) return damaged("True or False");
        header.fortran_order = order = true;
        header.fortran_order = yes;
      } else if (key == "shape") {
        if (!extents(header.dims)) return damaged("a tuple of extents");
        shape = true;
      } else {
        return bad_input(fmt::format("header has the key '{}', allowed are descr, fortran_order and shape", key));
      }
      take(',');
    }
    if (!descr || !order || !shape)
      return bad_input(fmt::format("header has no '{}'", !descr ? "descr" : !order ? "fortran_order" : "shape"));
    return success();
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char wanted) { return peek() == wanted && ++at_ != 0; }
  bool take_text(std::string_view wanted) {
    peek();
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  bool word(std::string& out) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return false;
    out = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return true;
  }
  bool extents(Dims& dims) {
    if (!take('(')) return false;
    while (!take(')')) {
      std::uint64_t extent = 0;
      int digits = 0;
      for (; peek() >= '0' && peek() <= '9'; ++digits, ++at_) {
        extent = extent * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
        if (extent > most_elements) return false;
      }
      if (digits == 0 || dims.size() == 32) return false;
      take('L');  // of Python 2
      dims.push_back(static_cast<std::int64_t>(extent));
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }
  Error damaged(const std::string& wanted) const {
    return bad_input(fmt::format("damaged header: needs {} at character {} of {}", wanted, at_, text_.size()));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Status set_element(NpyHeader& header, const std::string& element) {
  const auto refuse = [&] {
    return unsupported(fmt::format("elements are of type '{}', supported are float32, float64 and uint8; save with .astype('float32')", element));
  };
  if (element.size() != 3) return refuse();
  header.big_endian = element[0] == '>';
  header.kind = element[1];
  header.bytes = element[2] - '0';
  const bool known = (header.kind == 'f' && (header.bytes == 4 || header.bytes == 8)) || (header.kind == 'u' && header.bytes == 1);
  if (!known || std::string_view("<>|=").find(element[0]) == std::string_view::npos) return refuse();
  return success();
}

float element_at(const NpyHeader& header, const std::uint8_t* from) {
  if (header.kind == 'u') return static_cast<float>(*from);
  std::uint8_t raw[8];
  for (int i = 0; i < header.bytes; ++i) raw[i] = from[header.big_endian ? header.bytes - 1 - i : i];
  if (header.bytes == 8) {
    double number;
    std::memcpy(&number, raw, 8);
    return static_cast<float>(number);
  }
  float number;
  std::memcpy(&number, raw, 4);
  return number;
}

Result<Tensor> read_run(const Input& input, const NpyHeader& header, Dims dims, std::uint64_t first) {
  Tensor tensor(std::move(dims));
  float* target = tensor.mutable_data();
  const auto count = static_cast<std::uint64_t>(element_count(tensor.dims())), bytes = static_cast<std::uint64_t>(header.bytes);
  const bool as_it_is = header.kind == 'f' && header.bytes == 4 && !header.big_endian;
  constexpr std::uint64_t portion = 1 << 16;
  for (std::uint64_t begin = 0; begin < count; begin += portion) {
    const std::uint64_t numbers = std::min(portion, count - begin), offset = header.offset + (first + begin) * bytes;
    bool whole = true;
    if (as_it_is) {
      whole = input.read(offset, {reinterpret_cast<std::uint8_t*>(target + begin), numbers * bytes});
    } else {
      const std::vector<std::uint8_t> raw = input.slice(offset, numbers * bytes);
      whole = raw.size() == numbers * bytes;
      for (std::uint64_t i = 0; whole && i < numbers; ++i) target[begin + i] = element_at(header, raw.data() + i * bytes);
    }
    if (!whole) return io_error(fmt::format("cannot read element {} of {}", first + begin, count));
  }
  return tensor;
}

/// From first axis fastest to last axis fastest.
Tensor to_c_order(const Tensor& fortran) {
  const Dims& dims = fortran.dims();
  Tensor result(dims);
  float* target = result.mutable_data();
  Dims position(dims.size(), 0), strides(dims.size(), 1);
  for (std::size_t axis = 1; axis < dims.size(); ++axis) strides[axis] = strides[axis - 1] * dims[axis - 1];
  std::int64_t from = 0;
  for (std::int64_t i = 0; i < fortran.size(); ++i) {
    target[i] = fortran.data()[from];
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      from += strides[axis];
      if (++position[axis] < dims[axis]) break;
      from -= strides[axis] * dims[axis];
      position[axis] = 0;
    }
  }
  return result;
}

}  // namespace

Result<NpyHeader> read_npy_header(const Input& input) {
  Cursor cursor(input, 0, false);
  const std::vector<std::uint8_t> magic = input.slice(0, 6);
  if (magic.size() < 6 || std::memcmp(magic.data(), "\x93NUMPY", 6) != 0)
    return bad_input(fmt::format("is no .npy file: begins with {}, needs 93 4e 55 4d 50 59 (\\x93NUMPY)", beginning(input)));
  cursor.skip(6);
  const int version = cursor.u8();
  cursor.skip(1);
  if (version < 1 || version > 3) return unsupported(fmt::format(".npy version is {}, supported are 1 to 3", version));
  const std::uint64_t length = version == 1 ? cursor.u16() : cursor.u32();
  if (cursor.failed() || length > longest_header || cursor.position() + length > input.size())
    return bad_input(fmt::format("truncated header: says {} bytes from byte {}, the file has {}", length, cursor.position(), input.size()));
  const std::vector<std::uint8_t> text = input.slice(cursor.position(), length);
  NpyHeader header;
  std::string element;
  Dictionary dictionary(std::string_view(reinterpret_cast<const char*>(text.data()), text.size()));
  if (Status status = dictionary.read(header, element); !status) return status.error();
  if (Status status = set_element(header, element); !status) return status.error();
  header.offset = cursor.position() + length;

  std::uint64_t elements = 1;
  for (const std::int64_t extent : header.dims) {
    if (extent == 0) return bad_input(fmt::format("array of shape {} has no elements", to_string(header.dims)));
    if (elements > most_elements / static_cast<std::uint64_t>(extent))
      return bad_input(fmt::format("array of shape {} is larger than any that can be read", to_string(header.dims)));
    elements *= static_cast<std::uint64_t>(extent);
  }
  const std::uint64_t wanted = header.offset + elements * static_cast<std::uint64_t>(header.bytes);
  if (input.size() < wanted)
    return bad_input(fmt::format("truncated: array of shape {} needs {} bytes, the file ends at byte {}", to_string(header.dims), wanted, input.size()));
  if (input.size() > wanted)
    return bad_input(fmt::format("has {} bytes behind its array of shape {}, which ends at byte {}", input.size() - wanted,
                                 to_string(header.dims), wanted));
  return header;
}

Result<Tensor> read_npy(const Input& input, const NpyHeader& header) {
  Result<Tensor> tensor = read_run(input, header, header.dims, 0);
  if (!tensor || !header.fortran_order || header.dims.size() < 2) return tensor;
  return to_c_order(*tensor);
}

Result<Tensor> read_npy_row(const Input& input, const NpyHeader& header, std::int64_t index) {
  const Dims row(header.dims.begin() + 1, header.dims.end());
  return read_run(input, header, row, static_cast<std::uint64_t>(index * element_count(row)));
}

std::string npy_head(const Dims& dims) {
  std::string shape;
  for (const std::int64_t extent : dims) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", extent);
  if (dims.size() == 1) shape += ',';
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape);
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 10, ' ');
  text.back() = '\n';
  std::string head("\x93NUMPY\x01\x00", 8);
  head += static_cast<char>(text.size() & 0xff);
  head += static_cast<char>(text.size() >> 8);
  return head + text;
}

}  // namespace latentflow::io

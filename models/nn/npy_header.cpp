// npy_header.cpp: the head of a .npy file: magic, version, and a Python dictionary in a fixed form.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <optional>

#include "npy.h"

namespace latentflow::nn {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_head = 1 << 20;  // NumPy's own are about a hundred bytes

/// Reads the literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, keys in any order.
class HeadReader {
 public:
  explicit HeadReader(std::string_view text) : text_(text) {}

  struct Fields {
    std::optional<std::string> descr;  // empty for a list, which describes a record
    std::optional<bool> fortran_order;
    std::optional<Dims> shape;
  };

  /// Nothing when the text is not such a dictionary; then needs() says what it lacks.
  std::optional<Fields> run() {
    Fields fields;
    if (!take('{')) return {};
    while (!take('}')) {
      const auto key = quoted();
      if (!key || !take(':')) return {};
      if (!value(*key, fields)) {
        if (*key == "shape") needs_ = "a shape of whole numbers from 0 on";
        return {};
      }
      if (!take(',') && peek() != '}') return {};
    }
    if (peek() != '\0' || !fields.descr || !fields.fortran_order || !fields.shape) return {};
    return fields;
  }
  const std::string& needs() const { return needs_; }

 private:
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view wanted) {
    peek();
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  std::optional<std::string> quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return {};
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return {};
    std::string inner(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return inner;
  }
  bool value(const std::string& key, Fields& fields) {
    if (key == "descr" && !fields.descr) {
      if (peek() == '[') {  // the type of a record is a list of fields; its details do not matter
        fields.descr = "";
        return skip_list();
      }
      fields.descr = quoted();
      return fields.descr.has_value();
    }
    if (key == "fortran_order" && !fields.fortran_order) {
      if (word("True")) return fields.fortran_order = true, true;
      if (word("False")) return fields.fortran_order = false, true;
      return false;
    }
    if (key == "shape" && !fields.shape) {
      fields.shape = tuple();
      return fields.shape.has_value();
    }
    return false;
  }
  bool skip_list() {
    int depth = 0;
    do {
      const char next = peek();
      if (next == '\0') return false;
      if (next == '\'' || next == '"') {
        if (!quoted()) return false;
        continue;
      }
      depth += (next == '[') - (next == ']');
      ++at_;
    } while (depth > 0);
    return true;
  }
  std::optional<Dims> tuple() {
    if (!take('(')) return {};
    Dims dims;
    while (!take(')')) {
      if (!std::isdigit(static_cast<unsigned char>(peek()))) return {};
      std::int64_t extent = 0;
      for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_) {
        if (extent > (std::numeric_limits<std::int64_t>::max() - 9) / 10) return {};
        extent = extent * 10 + (text_[at_] - '0');
      }
      word("L");  // Python 2 wrote long integers so
      dims.push_back(extent);
      if (!take(',') && peek() != ')') return {};
    }
    return dims;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string needs_ = "descr, fortran_order and shape";
};

/// NumPy type code such as "<f4" into the header. Errors: unsupported.
Status read_type(const std::string& descr, const std::string& name, NpyHeader& header) {
  const auto refuse = [&](const std::string& what) {
    return unsupported(
        fmt::format("{} holds {}; possible are real numbers: float16 to float64, integers of 8 to 64 bits "
                    "and bool; convert with array.astype(\"float32\")",
                    name, what));
  };
  if (descr.empty()) return refuse("records with named fields");
  if (descr.size() < 3 || std::string_view("<>|=").find(descr[0]) == std::string_view::npos)
    return refuse("elements of the type '" + descr + "'");
  header.kind = descr[1];
  if (header.kind == 'O') return refuse("pickled Python objects, which are never loaded");
  const std::string digits = descr.substr(2);
  const bool number = digits.size() == 1 && std::isdigit(static_cast<unsigned char>(digits[0]));
  header.item_bytes = number ? static_cast<std::size_t>(digits[0] - '0') : 0;
  const auto one_of = [&](std::initializer_list<std::size_t> sizes) {
    return std::find(sizes.begin(), sizes.end(), header.item_bytes) != sizes.end();
  };
  const bool known = (header.kind == 'f' && one_of({2, 4, 8})) || (header.kind == 'b' && one_of({1})) ||
                     ((header.kind == 'i' || header.kind == 'u') && one_of({1, 2, 4, 8}));
  if (!known) return refuse("elements of the type '" + descr + "'");
  header.big_endian = descr[0] == '>';
  return success();
}

/// Whether the elements fit an address; an extent of 0 makes an empty array.
bool countable(const Dims& dims, std::size_t item_bytes) {
  std::uint64_t bytes = item_bytes;
  for (const std::int64_t extent : dims) {
    if (extent > 0 && bytes > (std::uint64_t{1} << 62) / static_cast<std::uint64_t>(extent)) return false;
    bytes *= static_cast<std::uint64_t>(extent);
  }
  return true;
}

}  // namespace

std::uint64_t NpyHeader::data_bytes() const { return static_cast<std::uint64_t>(element_count(dims)) * item_bytes; }

std::string NpyHeader::type_name() const {
  if (kind == 'b') return "bool";
  return fmt::format("{}{}", kind == 'f' ? "float" : kind == 'u' ? "uint" : "int", item_bytes * 8);
}

Result<NpyHeader> read_npy_header(const ReadBytes& read, const std::string& name) {
  std::array<unsigned char, 12> start{};
  constexpr std::size_t short_start = 10;
  const std::size_t got = read(start.data(), short_start);
  const bool is_npy =
      got >= magic.size() && std::equal(magic.begin(), magic.end(), start.begin(),
                                        [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
  if (!is_npy) return bad_input(fmt::format("{} is no NumPy array: it does not start as one", name));
  const auto cut_off = [&] { return bad_input(fmt::format("{} is cut off within its head", name)); };
  if (got < short_start) return cut_off();
  const int version = start[6];
  if (version < 1 || version > 3)
    return unsupported(fmt::format("{} has the .npy version {}.{}, known are 1 to 3", name, version, start[7]));
  std::size_t length = start[8] | static_cast<std::size_t>(start[9]) << 8, offset = short_start;
  if (version > 1) {
    if (read(start.data() + short_start, 2) != 2) return cut_off();
    length |= static_cast<std::size_t>(start[10]) << 16 | static_cast<std::size_t>(start[11]) << 24;
    offset += 2;
  }
  if (length > longest_head)
    return bad_input(fmt::format("{} has a head of {} bytes, at most {} are possible", name, length, longest_head));
  std::string text(length, '\0');
  if (read(text.data(), length) != length) return cut_off();
  HeadReader reader(text);
  const auto fields = reader.run();
  if (!fields) {
    std::string shown = text.substr(0, std::min<std::size_t>(text.find('\n'), 100));
    shown.erase(shown.find_last_not_of(' ') + 1);  // NumPy pads its heads
    return bad_input(fmt::format("{} has a damaged head, needs {}: {}", name, reader.needs(), shown));
  }
  NpyHeader header;
  if (Status typed = read_type(*fields->descr, name, header); !typed) return typed.error();
  header.fortran_order = *fields->fortran_order;
  header.dims = *fields->shape;
  header.offset = offset + length;
  constexpr std::size_t most_axes = 64;  // as NumPy 2
  if (header.dims.size() > most_axes || !countable(header.dims, header.item_bytes))
    return bad_input(fmt::format("{} claims the shape {}, more than any memory holds", name, to_string(header.dims)));
  return header;
}

std::string npy_head(const Dims& dims) {
  std::string shape;
  for (const std::int64_t extent : dims) shape += std::to_string(extent) + (dims.size() == 1 ? "," : ", ");
  if (dims.size() > 1) shape.resize(shape.size() - 2);
  std::string head = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape);
  constexpr std::size_t step = 64, before = 10;
  head.resize((before + head.size() + 1 + step - 1) / step * step - before, ' ');
  head.back() = '\n';
  const auto low = static_cast<char>(head.size() & 0xff), high = static_cast<char>(head.size() >> 8);
  return std::string(magic) + '\1' + '\0' + low + high + head;
}

}  // namespace latentflow::nn

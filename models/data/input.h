// input.h: random access to the bytes of a file, on disk or in memory, with every read checked against the end.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/schema.h"

namespace latentflow::data {

using ByteSpan = std::span<const std::uint8_t>;

/// Either an open file, read by position, or bytes in memory (not owned). Never reads past the end.
class Input {
 public:
  explicit Input(ByteSpan bytes) : bytes_(bytes), size_(bytes.size()) {}
  /// Fails if the path does not exist, is not a regular file, cannot be opened, or has no bytes.
  static Result<Input> open(const Path& path);
  ~Input();
  Input(Input&& other) noexcept;
  Input& operator=(Input&&) = delete;

  std::uint64_t size() const { return size_; }
  /// Fills `target` from `offset`; false (target unspecified) where the file ends before.
  bool read(std::uint64_t offset, std::span<std::uint8_t> target) const;
  /// `count` bytes from `offset`, or fewer where the file ends before.
  std::vector<std::uint8_t> slice(std::uint64_t offset, std::uint64_t count) const;
  /// The whole file.
  Result<std::vector<std::uint8_t>> read_all() const;

 private:
  Input(int file, std::uint64_t size) : file_(file), size_(size) {}

  int file_ = -1;
  ByteSpan bytes_;
  std::uint64_t size_ = 0;
};

/// Reads integers one after another; once a read passes the end, failed() stays true and all values are 0.
class Cursor {
 public:
  explicit Cursor(const Input& input, std::uint64_t position = 0, bool big_endian = true)
      : input_(&input), position_(position), big_endian_(big_endian) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  /// The value of `bytes` bytes (1 to 8).
  std::uint64_t number(int bytes);

  void skip(std::uint64_t count) { position_ += count; }
  void seek(std::uint64_t position) { position_ = position; }
  std::uint64_t position() const { return position_; }
  bool at_end() const { return position_ >= input_->size(); }
  bool failed() const { return failed_; }
  bool big_endian() const { return big_endian_; }
  const Input& input() const { return *input_; }

 private:
  const Input* input_;
  std::uint64_t position_;
  bool big_endian_;
  bool failed_ = false;
};

/// The first bytes of a file for a message: printable ones as text, others as hexadecimal, for example "\"Hello wo\"".
std::string beginning(const Input& input);

}  // namespace latentflow::data

// input.cpp: see input.h.
#include "input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace latentflow::data {

Result<Input> Input::open(const Path& path) {
  // Not blocking: else a pipe in a folder of pictures would be waited for without end. Means nothing to a file.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    const std::string reason = std::strerror(errno);
    if (errno == ENOENT) return not_found("file does not exist: " + path.string());
    return io_error(fmt::format("cannot open {}: {}", path.string(), reason));
  }
  struct stat facts {};
  if (::fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    ::close(file);
    return bad_input("is not a regular file: " + path.string());
  }
  if (facts.st_size == 0) {
    ::close(file);
    return bad_input("file is empty (0 bytes)");
  }
  return Input(file, static_cast<std::uint64_t>(facts.st_size));
}

Input::Input(Input&& other) noexcept
    : file_(std::exchange(other.file_, -1)), bytes_(other.bytes_), size_(other.size_) {}

Input::~Input() {
  if (file_ >= 0) ::close(file_);
}

bool Input::read(std::uint64_t offset, std::span<std::uint8_t> target) const {
  if (offset > size_ || target.size() > size_ - offset) return false;
  if (file_ < 0) {
    if (!target.empty()) std::memcpy(target.data(), bytes_.data() + offset, target.size());
    return true;
  }
  while (!target.empty()) {
    const ssize_t got = ::pread(file_, target.data(), target.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += static_cast<std::uint64_t>(got);
    target = target.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

std::vector<std::uint8_t> Input::slice(std::uint64_t offset, std::uint64_t count) const {
  if (offset >= size_) return {};
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::min(count, size_ - offset)));
  if (!read(offset, bytes)) bytes.clear();
  return bytes;
}

Result<std::vector<std::uint8_t>> Input::read_all() const {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size_));
  if (!read(0, bytes)) return io_error(fmt::format("cannot read the file to its end at byte {}", size_));
  return bytes;
}

std::uint64_t Cursor::number(int bytes) {
  std::uint8_t raw[8] = {};
  const std::span<std::uint8_t> target(raw, static_cast<std::size_t>(bytes));
  if (failed_ || !input_->read(position_, target)) {
    failed_ = true;
    return 0;
  }
  position_ += target.size();
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | raw[big_endian_ ? i : bytes - 1 - i];
  return value;
}

std::string beginning(const Input& input) {
  const std::vector<std::uint8_t> bytes = input.slice(0, 12);
  const bool printable = std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) {
    return (c >= 32 && c < 127) || c == '\n' || c == '\r' || c == '\t';
  });
  std::string text;
  for (std::uint8_t c : bytes)
    text += printable ? std::string(1, c < 32 ? ' ' : static_cast<char>(c)) : fmt::format("{:02x} ", c);
  if (!printable && !text.empty()) text.pop_back();
  return printable ? "\"" + text + "\"" : text;
}

}  // namespace latentflow::data

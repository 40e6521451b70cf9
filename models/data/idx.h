// idx.h: pictures and labels in IDX files, the format of MNIST (LeCun, Cortes, Burges), as they are or gzip-compressed.
#pragma once

#include <optional>
#include <string>

#include "input.h"

namespace latentflow::data {

/// Unsigned bytes in one axis (labels) or three (pictures: number, rows, columns). A compressed file is held in memory,
/// others are read as needed.
class IdxFile {
 public:
  /// `axes` is 3 for pictures, 1 for labels. Errors name the file, the place and the fact: no IDX file, another number
  /// of axes, other elements than bytes, an end before or after the one the header says, damaged compression.
  static Result<IdxFile> open(const Path& path, int axes);

  std::int64_t count() const { return extents_[0]; }
  int height() const { return static_cast<int>(extents_[1]); }
  int width() const { return static_cast<int>(extents_[2]); }
  std::size_t item_bytes() const { return static_cast<std::size_t>(extents_[1] * extents_[2]); }

  /// Requires index < count() and item_bytes() bytes of space.
  Status read(std::int64_t index, std::span<std::uint8_t> target) const;

 private:
  IdxFile() = default;
  Status parse_header(ByteSpan head, const Path& path, int axes);

  std::int64_t extents_[3] = {0, 1, 1};
  std::uint64_t offset_ = 0;
  std::optional<Input> file_;
  std::vector<std::uint8_t> inflated_;
};

}  // namespace latentflow::data

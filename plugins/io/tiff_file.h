// tiff_file.h: entries of TIFF directories, in files (TIFF, BigTIFF) and in EXIF blocks, which have the same layout.
#pragma once

#include <map>

#include "input.h"

namespace latentflow::io {

/// The tag of an ICC profile.
inline constexpr int tag_icc = 34675;

/// One entry: where its values lie. Bytes [offset, offset + count * size of type).
struct TiffEntry {
  int type = 0;
  std::uint64_t count = 0, offset = 0;
};

struct TiffDirectory {
  bool big_endian = false;
  std::map<int, TiffEntry> entries;  ///< by tag, of the first directory

  bool has(int tag) const { return entries.contains(tag); }
  /// Value number `index` of an integer tag, or `fallback` if there is none.
  std::uint64_t value(const Input& input, int tag, std::uint64_t fallback, std::uint64_t index = 0) const;
};

/// Starts with "II" or "MM"; fails with a reason where the structure is cut off.
Result<TiffDirectory> read_tiff_directory(const Input& input);

/// EXIF orientation (1 to 8) of an EXIF block; 1 where there is none or the block is damaged.
int exif_orientation(ByteSpan exif);
/// Sets the orientation entry, if there is one, to 1: the pixels now stand upright.
void reset_exif_orientation(std::vector<std::uint8_t>& exif);

}  // namespace latentflow::io

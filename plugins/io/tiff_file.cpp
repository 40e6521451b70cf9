// tiff_file.cpp: see tiff_file.h.
#include "tiff_file.h"

#include <fmt/format.h>

namespace latentflow::io {
namespace {

constexpr int tag_orientation = 0x0112;
constexpr std::uint64_t max_entries = 4096;  // real directories have below 100

/// Bytes of one value of a TIFF field type; 0 for types that do not exist.
int type_size(int type) {
  constexpr int sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type >= 0 && type < static_cast<int>(std::size(sizes)) ? sizes[type] : 0;
}

}  // namespace

std::uint64_t TiffDirectory::value(const Input& input, int tag, std::uint64_t fallback, std::uint64_t index) const {
  const auto found = entries.find(tag);
  if (found == entries.end() || index >= found->second.count) return fallback;
  const int bytes = type_size(found->second.type);
  if (bytes == 0) return fallback;
  Cursor cursor(input, found->second.offset + index * static_cast<std::uint64_t>(bytes), big_endian);
  const std::uint64_t number = cursor.number(bytes);
  return cursor.failed() ? fallback : number;
}

Result<TiffDirectory> read_tiff_directory(const Input& input) {
  const Error cut_off = bad_input(fmt::format("TIFF structure is cut off: the data end at byte {}", input.size()));
  TiffDirectory directory;
  Cursor order(input);
  directory.big_endian = order.u16() == 0x4d4d;
  Cursor cursor(input, 2, directory.big_endian);
  const bool big = cursor.u16() == 43;
  if (big) cursor.skip(4);
  cursor.seek(big ? cursor.u64() : cursor.u32());
  const std::uint64_t count = big ? cursor.u64() : cursor.u16();
  if (cursor.failed()) return cut_off;
  if (count > max_entries) return bad_input(fmt::format("TIFF structure is damaged: a directory of {} entries", count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const int tag = cursor.u16();
    TiffEntry entry;
    entry.type = cursor.u16();
    entry.count = big ? cursor.u64() : cursor.u32();
    const std::uint64_t field = cursor.position();
    const std::uint64_t room = big ? 8 : 4;
    const std::uint64_t target = big ? cursor.u64() : cursor.u32();
    if (cursor.failed()) return cut_off;
    const auto bytes = static_cast<std::uint64_t>(type_size(entry.type));
    entry.offset = entry.count <= room && entry.count * bytes <= room ? field : target;
    directory.entries.emplace(tag, entry);
  }
  return directory;
}

int exif_orientation(ByteSpan exif) {
  const Input input(exif);
  const Result<TiffDirectory> directory = read_tiff_directory(input);
  if (!directory) return 1;
  const std::uint64_t value = directory.value().value(input, tag_orientation, 1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

void reset_exif_orientation(std::vector<std::uint8_t>& exif) {
  const Result<TiffDirectory> directory = read_tiff_directory(Input(exif));
  if (!directory || !directory.value().has(tag_orientation)) return;
  const TiffEntry& entry = directory.value().entries.at(tag_orientation);
  const auto bytes = static_cast<std::uint64_t>(type_size(entry.type));
  if (entry.count != 1 || bytes == 0 || entry.offset + bytes > exif.size()) return;
  for (std::uint64_t i = 0; i < bytes; ++i) exif[entry.offset + i] = 0;
  exif[directory.value().big_endian ? entry.offset + bytes - 1 : entry.offset] = 1;
}

}  // namespace latentflow::io

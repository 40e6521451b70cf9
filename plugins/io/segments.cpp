// segments.cpp: see segments.h.
#include "segments.h"

#include <fmt/format.h>
#include <zlib.h>

namespace latentflow::io {
namespace {

Error cut_off(const char* format, const Input& input) {
  return bad_input(fmt::format("{} file is cut off: it ends at byte {} within its structure", format, input.size()));
}

std::string four_letters(Cursor& cursor) {
  const std::uint32_t letters = cursor.u32();
  std::string type(4, ' ');
  for (int i = 0; i < 4; ++i)
    type[static_cast<std::size_t>(i)] = static_cast<char>(letters >> (cursor.big_endian() ? 24 - 8 * i : 8 * i));
  return type;
}

}  // namespace

Result<std::vector<Segment>> jpeg_segments(const Input& input) {
  std::vector<Segment> segments;
  Cursor cursor(input, 2);
  for (;;) {
    Segment segment;
    segment.start = cursor.position();
    if (cursor.u8() != 0xff && !cursor.failed())
      return bad_input(fmt::format("JPEG file is damaged: no segment at byte {}", segment.start));
    std::uint8_t marker = cursor.u8();
    while (marker == 0xff) marker = cursor.u8();  // fill bytes are allowed before a marker
    if (cursor.failed()) return cut_off("JPEG", input);
    segment.type = static_cast<char>(marker);
    if (marker == 0xd9) return bad_input("JPEG file holds no picture: it ends before a scan begins");
    const bool bare = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const std::uint16_t length = bare ? 2 : cursor.u16();
    segment.body = cursor.position();
    if (length < 2)
      return bad_input(fmt::format("JPEG file is damaged: a segment of length {} at byte {}", length, segment.start));
    segment.size = length - 2u;
    segment.end = segment.body + segment.size;
    if (cursor.failed() || segment.end > input.size()) return cut_off("JPEG", input);
    cursor.seek(segment.end);
    segments.push_back(segment);
    if (marker == 0xda) return segments;
  }
}

Result<std::vector<Segment>> png_chunks(const Input& input, bool header_only) {
  std::vector<Segment> chunks;
  Cursor cursor(input, 8);
  for (;;) {
    Segment chunk;
    chunk.start = cursor.position();
    chunk.size = cursor.u32();
    chunk.type = four_letters(cursor);
    chunk.body = cursor.position();
    chunk.end = chunk.body + chunk.size + 4;
    if (cursor.failed() || (!header_only && chunk.end > input.size())) return cut_off("PNG", input);
    if (chunks.empty() && chunk.type != "IHDR") return bad_input("PNG file is damaged: it does not begin with IHDR");
    chunks.push_back(chunk);
    if (chunk.type == "IEND" || (header_only && chunk.type == "IDAT")) return chunks;
    cursor.seek(chunk.end);
  }
}

Result<std::vector<Segment>> webp_chunks(const Input& input) {
  std::vector<Segment> chunks;
  Cursor cursor(input, 4, false);
  const std::uint64_t end = cursor.u32() + 8ull;
  if (end > input.size()) return cut_off("WebP", input);
  cursor.skip(4);
  while (cursor.position() + 8 <= end) {
    Segment chunk;
    chunk.start = cursor.position();
    chunk.type = four_letters(cursor);
    chunk.size = cursor.u32();
    chunk.body = cursor.position();
    chunk.end = chunk.body + chunk.size + (chunk.size & 1);
    if (chunk.body + chunk.size > end) return cut_off("WebP", input);
    chunks.push_back(chunk);
    cursor.seek(chunk.end);
  }
  return chunks;
}

Status check_png(ByteSpan file, const std::vector<Segment>& chunks) {
  const Input input(file);
  for (const Segment& chunk : chunks) {
    Cursor cursor(input, chunk.end - 4);
    const std::uint32_t stored = cursor.u32();
    const std::uint32_t actual = static_cast<std::uint32_t>(
        ::crc32_z(0, file.data() + chunk.body - 4, static_cast<std::size_t>(chunk.size + 4)));
    if (stored != actual)
      return bad_input(
          fmt::format("PNG file is damaged: wrong checksum of chunk {} at byte {}", chunk.type, chunk.start));
  }
  return success();
}

}  // namespace latentflow::io

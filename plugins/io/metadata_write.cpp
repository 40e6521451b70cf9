// metadata_write.cpp: putting EXIF and ICC blocks into encoded files; see metadata.h.
#include <fmt/format.h>
#include <zlib.h>

#include <string_view>

#include "metadata.h"
#include "segments.h"
#include "tiff_file.h"

namespace latentflow::io {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr std::size_t jpeg_body_limit = 65533;                   // a 16-bit length that counts itself
constexpr std::size_t jpeg_profile_part = jpeg_body_limit - 14;  // "ICC_PROFILE\0", number, count

void put(Buffer& target, std::string_view text) { target.insert(target.end(), text.begin(), text.end()); }
void put(Buffer& target, ByteSpan bytes) { target.insert(target.end(), bytes.begin(), bytes.end()); }
void put_number(Buffer& target, std::uint64_t value, int bytes, bool big_endian) {
  for (int i = 0; i < bytes; ++i)
    target.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian ? bytes - 1 - i : i)));
}

void put_jpeg_segment(Buffer& target, std::uint8_t marker, std::string_view mark, ByteSpan body) {
  put_number(target, 0xff00u | marker, 2, true);
  put_number(target, 2 + mark.size() + body.size(), 2, true);
  put(target, mark);
  put(target, body);
}

Pieces around(ByteSpan encoded, std::uint64_t place, Buffer inserted) {
  Pieces pieces;
  pieces.owned.push_back(std::move(inserted));
  const std::size_t at = static_cast<std::size_t>(place);
  pieces.parts = {encoded.first(at), pieces.owned.back(), encoded.subspan(at)};
  return pieces;
}

Pieces attach_jpeg(ByteSpan encoded, const Attachments& attachments, std::string& dropped) {
  const Result<std::vector<Segment>> segments = jpeg_segments(Input(encoded));
  std::uint64_t place = 2;
  if (segments && segments.value().front().type == "\xe0") place = segments.value().front().end;
  Buffer inserted;
  if (attachments.exif.size() > jpeg_body_limit - 6)
    dropped = fmt::format("exif ({} bytes, jpeg holds {})", attachments.exif.size(), jpeg_body_limit - 6);
  else if (!attachments.exif.empty())
    put_jpeg_segment(inserted, 0xe1, std::string_view("Exif\0\0", 6), attachments.exif);
  const ByteSpan icc = attachments.icc;
  const std::size_t parts = (icc.size() + jpeg_profile_part - 1) / jpeg_profile_part;
  if (parts > 255) {
    dropped += fmt::format("{}icc ({} bytes, jpeg holds {})", dropped.empty() ? "" : ", ", icc.size(),
                           255 * jpeg_profile_part);
    return around(encoded, place, std::move(inserted));
  }
  for (std::size_t part = 0; part < parts; ++part) {
    std::string mark("ICC_PROFILE\0", 12);
    mark += static_cast<char>(part + 1);
    mark += static_cast<char>(parts);
    const std::size_t first = part * jpeg_profile_part;
    put_jpeg_segment(inserted, 0xe2, mark, icc.subspan(first, std::min(jpeg_profile_part, icc.size() - first)));
  }
  return around(encoded, place, std::move(inserted));
}

void put_png_chunk(Buffer& target, std::string_view type, ByteSpan body) {
  put_number(target, body.size(), 4, true);
  const std::size_t start = target.size();
  put(target, type);
  put(target, body);
  put_number(target, ::crc32_z(0, target.data() + start, target.size() - start), 4, true);
}

Pieces attach_png(ByteSpan encoded, const Attachments& attachments, std::string& dropped) {
  Buffer inserted;
  if (!attachments.icc.empty()) {
    Buffer body;
    put(body, std::string_view("icc\0\0", 5));  // a name, its end, method 0
    uLongf packed_size = ::compressBound(attachments.icc.size());
    Buffer packed(packed_size);
    if (::compress(packed.data(), &packed_size, attachments.icc.data(), attachments.icc.size()) == Z_OK) {
      put(body, ByteSpan(packed).first(packed_size));
      put_png_chunk(inserted, "iCCP", body);
    } else {
      dropped = "icc (cannot be compressed)";
    }
  }
  if (!attachments.exif.empty()) put_png_chunk(inserted, "eXIf", attachments.exif);
  return around(encoded, 8 + 25, std::move(inserted));  // after the signature and IHDR
}

/// A simple WebP becomes an extended one: VP8X head, ICCP, the pixel chunks, EXIF (WebP container specification).
Pieces attach_webp(ByteSpan encoded, const Attachments& attachments, std::string& dropped) {
  const Input input(encoded);
  const Result<std::vector<Segment>> chunks = webp_chunks(input);
  const Result<Header> header = read_header(input, "webp");
  Pieces pieces;
  if (!chunks || !header) {
    dropped = "exif and icc (unexpected file structure)";
    pieces.parts = {encoded};
    return pieces;
  }
  const auto put_chunk = [](Buffer& target, std::string_view type, ByteSpan body) {
    put(target, type);
    put_number(target, body.size(), 4, false);
    put(target, body);
    if (body.size() % 2 != 0) target.push_back(0);
  };
  Buffer front, back, content;
  Buffer extended;
  put_number(extended,
             (header.value().channels == 4 ? 0x10u : 0u) | (attachments.icc.empty() ? 0u : 0x20u) |
                 (attachments.exif.empty() ? 0u : 0x08u),
             4, false);
  put_number(extended, static_cast<std::uint64_t>(header.value().width - 1), 3, false);
  put_number(extended, static_cast<std::uint64_t>(header.value().height - 1), 3, false);
  put_chunk(content, "VP8X", extended);
  if (!attachments.icc.empty()) put_chunk(content, "ICCP", attachments.icc);
  if (!attachments.exif.empty()) put_chunk(back, "EXIF", attachments.exif);
  const std::uint64_t pixels_start = chunks.value().front().type == "VP8X" ? chunks.value()[0].end : 12;
  const ByteSpan pixels = encoded.subspan(static_cast<std::size_t>(pixels_start));
  put(front, "RIFF");
  put_number(front, 4 + content.size() + pixels.size() + back.size(), 4, false);
  put(front, "WEBP");
  put(front, ByteSpan(content));
  pieces.owned = {std::move(front), std::move(back)};
  pieces.parts = {pieces.owned[0], pixels, pieces.owned[1]};
  return pieces;
}

/// A second directory behind the file takes the place of the first: the same entries, whose values stay where they are,
/// and one for the profile, which lies before it (TIFF 6.0, section 2; ICC.1, annex B).
Pieces attach_tiff(ByteSpan encoded, const Attachments& attachments, std::string& dropped) {
  Pieces pieces;
  pieces.parts = {encoded};
  if (!attachments.exif.empty()) dropped = "exif (tiff files carry none here)";
  const ByteSpan icc = attachments.icc;
  if (icc.empty()) return pieces;
  const Input input(encoded);
  const bool big_endian = Cursor(input).u16() == 0x4d4d;
  Cursor head(input, 2, big_endian);
  const bool classic = head.u16() == 42;
  const std::uint64_t place = encoded.size() + encoded.size() % 2;  // values begin at even places
  const std::uint64_t directory = place + icc.size() + icc.size() % 2;
  head.seek(head.u32());
  const std::uint64_t count = head.u16();
  constexpr std::uint64_t entry_bytes = 12;
  if (!classic || head.failed() || directory + entry_bytes * (count + 2) > 0xffffffffu ||
      head.position() + entry_bytes * count > encoded.size()) {
    dropped += fmt::format("{}icc (unexpected file structure)", dropped.empty() ? "" : ", ");
    return pieces;
  }
  Buffer front, back;
  put(front, encoded.first(4));
  put_number(front, directory, 4, big_endian);
  back.resize(place - encoded.size());
  put(back, icc);
  back.resize(directory - encoded.size());
  put_number(back, count + 1, 2, big_endian);
  bool put_in = false;
  const auto put_profile = [&] {
    put_number(back, tag_icc, 2, big_endian);
    put_number(back, 7, 2, big_endian);  // bytes of no further meaning
    put_number(back, icc.size(), 4, big_endian);
    put_number(back, place, 4, big_endian);
    put_in = true;
  };
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = static_cast<std::size_t>(head.position() + entry_bytes * i);
    if (!put_in && Cursor(input, at, big_endian).u16() > tag_icc) put_profile();  // entries ascend
    put(back, encoded.subspan(at, entry_bytes));
  }
  if (!put_in) put_profile();
  put_number(back, 0, 4, big_endian);  // no further picture
  pieces.owned = {std::move(front), std::move(back)};
  pieces.parts = {pieces.owned[0], encoded.subspan(8), pieces.owned[1]};
  return pieces;
}

}  // namespace

Pieces attach(ByteSpan encoded, Format format, const Attachments& attachments, std::string& dropped) {
  dropped.clear();
  if (!attachments.exif.empty() || !attachments.icc.empty()) {
    if (format == Format::jpeg) return attach_jpeg(encoded, attachments, dropped);
    if (format == Format::png) return attach_png(encoded, attachments, dropped);
    if (format == Format::webp) return attach_webp(encoded, attachments, dropped);
    if (format == Format::tiff) return attach_tiff(encoded, attachments, dropped);
    dropped = fmt::format("exif or icc ({} files carry none here)", to_string(format));
  }
  Pieces pieces;
  pieces.parts = {encoded};
  return pieces;
}

}  // namespace latentflow::io

// header.cpp: see header.h.
#include "header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "metadata.h"
#include "segments.h"
#include "tiff_file.h"

namespace latentflow::io {
namespace {

Error cut_off(Format format, const Input& input) {
  return bad_input(
      fmt::format("{} file is cut off: it ends at byte {} within its header", to_string(format), input.size()));
}

Result<Header> jpeg_header(const Input& input) {
  const Result<std::vector<Segment>> segments = jpeg_segments(input);
  if (!segments) return segments.error();
  for (const Segment& segment : segments.value()) {
    const int marker = static_cast<std::uint8_t>(segment.type[0]);
    if (marker < 0xc0 || marker > 0xcf || marker == 0xc4 || marker == 0xc8 || marker == 0xcc) continue;
    Cursor cursor(input, segment.body + 1);
    Header header{Format::jpeg};
    header.height = cursor.u16();
    header.width = cursor.u16();
    const int components = cursor.u8();
    if (components != 1 && components != 3 && components != 4)
      return unsupported(fmt::format("JPEG file has {} components, needs 1, 3 or 4", components));
    header.channels = components == 1 ? 1 : 3;
    header.cmyk = components == 4;
    header.orientation = exif_orientation(read_attachments(input, Format::jpeg).exif);
    return header;
  }
  return bad_input("JPEG file is damaged: no frame header before the scan");
}

Result<Header> png_header(const Input& input) {
  const Result<std::vector<Segment>> chunks = png_chunks(input, true);
  if (!chunks) return chunks.error();
  Cursor cursor(input, chunks.value().front().body);
  Header header{Format::png};
  header.width = static_cast<int>(std::min<std::uint32_t>(cursor.u32(), 1u << 30));
  header.height = static_cast<int>(std::min<std::uint32_t>(cursor.u32(), 1u << 30));
  const int bits = cursor.u8(), colour = cursor.u8();
  const bool see_through = std::any_of(chunks.value().begin(), chunks.value().end(),
                                       [](const Segment& chunk) { return chunk.type == "tRNS"; });
  header.element_bytes = bits == 16 ? 2 : 1;
  header.channels = colour >= 4 || see_through ? 4 : colour == 0 ? 1 : 3;
  header.orientation = exif_orientation(read_attachments(input, Format::png).exif);
  return header;
}

Result<Header> bmp_header(const Input& input) {
  Cursor cursor(input, 10, false);
  Header header{Format::bmp};
  const std::uint64_t pixels = cursor.u32();
  const bool old = cursor.u32() == 12;  // OS/2 1.x: 16-bit extents
  const auto width = old ? cursor.u16() : static_cast<std::int32_t>(cursor.u32());
  const auto height = old ? cursor.u16() : static_cast<std::int32_t>(cursor.u32());
  cursor.skip(2);
  header.width = width;
  header.height = height < 0 ? -height : height;  // negative: stored top down
  const std::uint64_t bits = cursor.u16(), compression = old ? 0 : cursor.u32();
  if (cursor.failed()) return cut_off(Format::bmp, input);
  header.channels = bits == 32 ? 4 : 3;
  const std::uint64_t row = (static_cast<std::uint64_t>(std::max(0, header.width)) * bits + 31) / 32 * 4;
  if (compression == 0 || compression == 3)
    header.needed_bytes = pixels + row * static_cast<std::uint64_t>(std::max(0, header.height));
  return header;
}

/// The whitespace-separated words of a PNM or PFM header, comments left out, then one whitespace and the pixels.
Result<Header> pnm_header(const Input& input, int kind) {
  const std::vector<std::uint8_t> bytes = input.slice(2, 4096);
  const int wanted = kind == '1' || kind == '4' ? 2 : 3;
  std::vector<std::string> words(1);
  std::size_t i = 0;
  for (; i < bytes.size() && static_cast<int>(words.size()) <= wanted; ++i) {
    if (bytes[i] == '#')
      while (i < bytes.size() && bytes[i] != '\n') ++i;
    else if (!std::isspace(bytes[i]))
      words.back() += static_cast<char>(bytes[i]);
    if (i < bytes.size() && std::isspace(bytes[i]) && !words.back().empty()) words.emplace_back();
  }
  const bool is_float = kind == 'F' || kind == 'f';
  Header header{is_float ? Format::pfm : Format::pnm};
  if (static_cast<int>(words.size()) <= wanted) return cut_off(header.format, input);
  const auto number = [](const std::string& word) {
    if (word.size() <= 9) return std::atoi(word.c_str());
    return std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c); }) ? 1 << 30 : 0;
  };
  header.width = number(words[0]);
  header.height = number(words[1]);
  header.channels = kind == '3' || kind == '6' || kind == 'F' ? 3 : 1;
  header.element_bytes = is_float ? 4 : wanted == 3 && number(words[2]) > 255 ? 2 : 1;
  const bool as_text = kind >= '1' && kind <= '3';
  // OpenCV scales text of 8 bit to 0..255 and nothing else.
  if (const int white = wanted == 3 && !is_float ? number(words[2]) : 0; white > 0 && (!as_text || white > 255))
    header.white = white;
  const auto width = static_cast<std::uint64_t>(std::max(0, header.width)),
             height = static_cast<std::uint64_t>(std::max(0, header.height));
  const std::uint64_t samples = width * static_cast<std::uint64_t>(header.channels);
  // Numbers written as text take at least a digit each, and whitespace between them.
  const std::uint64_t row = kind == '4'   ? (width + 7) / 8
                            : kind == '1' ? width
                            : as_text     ? 2 * samples
                                          : samples * header.element_bytes;
  header.needed_bytes = 2 + i + row * height - (kind == '2' || kind == '3' ? 1 : 0);
  return header;
}

Result<Header> tiff_header(const Input& input) {
  const Result<TiffDirectory> read = read_tiff_directory(input);
  if (!read) return read.error();
  const TiffDirectory& directory = read.value();
  Header header{Format::tiff};
  const auto extent = [&](int tag) {
    return static_cast<int>(std::min<std::uint64_t>(directory.value(input, tag, 0), 1u << 30));
  };
  header.width = extent(256);
  header.height = extent(257);
  const std::uint64_t bits = directory.value(input, 258, 1), samples = directory.value(input, 277, 1);
  const std::uint64_t meaning = directory.value(input, 262, 1);
  const bool log_luv = meaning == 32844 || meaning == 32845;  // 16-bit codes that decode to floats
  header.element_bytes = bits <= 8 ? 1 : bits <= 16 && !log_luv ? 2 : 4;
  const bool gray_with_alpha = samples == 2 && meaning <= 1;
  header.channels = samples >= 4 || gray_with_alpha ? 4 : samples == 3 || meaning == 3 ? 3 : 1;  // 3: palette
  const std::uint64_t orientation = directory.value(input, 274, 1);
  if (orientation >= 1 && orientation <= 8) header.orientation = static_cast<int>(orientation);
  return header;
}

Result<Header> webp_header(const Input& input) {
  const Result<std::vector<Segment>> chunks = webp_chunks(input);
  if (!chunks) return chunks.error();
  Header header{Format::webp};
  header.channels = 3;
  for (const Segment& chunk : chunks.value()) {
    Cursor cursor(input, chunk.body, false);
    if (chunk.type == "VP8X") {
      header.channels = cursor.u32() & 0x10 ? 4 : 3;
      header.width = static_cast<int>(cursor.number(3)) + 1;
      header.height = static_cast<int>(cursor.number(3)) + 1;
      break;
    }
    if (chunk.type == "VP8 ") {
      cursor.skip(6);
      header.width = cursor.u16() & 0x3fff;
      header.height = cursor.u16() & 0x3fff;
      break;
    }
    if (chunk.type == "VP8L") {
      cursor.skip(1);
      const std::uint32_t packed = cursor.u32();
      header.width = static_cast<int>(packed & 0x3fff) + 1;
      header.height = static_cast<int>(packed >> 14 & 0x3fff) + 1;
      header.channels = packed >> 28 & 1 ? 4 : 3;
      break;
    }
  }
  header.orientation = exif_orientation(read_attachments(input, Format::webp).exif);
  return header;
}

Result<Header> hdr_header(const Input& input) {
  const std::vector<std::uint8_t> bytes = input.slice(0, 8192);
  const std::string text(bytes.begin(), bytes.end());
  Header header{Format::hdr};
  header.channels = 3;
  header.element_bytes = 4;
  const std::size_t line = text.find("\n-Y ");
  if (line == std::string::npos ||
      std::sscanf(text.c_str() + line, "\n-Y %9d +X %9d", &header.height, &header.width) != 2)
    return unsupported("hdr file has no line \"-Y height +X width\"");
  return header;
}

Result<Header> dispatch(const Input& input, std::string_view extension) {
  std::uint8_t head[12] = {};
  const bool long_enough = input.read(0, head);
  if (!long_enough) input.read(0, std::span(head).first(std::min<std::size_t>(input.size(), sizeof head)));
  const std::string_view text(reinterpret_cast<const char*>(head), sizeof head);
  if (text.starts_with("\xff\xd8")) return jpeg_header(input);
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return png_header(input);
  if (text.starts_with("BM")) return bmp_header(input);
  if (text[0] == 'P' && text[1] >= '1' && text[1] <= '6' && std::isspace(head[2])) return pnm_header(input, text[1]);
  if ((text.starts_with("PF") || text.starts_with("Pf")) && std::isspace(head[2])) return pnm_header(input, text[1]);
  const auto& unread = foreign_extensions();
  const bool foreign = std::find(unread.begin(), unread.end(), extension) != unread.end();
  const bool tiff = text.starts_with(std::string_view("II*\0", 4)) || text.starts_with(std::string_view("MM\0*", 4)) ||
                    text.starts_with(std::string_view("II+\0", 4)) || text.starts_with(std::string_view("MM\0+", 4));
  if (tiff && !foreign) return tiff_header(input);  // raw files begin like TIFF and have a thumbnail in its place
  if (text.starts_with("RIFF") && text.substr(8, 4) == "WEBP") return webp_header(input);
  if (text.starts_with("#?RADIANCE") || text.starts_with("#?RGBE")) return hdr_header(input);
  if (foreign)
    return unsupported(
        fmt::format("{} files are not read; convert them, for example to png, or say with `extensions` "
                    "which files to take",
                    extension));
  const auto& read = known_extensions();
  std::string wanted(std::find(read.begin(), read.end(), extension) != read.end() ? extension : "");
  std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](unsigned char c) { return std::toupper(c); });
  return bad_input(
      fmt::format("is not a {}picture: begins with {}", wanted.empty() ? "" : wanted + " ", beginning(input)));
}

}  // namespace

const char* to_string(Format format) {
  switch (format) {
    case Format::jpeg: return "jpeg";
    case Format::png: return "png";
    case Format::bmp: return "bmp";
    case Format::pnm: return "pnm";
    case Format::pfm: return "pfm";
    case Format::tiff: return "tiff";
    case Format::webp: return "webp";
    case Format::hdr: return "hdr";
  }
  return "?";
}

Result<Header> read_header(const Input& input, std::string_view extension) {
  Result<Header> header = dispatch(input, extension);
  if (header && (header->width <= 0 || header->height <= 0))
    return bad_input(fmt::format("{} header is damaged: the size is {}x{}", to_string(header->format), header->width,
                                 header->height));
  if (header && header->needed_bytes > input.size())
    return bad_input(fmt::format("{} file is cut off: it has {} bytes, a picture of {}x{} needs {}",
                                 to_string(header->format), input.size(), header->width, header->height,
                                 header->needed_bytes));
  return header;
}

const std::vector<std::string>& known_extensions() {
  static const std::vector<std::string> extensions{"jpg",  "jpeg", "jpe", "png", "bmp", "dib", "tif", "tiff",
                                                   "webp", "pgm",  "ppm", "pbm", "pnm", "pfm", "hdr"};
  return extensions;
}

const std::vector<std::string>& foreign_extensions() {
  static const std::vector<std::string> extensions{"heic", "heif", "avif", "jxl", "jp2", "j2k", "gif",
                                                   "exr",  "psd",  "tga",  "dng", "cr2", "cr3", "nef",
                                                   "arw",  "orf",  "rw2",  "raf", "pef", "srw"};
  return extensions;
}

}  // namespace latentflow::io

// metadata.cpp: reading EXIF and ICC blocks; see metadata.h.
#include "metadata.h"

#include <zlib.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "segments.h"
#include "tiff_file.h"

namespace latentflow::io {
namespace {

constexpr std::string_view exif_mark{"Exif\0\0", 6}, icc_mark{"ICC_PROFILE\0", 12};
constexpr std::size_t largest_profile = 64u << 20;  // guards against inflating bombs; real profiles are below 4 MB

bool begins_with(const std::vector<std::uint8_t>& bytes, std::string_view mark) {
  return bytes.size() >= mark.size() && std::equal(mark.begin(), mark.end(), bytes.begin(), [](char a, std::uint8_t b) {
           return static_cast<std::uint8_t>(a) == b;
         });
}

void drop_front(std::vector<std::uint8_t>& bytes, std::size_t count) {
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(count, bytes.size())));
}

Attachments from_jpeg(const Input& input) {
  Attachments found;
  const Result<std::vector<Segment>> segments = jpeg_segments(input);
  if (!segments) return found;
  std::map<int, std::vector<std::uint8_t>> profile;  // by sequence number
  for (const Segment& segment : segments.value()) {
    const int marker = static_cast<std::uint8_t>(segment.type[0]);
    if (marker != 0xe1 && marker != 0xe2) continue;
    std::vector<std::uint8_t> body = input.slice(segment.body, segment.size);
    if (marker == 0xe1 && found.exif.empty() && begins_with(body, exif_mark)) {
      drop_front(body, exif_mark.size());
      found.exif = std::move(body);
    } else if (marker == 0xe2 && begins_with(body, icc_mark) && body.size() > icc_mark.size() + 2) {
      const int number = body[icc_mark.size()];
      drop_front(body, icc_mark.size() + 2);
      profile.emplace(number, std::move(body));
    }
  }
  for (const auto& [number, part] : profile) found.icc.insert(found.icc.end(), part.begin(), part.end());
  return found;
}

/// iCCP body: name, 0, compression method 0, zlib stream.
std::vector<std::uint8_t> inflate_profile(const std::vector<std::uint8_t>& body) {
  const auto end_of_name = std::find(body.begin(), body.end(), 0);
  if (body.end() - end_of_name < 3) return {};
  z_stream stream{};
  if (::inflateInit(&stream) != Z_OK) return {};
  stream.next_in = const_cast<Bytef*>(&*end_of_name + 2);
  stream.avail_in = static_cast<uInt>(body.end() - end_of_name - 2);
  std::vector<std::uint8_t> profile;
  int state = Z_OK;
  while (state == Z_OK && profile.size() < largest_profile) {
    const std::size_t filled = profile.size();
    profile.resize(filled + (64u << 10));
    stream.next_out = profile.data() + filled;
    stream.avail_out = 64u << 10;
    state = ::inflate(&stream, Z_NO_FLUSH);
    profile.resize(profile.size() - stream.avail_out);
  }
  ::inflateEnd(&stream);
  if (state != Z_STREAM_END) profile.clear();
  return profile;
}

Attachments from_png(const Input& input) {
  Attachments found;
  const Result<std::vector<Segment>> chunks = png_chunks(input, false);
  if (!chunks) return found;
  for (const Segment& chunk : chunks.value()) {
    if (chunk.type == "eXIf") found.exif = input.slice(chunk.body, chunk.size);
    if (chunk.type == "iCCP") found.icc = inflate_profile(input.slice(chunk.body, chunk.size));
  }
  return found;
}

Attachments from_webp(const Input& input) {
  Attachments found;
  const Result<std::vector<Segment>> chunks = webp_chunks(input);
  if (!chunks) return found;
  for (const Segment& chunk : chunks.value()) {
    if (chunk.type == "EXIF") found.exif = input.slice(chunk.body, chunk.size);
    if (chunk.type == "ICCP") found.icc = input.slice(chunk.body, chunk.size);
  }
  if (begins_with(found.exif, exif_mark)) drop_front(found.exif, exif_mark.size());
  return found;
}

Attachments from_tiff(const Input& input) {
  constexpr int tag_make = 0x010f, tag_model = 0x0110, tag_exif = 0x8769, tag_gps = 0x8825;
  Attachments found;
  const Result<TiffDirectory> directory = read_tiff_directory(input);
  if (!directory) return found;
  for (const int tag : {tag_make, tag_model, tag_exif, tag_gps}) found.unread = found.unread || directory->has(tag);
  if (directory->has(tag_icc)) {
    const TiffEntry& entry = directory->entries.at(tag_icc);
    found.icc = input.slice(entry.offset, std::min<std::uint64_t>(entry.count, largest_profile));
  }
  return found;
}

}  // namespace

Attachments read_attachments(const Input& input, Format format) {
  Attachments found;
  switch (format) {
    case Format::jpeg: found = from_jpeg(input); break;
    case Format::png: found = from_png(input); break;
    case Format::webp: found = from_webp(input); break;
    case Format::tiff: found = from_tiff(input); break;
    default: break;
  }
  if (!begins_with(found.exif, "II") && !begins_with(found.exif, "MM")) found.exif.clear();
  if (found.icc.size() < 128) found.icc.clear();  // the fixed head of a profile
  return found;
}

int icc_channels(ByteSpan icc) {
  if (icc.size() < 20) return 0;
  const std::string_view space(reinterpret_cast<const char*>(icc.data()) + 16, 4);
  return space == "GRAY" ? 1 : space == "RGB " ? 3 : space == "CMYK" ? 4 : 0;
}

}  // namespace latentflow::io

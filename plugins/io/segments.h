// segments.h: the parts that JPEG, PNG and WebP files are made of, for reading headers, EXIF and ICC, and for strict
// checks.
//
//   JPEG   FF D8, then segments FF marker, length (2 bytes, big endian, itself included), body; pixels follow FF DA
//   PNG    8 bytes signature, then chunks length (4, big endian), type (4 letters), body, CRC-32 of type and body
//   WebP   "RIFF" size (4, little endian) "WEBP", then chunks type (4 letters), size (4, little endian), body, even
//   padding
#pragma once

#include <string>

#include "input.h"

namespace latentflow::io {

/// One part of a file: bytes [body, body + size) of it.
struct Segment {
  std::string type;         ///< JPEG: one byte, the marker; otherwise four letters
  std::uint64_t start = 0;  ///< of the whole segment, with its own head
  std::uint64_t body = 0;
  std::uint64_t size = 0;  ///< of the body
  std::uint64_t end = 0;   ///< of the whole segment
};

/// The segments before the pixels, the start of scan (DA) last. Fails where the file ends before a scan.
Result<std::vector<Segment>> jpeg_segments(const Input& input);

/// All chunks up to IEND, or up to the first IDAT for `header_only`. Fails where the file is cut off.
Result<std::vector<Segment>> png_chunks(const Input& input, bool header_only);

/// All chunks. Fails where the file is cut off.
Result<std::vector<Segment>> webp_chunks(const Input& input);

/// Compares the checksums of all chunks.
Status check_png(ByteSpan file, const std::vector<Segment>& chunks);

}  // namespace latentflow::io

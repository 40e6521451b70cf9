// header.h: what a picture file says about itself before anything is decoded: format, size, channels, depth.
#pragma once

#include <string_view>

#include "input.h"

namespace latentflow::io {

enum class Format { jpeg, png, bmp, pnm, pfm, tiff, webp, hdr };

/// The lower-case word for a format: "jpeg".
const char* to_string(Format format);

/// Facts of the picture as decoding delivers it, before the EXIF orientation is applied.
struct Header {
  Format format = Format::png;
  int width = 0, height = 0;
  int channels = 0;                ///< 1, 3 or 4
  std::size_t element_bytes = 1;   ///< 1, 2 or 4 (float)
  int orientation = 1;             ///< EXIF 0x0112, 1 to 8
  std::uint64_t needed_bytes = 0;  ///< size of a whole file, where the header tells (bmp, pnm, pfm); 0 otherwise
  int white = 0;                   ///< PNM: the sample that means white, if decoding does not see to it; 0 otherwise
  bool cmyk = false;               ///< JPEG with four ink channels; decodes to 3 channels

  bool turned() const { return orientation >= 5; }  ///< orientation exchanges width and height
};

/// Recognises the format by content (never by name) and reads the header; no pixels. Errors: not a picture, cut off,
/// or a kind that cannot be decoded. `extension` ("png", lower case, may be empty) only words the message.
Result<Header> read_header(const Input& input, std::string_view extension);

/// Extensions (lower case, without dot) of the formats read here.
const std::vector<std::string>& known_extensions();

/// Extensions of well-known picture formats that are not read. Such files are listed all the same, so that they fail
/// with a reason instead of being left out without a word.
const std::vector<std::string>& foreign_extensions();

}  // namespace latentflow::io

// metadata.h: EXIF and ICC blocks in JPEG, PNG, WebP and TIFF files: reading them, and putting them into encoded files.
#pragma once

#include <string>

#include "header.h"

namespace latentflow::io {

/// Raw payloads: EXIF from its byte order mark on ("II" or "MM"), the ICC profile as such; empty if absent.
struct Attachments {
  std::vector<std::uint8_t> exif, icc;
  bool unread = false;  ///< the file has EXIF that is not read here
};

/// What the file carries; damaged blocks count as absent. TIFF: the profile only, because the entries of its EXIF lie
/// among those of the picture and point all over the file. Other formats carry nothing.
Attachments read_attachments(const Input& input, Format format);

/// An encoded file in pieces, to be written one after the other; what is new is owned, the rest refers to `encoded`.
struct Pieces {
  std::vector<std::vector<std::uint8_t>> owned;
  std::vector<ByteSpan> parts;
};

/// Puts the blocks into an encoded file as the formats prescribe (JPEG: APP1 and APP2 after the JFIF header; PNG: iCCP
/// and eXIf before the pixels; WebP: ICCP and EXIF in an extended file; TIFF: the profile as an entry of the
/// directory). Blocks that do not fit go into `dropped`, a phrase for a warning, for example "exif (70000 bytes, jpeg
/// holds 65527)".
Pieces attach(ByteSpan encoded, Format format, const Attachments& attachments, std::string& dropped);

/// Channels the profile is made for: 1, 3 or 4 (ink); 0 where it does not say.
int icc_channels(ByteSpan icc);

}  // namespace latentflow::io

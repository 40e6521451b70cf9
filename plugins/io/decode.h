// decode.h: file bytes to pixels.
#pragma once

#include <functional>

#include "header.h"
#include "latentflow/value.h"

namespace latentflow::io {

struct DecodeOptions {
  bool strict = true;                     ///< damaged pixel data is an error; otherwise decoded as far as possible
  std::function<bool()> cancelled;        ///< asked now and then; may be empty
  std::function<void(std::string)> warn;  ///< harmless irregularities; may be empty
};

/// The pixels as stored (1, 3 or 4 channels, 8U, 16U or 32F; BGR order), orientation not applied. Never throws.
/// `path` is read again for formats that OpenCV decodes only from files (pfm, hdr).
Result<cv::Mat> decode(ByteSpan file, const Header& header, const Path& path, const DecodeOptions& options);

/// The JPEG part of it, through libjpeg: OpenCV would neither report damaged data nor respect uninverted CMYK.
Result<cv::Mat> decode_jpeg(ByteSpan file, const DecodeOptions& options);

/// The PNG part of it, through libpng. Checksums are not compared.
Result<cv::Mat> decode_png(ByteSpan file, const DecodeOptions& options);

/// The TIFF part of it, through libtiff: OpenCV delivers what is damaged as black, multiplies colours by their alpha
/// and drops that of grey pictures. Empty for a file whose strips and tiles are sound, but whose samples (palettes,
/// YCbCr, floats, planes, other than 8 and 16 bits) are left to OpenCV.
Result<cv::Mat> decode_tiff(ByteSpan file, const DecodeOptions& options);

/// Turns and mirrors a picture so that it stands upright; EXIF orientation 1 to 8 (TIFF 6.0, tag 274).
cv::Mat upright(const cv::Mat& picture, int orientation);

}  // namespace latentflow::io

// decode.h: file bytes to pixels.
#pragma once

#include "codecs/decode.h"
#include "header.h"
#include "latentflow/value.h"

namespace latentflow::io {

using codecs::DecodeOptions;

/// The pixels as stored (1, 3 or 4 channels, 8U, 16U or 32F; BGR order), orientation not applied. Never throws.
/// `path` is read again for formats that OpenCV decodes only from files (pfm, hdr).
Result<cv::Mat> decode(ByteSpan file, const Header& header, const Path& path, const DecodeOptions& options);

/// The PNG part of it (that of JPEG is codecs::decode_jpeg()), through libpng. Checksums are not compared.
Result<cv::Mat> decode_png(ByteSpan file, const DecodeOptions& options);

/// The TIFF part of it, through libtiff: OpenCV delivers what is damaged as black, multiplies colours by their alpha
/// and drops that of grey pictures. Empty for a file whose strips and tiles are sound, but whose samples (palettes,
/// YCbCr, floats, planes, other than 8 and 16 bits) are left to OpenCV.
Result<cv::Mat> decode_tiff(ByteSpan file, const DecodeOptions& options);

/// Turns and mirrors a picture so that it stands upright; EXIF orientation 1 to 8 (TIFF 6.0, tag 274).
cv::Mat upright(const cv::Mat& picture, int orientation);

}  // namespace latentflow::io

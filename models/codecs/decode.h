// decode.h: JPEG files in memory to pictures, through libjpeg: OpenCV would neither report damaged data nor respect
// uninverted CMYK.
#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core/mat.hpp>
#include <span>
#include <string>

#include "latentflow/result.h"

namespace latentflow::codecs {

struct DecodeOptions {
  bool strict = true;                     ///< damaged pixel data is an error; otherwise decoded as far as possible
  std::function<bool()> cancelled;        ///< asked now and then; may be empty
  std::function<void(std::string)> warn;  ///< harmless irregularities; may be empty
};

/// The pixels as stored: 1 or 3 (BGR, also of CMYK files) channels of 8 bits, orientation not applied.
/// Errors: bad_input with libjpeg's reason, cancelled, out_of_memory.
Result<cv::Mat> decode_jpeg(std::span<const std::uint8_t> file, const DecodeOptions& options);

}  // namespace latentflow::codecs

// encode.h: pixels to file bytes, with depth and channels changed to what the format can hold.
#pragma once

#include <string>

#include "header.h"
#include "latentflow/value.h"

namespace latentflow::io {

struct EncodeOptions {
  int jpeg_quality = 95;
  int png_compression = 1;
  int webp_quality = 95;
  std::string depth = "keep";  ///< keep, 8, 16 or float
  bool was_deep =
      false;  ///< the source file had more than 8 bits: float pictures become 16 bit where float cannot be kept
};

/// The format of an extension (lower case, without dot); an error names those that can be written.
Result<Format> format_to_write(const std::string& extension);

/// The picture in samples and channels that the format holds, rounded; what had to be given up that the user may care
/// about is appended to `warnings`. Errors: bad_input for NaN and infinity where the format or the depth has none.
Result<cv::Mat> fit_to_format(const Image& image, Format format, const EncodeOptions& options,
                              std::vector<std::string>& warnings);

/// Whether pixels change even where depth and channels fit.
bool is_lossy(Format format, const EncodeOptions& options);

/// The complete file. `extension` chooses among spellings of one format ("pgm", "ppm"). Never throws.
Result<std::vector<std::uint8_t>> encode(const cv::Mat& picture, const std::string& extension,
                                         const EncodeOptions& options);

}  // namespace latentflow::io

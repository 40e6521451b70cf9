// through_jpeg.cpp: see through_jpeg.h.
#include "through_jpeg.h"

#include "decode.h"

namespace latentflow::codecs {

Result<cv::Mat> through_jpeg(const cv::Mat& picture, int quality, Chroma chroma) {
  const Result<std::vector<std::uint8_t>> file = encode_jpeg(picture, quality, chroma);
  if (!file) return file.error();
  return decode_jpeg(*file, {});
}

}  // namespace latentflow::codecs

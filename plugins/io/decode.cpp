// decode.cpp: see decode.h.
#include "decode.h"

#include <fmt/format.h>

#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "codecs/opencv_codecs.h"
#include "segments.h"

namespace latentflow::io {
namespace {

/// OpenCV's result in the layouts that Image promises.
Result<cv::Mat> usual_layout(cv::Mat picture) {
  if (picture.channels() == 2) {
    cv::Mat bgra(picture.size(), CV_MAKETYPE(picture.depth(), 4));
    cv::mixChannels({picture}, {bgra}, {0, 0, 0, 1, 0, 2, 1, 3});
    picture = bgra;
  }
  if (picture.channels() != 1 && picture.channels() != 3 && picture.channels() != 4)
    return unsupported(fmt::format("picture has {} channels, needs 1, 3 or 4", picture.channels()));
  if (picture.depth() == CV_64F) picture.convertTo(picture, CV_32F);
  if (picture.depth() != CV_8U && picture.depth() != CV_16U && picture.depth() != CV_32F)
    return unsupported(fmt::format("picture has samples of type {}, needs 8 or 16 bit unsigned or float",
                                   cv::depthToString(picture.depth())));
  return picture;
}

Result<cv::Mat> by_opencv(ByteSpan file, const Header& header, const Path& path) {
  if (file.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return unsupported(fmt::format("file has {} bytes, {} files of up to 2147483647 can be decoded", file.size(),
                                   to_string(header.format)));
  const Result<const codecs::OpencvCodecs*> opencv = codecs::opencv_codecs();
  if (!opencv) return opencv.error();
  cv::Mat picture;
  if (header.format == Format::pfm || header.format == Format::hdr)
    picture = (*opencv)->read(path.string(), cv::IMREAD_UNCHANGED);
  else
    picture = (*opencv)->decode(
        cv::Mat(1, static_cast<int>(file.size()), CV_8U, const_cast<std::uint8_t*>(file.data())), cv::IMREAD_UNCHANGED);
  if (picture.empty())
    return bad_input(fmt::format("{} file is damaged: its pixels cannot be decoded", to_string(header.format)));
  // OpenCV turns TIFF pictures while it decodes them, whether that is wanted or not; a quarter turn is undone by the
  // other.
  if (header.format == Format::tiff)
    picture = upright(picture, header.orientation == 6 ? 8 : header.orientation == 8 ? 6 : header.orientation);
  // Only PNM may say that white is less than the type holds.
  const double full = picture.depth() == CV_8U ? 255 : 65535;
  if (header.white > 0 && header.white < full) picture.convertTo(picture, -1, full / header.white);
  return usual_layout(std::move(picture));
}

}  // namespace

Result<cv::Mat> decode(ByteSpan file, const Header& header, const Path& path, const DecodeOptions& options) {
  if (header.format == Format::jpeg) return codecs::decode_jpeg(file, options);
  try {
    if (header.format == Format::png) {
      const Result<std::vector<Segment>> chunks = png_chunks(Input(file), false);
      const Status sound = chunks ? check_png(file, *chunks) : chunks.error();
      if (!sound && options.strict) return sound.error();
      if (!chunks && options.warn) options.warn(chunks.error().message);
      return decode_png(file, options);
    }
    if (header.format == Format::tiff) {
      Result<cv::Mat> picture = decode_tiff(file, options);
      if (!picture) return picture;
      if (!picture->empty()) return usual_layout(std::move(*picture));
    }
    return by_opencv(file, header, path);
  } catch (const std::bad_alloc&) {
    return out_of_memory("no memory for the decoded picture");
  } catch (const cv::Exception& caught) {
    if (caught.code == cv::Error::StsNoMem) return out_of_memory("no memory for the decoded picture");
    return bad_input(fmt::format("{} file cannot be decoded: {}", to_string(header.format), caught.err));
  }
}

cv::Mat upright(const cv::Mat& picture, int orientation) {
  cv::Mat turned;
  switch (orientation) {
    case 2: cv::flip(picture, turned, 1); return turned;
    case 3: cv::flip(picture, turned, -1); return turned;
    case 4: cv::flip(picture, turned, 0); return turned;
    case 5: cv::transpose(picture, turned); return turned;
    case 6: cv::rotate(picture, turned, cv::ROTATE_90_CLOCKWISE); return turned;
    case 7: cv::transpose(picture, turned), cv::flip(turned, turned, -1); return turned;
    case 8: cv::rotate(picture, turned, cv::ROTATE_90_COUNTERCLOCKWISE); return turned;
    default: return picture;
  }
}

}  // namespace latentflow::io

// encode.cpp: see encode.h.
#include "encode.h"

#include <fmt/format.h>

#include <array>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "codecs/encode.h"
#include "codecs/opencv_codecs.h"
#include "latentflow/finite.h"

namespace latentflow::io {
namespace {

/// What a format can hold.
struct Capacity {
  bool deep, real, alpha, gray, color;
};

Capacity capacity(Format format) {
  switch (format) {
    case Format::jpeg: return {false, false, false, true, true};
    case Format::png: return {true, false, true, true, true};
    case Format::bmp: return {false, false, true, true, true};
    case Format::pnm: return {true, false, false, true, true};
    case Format::pfm: return {false, true, false, true, true};
    case Format::tiff: return {true, true, true, true, true};
    case Format::webp: return {false, false, true, false, true};
    case Format::hdr: return {false, true, false, false, true};
  }
  return {};
}

int depth_for(const Image& image, const Capacity& holds, const EncodeOptions& options) {
  const int wanted = options.depth == "8"       ? CV_8U
                     : options.depth == "16"    ? CV_16U
                     : options.depth == "float" ? CV_32F
                                                : image.depth();
  if (holds.real && !holds.deep) return CV_32F;  // pfm and hdr hold nothing else
  if (wanted == CV_32F && !holds.real)
    return holds.deep && (options.was_deep || options.depth == "float") ? CV_16U : CV_8U;
  if (wanted == CV_16U && !holds.deep) return CV_8U;
  return wanted;
}

double white(int depth) { return depth == CV_8U ? 255.0 : depth == CV_16U ? 65535.0 : 1.0; }

/// PFM (Debevec): "PF" or "Pf", size, scale (negative: little endian), rows from the bottom up, R G B order.
std::vector<std::uint8_t> encode_pfm(const cv::Mat& picture) {
  const int channels = picture.channels();
  const std::string head = fmt::format("{}\n{} {}\n-1.0\n", channels == 3 ? "PF" : "Pf", picture.cols, picture.rows);
  const std::size_t row_bytes =
      static_cast<std::size_t>(picture.cols) * static_cast<std::size_t>(channels) * sizeof(float);
  std::vector<std::uint8_t> file(head.size() + row_bytes * static_cast<std::size_t>(picture.rows));
  std::copy(head.begin(), head.end(), file.begin());
  std::uint8_t* target = file.data() + head.size();
  for (int y = picture.rows - 1; y >= 0; --y, target += row_bytes) {
    cv::Mat row(1, picture.cols, picture.type(), target);
    if (channels == 3)
      cv::cvtColor(picture.row(y), row, cv::COLOR_BGR2RGB);
    else
      picture.row(y).copyTo(row);
  }
  return file;
}

}  // namespace

Result<Format> format_to_write(const std::string& extension) {
  static const std::array<std::pair<const char*, Format>, 13> formats{{{"jpg", Format::jpeg},
                                                                       {"jpeg", Format::jpeg},
                                                                       {"jpe", Format::jpeg},
                                                                       {"png", Format::png},
                                                                       {"bmp", Format::bmp},
                                                                       {"dib", Format::bmp},
                                                                       {"tif", Format::tiff},
                                                                       {"tiff", Format::tiff},
                                                                       {"webp", Format::webp},
                                                                       {"pgm", Format::pnm},
                                                                       {"ppm", Format::pnm},
                                                                       {"pfm", Format::pfm},
                                                                       {"hdr", Format::hdr}}};
  std::string known;
  for (const auto& [word, format] : formats) {
    if (extension == word) return format;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
  }
  return unsupported(fmt::format("files of type '{}' cannot be written, allowed: {}", extension, known));
}

Result<cv::Mat> fit_to_format(const Image& image, Format format, const EncodeOptions& options,
                              std::vector<std::string>& warnings) {
  const Capacity holds = capacity(format);
  const int depth = depth_for(image, holds, options);
  cv::Mat picture = image.mat();
  if (picture.channels() == 4 && !holds.alpha) {
    cv::Mat opaque;
    cv::cvtColor(picture, opaque, cv::COLOR_BGRA2BGR);
    picture = opaque;
    warnings.push_back(fmt::format("alpha dropped: {} files have none", to_string(format)));
  }
  // Radiance files are floats whose colours share an exponent, which has no place for NaN and infinity.
  if (depth != CV_32F || format == Format::hdr)
    if (Status finite = check_finite(Image(picture)); !finite) return finite.error();
  if (picture.channels() == 1 && !holds.gray) {
    cv::Mat color;
    cv::cvtColor(picture, color, cv::COLOR_GRAY2BGR);
    picture = color;
  }
  if (depth != picture.depth()) {
    if (depth == CV_8U && picture.depth() == CV_16U && options.depth == "keep")
      warnings.push_back(fmt::format("16 bit rounded to 8: {} files hold no more", to_string(format)));
    cv::Mat converted;
    picture.convertTo(converted, depth, white(depth) / white(picture.depth()));
    picture = converted;
  }
  return picture;
}

bool is_lossy(Format format, const EncodeOptions& options) {
  return format == Format::jpeg || format == Format::hdr || (format == Format::webp && options.webp_quality <= 100);
}

Result<std::vector<std::uint8_t>> encode(const cv::Mat& picture, const std::string& extension,
                                         const EncodeOptions& options) {
  try {
    if (extension == "pfm") return encode_pfm(picture);
    if (extension == "png")
      return codecs::encode_png(picture,
                                options.png_compression == 1 ? std::nullopt : std::optional(options.png_compression));
    if (extension.starts_with("jp")) return codecs::encode_jpeg(picture, options.jpeg_quality);
    constexpr int lzw = 5;      // lossless for every depth; OpenCV would store float colours as 16-bit LogLuv
    std::vector<int> settings;  // OpenCV refuses settings of other formats here and there
    if (extension == "webp") settings = {cv::IMWRITE_WEBP_QUALITY, options.webp_quality};
    if (extension.starts_with("tif")) settings = {cv::IMWRITE_TIFF_COMPRESSION, lzw};
    // The family of PNM files is told apart by channels, not by the name a user may have given.
    const bool pnm = extension == "pgm" || extension == "ppm";
    const std::string name = pnm ? (picture.channels() == 1 ? ".pgm" : ".ppm") : "." + extension;
    const Result<const codecs::OpencvCodecs*> opencv = codecs::opencv_codecs();
    if (!opencv) return opencv.error();
    std::vector<std::uint8_t> file;
    if (!(*opencv)->encode(name, picture, file, settings))
      return io_error(fmt::format("a picture of {}x{} cannot be encoded as {}", picture.cols, picture.rows, extension));
    return file;
  } catch (const std::bad_alloc&) {
    return out_of_memory("no memory for the encoded picture");
  } catch (const cv::Exception& caught) {
    return io_error(fmt::format("a picture of {}x{} cannot be encoded as {}: {}", picture.cols, picture.rows, extension,
                                caught.err));
  }
}

}  // namespace latentflow::io

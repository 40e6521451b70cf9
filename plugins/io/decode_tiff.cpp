// decode_tiff.cpp: strips and tiles of TIFF files through libtiff; see decode.h.
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "decode.h"

namespace latentflow::io {
namespace {

/// A file in memory as libtiff sees it, and the first thing it has to say about it.
struct MemoryFile {
  ByteSpan bytes;
  std::uint64_t position = 0;
  std::string complaint;
};

MemoryFile& file_of(thandle_t handle) { return *static_cast<MemoryFile*>(handle); }

tmsize_t read(thandle_t handle, void* target, tmsize_t size) {
  MemoryFile& file = file_of(handle);
  if (size < 0 || file.position >= file.bytes.size()) return 0;
  const std::size_t count = std::min(static_cast<std::size_t>(size), file.bytes.size() - file.position);
  std::memcpy(target, file.bytes.data() + file.position, count);
  file.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write(thandle_t, void*, tmsize_t) { return -1; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  MemoryFile& file = file_of(handle);
  const std::uint64_t from = whence == SEEK_CUR ? file.position : whence == SEEK_END ? file.bytes.size() : 0;
  return file.position = from + offset;
}

int close(thandle_t) { return 0; }
toff_t size(thandle_t handle) { return file_of(handle).bytes.size(); }

int remember(TIFF*, void* user_data, const char*, const char* format, va_list arguments) {
  std::string& complaint = static_cast<MemoryFile*>(user_data)->complaint;
  char text[256];
  if (complaint.empty() && std::vsnprintf(text, sizeof text, format, arguments) > 0) complaint = text;
  return 1;  // nothing goes to stderr
}

int ignore(TIFF*, void*, const char*, const char*, va_list) { return 1; }

using Tiff = std::unique_ptr<TIFF, void (*)(TIFF*)>;

Tiff open(MemoryFile& memory) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), remember, &memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore, nullptr);
  return {TIFFClientOpenExt("", "rm", &memory, read, write, seek, close, size, nullptr, nullptr, options.get()),
          TIFFClose};
}

std::uint16_t number(TIFF* tiff, std::uint32_t tag) {
  std::uint16_t value = 0;
  TIFFGetFieldDefaulted(tiff, tag, &value);
  return value;
}

/// The picture in the type that its samples have, pixel after pixel; empty for what only OpenCV knows how to convert.
cv::Mat plain_picture(TIFF* tiff) {
  std::uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width), TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  const int bits = number(tiff, TIFFTAG_BITSPERSAMPLE), samples = number(tiff, TIFFTAG_SAMPLESPERPIXEL),
            meaning = number(tiff, TIFFTAG_PHOTOMETRIC);
  const bool gray = meaning == PHOTOMETRIC_MINISBLACK || meaning == PHOTOMETRIC_MINISWHITE;
  const int colors = gray ? 1 : 3;
  if ((!gray && meaning != PHOTOMETRIC_RGB) || (bits != 8 && bits != 16) ||
      number(tiff, TIFFTAG_SAMPLEFORMAT) != SAMPLEFORMAT_UINT ||
      number(tiff, TIFFTAG_PLANARCONFIG) != PLANARCONFIG_CONTIG || (samples != colors && samples != colors + 1))
    return {};
  return cv::Mat::zeros(static_cast<int>(height), static_cast<int>(width),
                        CV_MAKETYPE(bits == 8 ? CV_8U : CV_16U, samples));
}

/// Strips are tiles as wide as the picture.
struct Part {
  cv::Rect place;
  std::size_t row_bytes;  ///< in the memory that libtiff fills
};

Part part_of(TIFF* tiff, std::uint32_t index, cv::Size picture) {
  if (!TIFFIsTiled(tiff)) {
    std::uint32_t rows = 0;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
    const std::int64_t first = std::int64_t{index} * rows;
    const std::int64_t count = std::min<std::int64_t>(rows, picture.height - first);
    return {{0, static_cast<int>(first), picture.width, static_cast<int>(std::max<std::int64_t>(count, 0))},
            static_cast<std::size_t>(TIFFScanlineSize(tiff))};
  }
  std::uint32_t width = 0, height = 0;
  TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width), TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
  const std::uint32_t across = (static_cast<std::uint32_t>(picture.width) + width - 1) / width;
  const cv::Rect whole(static_cast<int>(index % across * width), static_cast<int>(index / across * height),
                       static_cast<int>(width), static_cast<int>(height));
  return {whole & cv::Rect({0, 0}, picture), static_cast<std::size_t>(TIFFTileRowSize(tiff))};
}

/// The layouts that Image promises, from samples in the order of the file.
cv::Mat usual_order(cv::Mat picture, bool min_is_white) {
  if (min_is_white) {
    cv::Mat inverted = cv::Scalar::all(picture.depth() == CV_8U ? 255 : 65535) - picture;
    if (picture.channels() == 2) cv::mixChannels({picture}, {inverted}, {1, 1});
    picture = inverted;
  }
  if (picture.channels() == 3) cv::cvtColor(picture, picture, cv::COLOR_RGB2BGR);
  if (picture.channels() == 4) cv::cvtColor(picture, picture, cv::COLOR_RGBA2BGRA);
  return picture;
}

}  // namespace

Result<cv::Mat> decode_tiff(ByteSpan file, const DecodeOptions& options) {
  MemoryFile memory{file, 0, ""};
  const Tiff tiff = open(memory);
  const auto damaged = [&](const std::string& where) {
    return bad_input(fmt::format("tiff file is damaged{}: {} (decode: lenient takes what can be read of 8 and 16 bit)",
                                 where, memory.complaint.empty() ? "it cannot be read" : memory.complaint));
  };
  if (tiff == nullptr) return damaged("");
  const bool tiled = TIFFIsTiled(tiff.get()) != 0;
  const std::uint32_t parts = tiled ? TIFFNumberOfTiles(tiff.get()) : TIFFNumberOfStrips(tiff.get());
  const tmsize_t part_size = tiled ? TIFFTileSize(tiff.get()) : TIFFStripSize(tiff.get());
  if (part_size <= 0) return damaged("");
  if (const auto pictures = TIFFNumberOfDirectories(tiff.get()); pictures > 1 && options.warn)
    options.warn(fmt::format("file has {} pictures, the first one is taken", pictures));
  memory.complaint.clear();
  cv::Mat picture = plain_picture(tiff.get());
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(part_size));
  for (std::uint32_t index = 0; index < parts; ++index) {
    if (options.cancelled && options.cancelled()) return cancelled("stopped while decoding");
    memory.complaint.clear();
    const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff.get(), index, pixels.data(), part_size)
                               : TIFFReadEncodedStrip(tiff.get(), index, pixels.data(), part_size);
    // A decompressor that meets its end too early complains and still delivers.
    if (got < 0 || !memory.complaint.empty()) {
      const Error error = damaged(fmt::format(", {} {} of {}", tiled ? "tile" : "strip", index + 1, parts));
      if (options.strict) return error;
      if (options.warn) options.warn(error.message);
      if (got < 0) continue;
    }
    if (picture.empty()) continue;
    const Part part = part_of(tiff.get(), index, picture.size());
    const std::size_t row_bytes = static_cast<std::size_t>(part.place.width) * picture.elemSize();
    for (int y = 0; y < part.place.height; ++y) {
      const std::size_t from = static_cast<std::size_t>(y) * part.row_bytes;
      if (from + row_bytes > pixels.size()) break;
      std::memcpy(picture.ptr(part.place.y + y, part.place.x), pixels.data() + from, row_bytes);
    }
  }
  return picture.empty() ? picture
                         : usual_order(picture, number(tiff.get(), TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_MINISWHITE);
}

}  // namespace latentflow::io

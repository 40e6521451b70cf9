// encode_png.cpp: see encode.h.
#include <fmt/format.h>
#include <png.h>
#include <zlib.h>

#include <new>

#include "encode.h"
#include "png_failure.h"

namespace latentflow::codecs {
namespace {

void append(png_structp png, png_bytep bytes, png_size_t count) {
  auto& file = *static_cast<std::vector<std::uint8_t>*>(png_get_io_ptr(png));
  bool kept = true;
  try {
    file.insert(file.end(), bytes, bytes + count);
  } catch (...) { kept = false; }
  if (!kept) png_error(png, "no memory for the file");
}

void flush(png_structp) {}

/// No local with a destructor: longjmp runs none.
bool write_rows(png_structp png, png_infop info, PngFailure& failure, std::vector<std::uint8_t>& file,
                const cv::Mat& picture, const int* level) {
  if (setjmp(failure.back) != 0) return false;
  png_set_write_fn(png, &file, append, flush);
  if (level != nullptr) {
    png_set_compression_level(png, *level);
    png_set_compression_strategy(png, Z_DEFAULT_STRATEGY);
  } else {
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_compression_level(png, Z_BEST_SPEED);
    png_set_compression_strategy(png, Z_RLE);
  }
  const int channels = picture.channels(), bits = picture.depth() == CV_8U ? 8 : 16;
  const int colour = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
  png_set_IHDR(png, info, static_cast<png_uint_32>(picture.cols), static_cast<png_uint_32>(picture.rows), bits, colour,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  png_set_bgr(png);
  png_set_swap(png);  // big endian in the file
  for (int y = 0; y < picture.rows; ++y) png_write_row(png, picture.ptr(y));
  png_write_end(png, info);
  return true;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_png(const cv::Mat& picture, std::optional<int> level) {
  const bool fits = (picture.depth() == CV_8U || picture.depth() == CV_16U) && picture.channels() != 2 &&
                    picture.channels() <= 4 && !picture.empty();
  if (!fits)
    return unsupported(
        fmt::format("a picture of {}x{} with {} channels of {} cannot be written as PNG, which holds 1, 3 "
                    "or 4 channels of 8 or 16 bits",
                    picture.cols, picture.rows, picture.channels(), cv::depthToString(picture.depth())));
  std::vector<std::uint8_t> file;
  try {  // for the largest file there may be: growing copies it, and what is not written to is not resident
    file.reserve(picture.total() * picture.elemSize() * 65 / 64 + static_cast<std::size_t>(picture.rows) + (1 << 16));
  } catch (const std::bad_alloc&) {}  // append() says so if the file itself does not fit
  PngFailure failure{};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, fail, keep_quiet);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  const bool written = info != nullptr && write_rows(png, info, failure, file, picture, level ? &*level : nullptr);
  png_destroy_write_struct(&png, &info);
  if (info == nullptr && !written && failure.reason[0] == 0) return out_of_memory("no memory for the encoder of PNG");
  if (!written)
    return io_error(
        fmt::format("a picture of {}x{} cannot be written as PNG: {}", picture.cols, picture.rows, failure.reason));
  return file;
}

}  // namespace latentflow::codecs

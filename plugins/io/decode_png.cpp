// decode_png.cpp: PNG through libpng; see decode.h.
#include <fmt/format.h>
#include <png.h>

#include <cstring>
#include <opencv2/core.hpp>

#include "codecs/png_failure.h"
#include "decode.h"

namespace latentflow::io {
namespace {

enum class Outcome { decoded, damaged, cancelled, no_memory };

struct Session {
  ByteSpan rest;  ///< of the file
  codecs::PngFailure failure;
  bool rows_begun;  ///< what follows can be left out by those who take what there is
};

void take(png_structp png, png_bytep target, png_size_t count) {
  auto& session = *static_cast<Session*>(png_get_io_ptr(png));
  if (count > session.rest.size()) png_error(png, "the file is cut off");
  std::memcpy(target, session.rest.data(), count);
  session.rest = session.rest.subspan(count);
}

/// Grey stays grey and colours come as B, G, R; transparency of any kind makes it B, G, R, A.
void ask_for_bgr(png_structp png, png_infop info) {
  const int colour = png_get_color_type(png, info);
  const bool see_through = (colour & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  png_set_expand(png);  // palettes, fewer than 8 bits, one transparent colour
  if (see_through && (colour & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
  png_set_bgr(png);
  png_set_swap(png);  // big endian in the file
}

/// Everything between setjmp and longjmp; no local with a destructor.
Outcome read_rows(png_structp png, png_infop info, Session& session, const DecodeOptions& options, cv::Mat& out) {
  if (setjmp(session.failure.back) != 0) return Outcome::damaged;
  png_set_read_fn(png, &session, take);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // read_images has a limit of its own
  // Texts and profiles would be unpacked for nothing.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  // What lies in a piece that is cut off is lost, so pieces are small where anything helps.
  if (!options.strict) png_set_compression_buffer_size(png, 64);
  // Checksums have been compared before, if at all.
  png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
  png_read_info(png, info);
  ask_for_bgr(png, info);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const int height = static_cast<int>(png_get_image_height(png, info));
  try {
    out = cv::Mat::zeros(height, static_cast<int>(png_get_image_width(png, info)),
                         CV_MAKETYPE(png_get_bit_depth(png, info) == 16 ? CV_16U : CV_8U, png_get_channels(png, info)));
  } catch (...) { return Outcome::no_memory; }
  for (int pass = 0; pass < passes; ++pass)
    for (int y = 0; y < height; ++y) {
      if (y % 256 == 0 && options.cancelled && options.cancelled()) return Outcome::cancelled;
      png_read_row(png, out.ptr(y), nullptr);
      session.rows_begun = true;
    }
  png_read_end(png, nullptr);
  return Outcome::decoded;
}

}  // namespace

Result<cv::Mat> decode_png(ByteSpan file, const DecodeOptions& options) {
  Session session{file, {}, false};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &session.failure, codecs::fail, codecs::keep_quiet);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  cv::Mat pixels;
  const Outcome outcome = info == nullptr ? Outcome::no_memory : read_rows(png, info, session, options, pixels);
  png_destroy_read_struct(&png, &info, nullptr);
  switch (outcome) {
    case Outcome::decoded: return pixels;
    case Outcome::cancelled: return cancelled("decoding was interrupted");
    case Outcome::no_memory: return out_of_memory("no memory for the decoded PNG picture");
    case Outcome::damaged: break;
  }
  const std::string damage = fmt::format("PNG file is damaged: {}", session.failure.reason);
  if (options.strict || !session.rows_begun)
    return bad_input(session.rows_begun ? damage + " (decode: lenient takes what can be read)" : damage);
  if (options.warn) options.warn(damage);
  return pixels;
}

}  // namespace latentflow::io

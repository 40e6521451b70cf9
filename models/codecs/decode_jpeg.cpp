// decode_jpeg.cpp: see decode.h; the warnings of libjpeg are sorted into damage and harmless irregularities.
#include <csetjmp>
#include <cstdio>
// libjpeg's headers need <cstdio> before them.
#include <jerror.h>
#include <jpeglib.h>

#include <opencv2/core.hpp>

#include "decode.h"

namespace latentflow::codecs {
namespace {

/// libjpeg's error handler with a way back; plain data, because longjmp runs no destructors.
struct Handler {
  jpeg_error_mgr base;
  std::jmp_buf back;
  char failure[JMSG_LENGTH_MAX];
  char damage[JMSG_LENGTH_MAX];  ///< the first warning that means lost pixels
  char oddity[JMSG_LENGTH_MAX];  ///< the first other warning
};

Handler& handler_of(j_common_ptr info) { return *reinterpret_cast<Handler*>(info->err); }

[[noreturn]] void fail(j_common_ptr info) {
  Handler& handler = handler_of(info);
  (*info->err->format_message)(info, handler.failure);
  std::longjmp(handler.back, 1);
}

void note(j_common_ptr info, int level) {
  if (level >= 0) return;  // trace
  Handler& handler = handler_of(info);
  ++handler.base.num_warnings;
  const int code = handler.base.msg_code;
  // Some cameras pad the file before its end marker (D9); anywhere else skipped bytes are lost pixels.
  const bool padding = code == JWRN_EXTRANEOUS_DATA && handler.base.msg_parm.i[1] == JPEG_EOI;
  const bool damaged = !padding && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR && code != JWRN_BOGUS_ICC;
  char* target = damaged ? handler.damage : handler.oddity;
  if (*target == 0) (*info->err->format_message)(info, target);
}

void keep_quiet(j_common_ptr) {}

/// Everything between setjmp and longjmp lives here and in the caller; no local with a destructor in this function.
/// Returns 0 when decoded, 1 on failure, 2 when cancelled, 3 when memory is missing.
int decode_lines(jpeg_decompress_struct& info, Handler& handler, std::span<const std::uint8_t> file,
                 const DecodeOptions& options, cv::Mat& out) {
  if (setjmp(handler.back) != 0) return 1;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), file.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : info.num_components == 3 ? JCS_EXT_BGR : JCS_CMYK;
  jpeg_start_decompress(&info);
  try {
    out.create(static_cast<int>(info.output_height), static_cast<int>(info.output_width),
               CV_8UC(info.output_components));
  } catch (...) { return 3; }
  while (info.output_scanline < info.output_height) {
    if (info.output_scanline % 256 == 0 && options.cancelled && options.cancelled()) return 2;
    JSAMPROW line = out.ptr(static_cast<int>(info.output_scanline));
    jpeg_read_scanlines(&info, &line, 1);
  }
  jpeg_finish_decompress(&info);
  return 0;
}

/// Ink to light by the usual product rule; Adobe stores ink inverted (Adobe Technical Note 5116).
cv::Mat ink_to_bgr(const cv::Mat& ink, bool inverted) {
  cv::Mat bgr(ink.size(), CV_8UC3);
  for (int y = 0; y < ink.rows; ++y) {
    const std::uint8_t* src = ink.ptr(y);
    std::uint8_t* dst = bgr.ptr(y);
    for (int x = 0; x < ink.cols; ++x, src += 4, dst += 3) {
      const int flip = inverted ? 0 : 255;
      const int black = src[3] ^ flip;
      for (int c = 0; c < 3; ++c) dst[2 - c] = static_cast<std::uint8_t>(((src[c] ^ flip) * black + 127) / 255);
    }
  }
  return bgr;
}

}  // namespace

Result<cv::Mat> decode_jpeg(std::span<const std::uint8_t> file, const DecodeOptions& options) {
  jpeg_decompress_struct info{};
  Handler handler{};
  info.err = jpeg_std_error(&handler.base);
  handler.base.error_exit = fail;
  handler.base.emit_message = note;
  handler.base.output_message = keep_quiet;
  cv::Mat pixels;
  const int state = decode_lines(info, handler, file, options, pixels);
  const bool ink = info.out_color_space == JCS_CMYK, inverted = info.saw_Adobe_marker != 0;
  jpeg_destroy_decompress(&info);
  if (state == 1) return bad_input(std::string("JPEG file cannot be decoded: ") + handler.failure);
  if (state == 2) return cancelled("decoding was interrupted");
  if (state == 3) return out_of_memory("no memory for the decoded JPEG picture");
  if (*handler.damage != 0) {
    if (options.strict)
      return bad_input(std::string("JPEG file is damaged: ") + handler.damage +
                       " (decode: lenient takes what can be read)");
    if (options.warn) options.warn(std::string("JPEG file is damaged: ") + handler.damage);
  }
  if (*handler.oddity != 0 && options.warn) options.warn(std::string("JPEG file is irregular: ") + handler.oddity);
  return ink ? ink_to_bgr(pixels, inverted) : pixels;
}

}  // namespace latentflow::codecs

// encode_jpeg.cpp: see encode.h.
#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
// libjpeg's headers need <cstdio> before them.
#include <jpeglib.h>

#include "encode.h"

namespace latentflow::codecs {
namespace {

struct Session {
  jpeg_error_mgr base;  // first: libjpeg hands it back as this
  std::jmp_buf back;
  char failure[JMSG_LENGTH_MAX];
  unsigned char* bytes;
  unsigned long size;
};

[[noreturn]] void fail(j_common_ptr info) {
  auto& session = *reinterpret_cast<Session*>(info->err);
  (*info->err->format_message)(info, session.failure);
  std::longjmp(session.back, 1);
}

void keep_quiet(j_common_ptr) {}

/// No local with a destructor: longjmp runs none.
bool write_rows(jpeg_compress_struct& info, Session& session, const cv::Mat& picture, int quality) {
  if (setjmp(session.back) != 0) return false;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &session.bytes, &session.size);
  info.image_width = static_cast<JDIMENSION>(picture.cols);
  info.image_height = static_cast<JDIMENSION>(picture.rows);
  info.input_components = picture.channels();
  info.in_color_space = picture.channels() == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW line = const_cast<JSAMPROW>(picture.ptr(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_jpeg(const cv::Mat& picture, int quality) {
  if (picture.depth() != CV_8U || (picture.channels() != 1 && picture.channels() != 3) || picture.empty())
    return unsupported(
        fmt::format("a picture of {}x{} with {} channels of {} cannot be written as JPEG, which holds 1 or "
                    "3 channels of 8 bits",
                    picture.cols, picture.rows, picture.channels(), cv::depthToString(picture.depth())));
  jpeg_compress_struct info{};
  Session session{};
  info.err = jpeg_std_error(&session.base);
  session.base.error_exit = fail;
  session.base.output_message = keep_quiet;
  const bool written = write_rows(info, session, picture, quality);
  jpeg_destroy_compress(&info);
  Result<std::vector<std::uint8_t>> file = io_error(
      fmt::format("a picture of {}x{} cannot be written as JPEG: {}", picture.cols, picture.rows, session.failure));
  try {
    if (written) file = std::vector<std::uint8_t>(session.bytes, session.bytes + session.size);
  } catch (const std::bad_alloc&) { file = out_of_memory("no memory for the encoded picture"); }
  std::free(session.bytes);
  return file;
}

}  // namespace latentflow::codecs

// encode_jpeg.cpp: see encode.h.
#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>
// libjpeg's headers need <cstdio> before them.
#include <jpeglib.h>

#include "encode.h"

namespace latentflow::codecs {
namespace {

struct Session {
  jpeg_error_mgr base;  // first: libjpeg hands it back as this
  std::jmp_buf back;
  char failure[JMSG_LENGTH_MAX];
  bool no_memory;
};

/// Collects the file. libjpeg's own memory destination loses track of its buffer when one that is to grow cannot.
struct Destination {
  jpeg_destination_mgr base;  // first: libjpeg hands it back as this
  std::vector<std::uint8_t>& file;
  JOCTET buffer[1 << 16];
};

Destination& destination_of(j_compress_ptr info) { return *reinterpret_cast<Destination*>(info->dest); }

void start_buffer(j_compress_ptr info) {
  Destination& destination = destination_of(info);
  destination.base.next_output_byte = destination.buffer;
  destination.base.free_in_buffer = sizeof destination.buffer;
}

void append(j_compress_ptr info, std::size_t count) {
  Destination& destination = destination_of(info);
  auto& session = *reinterpret_cast<Session*>(info->err);
  try {
    destination.file.insert(destination.file.end(), destination.buffer, destination.buffer + count);
  } catch (...) { session.no_memory = true; }
  if (session.no_memory) std::longjmp(session.back, 1);
  start_buffer(info);
}

boolean append_all(j_compress_ptr info) {
  append(info, sizeof destination_of(info).buffer);
  return TRUE;
}

void append_rest(j_compress_ptr info) {
  append(info, sizeof destination_of(info).buffer - destination_of(info).base.free_in_buffer);
}

[[noreturn]] void fail(j_common_ptr info) {
  auto& session = *reinterpret_cast<Session*>(info->err);
  (*info->err->format_message)(info, session.failure);
  std::longjmp(session.back, 1);
}

void keep_quiet(j_common_ptr) {}

/// No local with a destructor: longjmp runs none.
bool write_rows(jpeg_compress_struct& info, Session& session, Destination& destination, const cv::Mat& picture,
                int quality, Chroma chroma) {
  if (setjmp(session.back) != 0) return false;
  jpeg_create_compress(&info);
  info.dest = &destination.base;
  info.image_width = static_cast<JDIMENSION>(picture.cols);
  info.image_height = static_cast<JDIMENSION>(picture.rows);
  info.input_components = picture.channels();
  info.in_color_space = picture.channels() == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  if (info.num_components == 3) {  // how often brightness is sampled where colours are once
    info.comp_info[0].h_samp_factor = chroma == Chroma::full ? 1 : 2;
    info.comp_info[0].v_samp_factor = chroma == Chroma::half ? 2 : 1;
  }
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW line = const_cast<JSAMPROW>(picture.ptr(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_jpeg(const cv::Mat& picture, int quality, Chroma chroma) {
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
  std::vector<std::uint8_t> file;
  Destination destination{{}, file, {}};
  destination.base.init_destination = start_buffer;
  destination.base.empty_output_buffer = append_all;
  destination.base.term_destination = append_rest;
  try {  // noise takes more than its pixels do; growing copies the file, and what is not written to is not resident
    file.reserve(2 * picture.total() * static_cast<std::size_t>(picture.channels()) + sizeof destination.buffer);
  } catch (const std::bad_alloc&) {}  // append() says so if the file itself does not fit
  const bool written = write_rows(info, session, destination, picture, quality, chroma);
  jpeg_destroy_compress(&info);
  if (session.no_memory) return out_of_memory("no memory for the encoded picture");
  if (!written)
    return io_error(
        fmt::format("a picture of {}x{} cannot be written as JPEG: {}", picture.cols, picture.rows, session.failure));
  return file;
}

}  // namespace latentflow::codecs

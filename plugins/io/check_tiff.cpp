// check_tiff.cpp: whether every strip or tile of a TIFF file can be decompressed; see decode.h.
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
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

}  // namespace

Status check_tiff(ByteSpan file) {
  MemoryFile memory{file, 0, ""};
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), remember, &memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore, nullptr);
  const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(
      TIFFClientOpenExt("", "rm", &memory, read, write, seek, close, size, nullptr, nullptr, options.get()), TIFFClose);
  const auto damaged = [&](const std::string& where) {
    return bad_input(fmt::format("tiff file is damaged{}: {} (decode: lenient takes what can be read of 8 bit)", where,
                                 memory.complaint.empty() ? "it cannot be read" : memory.complaint));
  };
  if (tiff == nullptr) return damaged("");
  const bool tiled = TIFFIsTiled(tiff.get()) != 0;
  const std::uint32_t parts = tiled ? TIFFNumberOfTiles(tiff.get()) : TIFFNumberOfStrips(tiff.get());
  const tmsize_t part_size = tiled ? TIFFTileSize(tiff.get()) : TIFFStripSize(tiff.get());
  if (part_size <= 0) return damaged("");
  std::vector<std::uint8_t> target(static_cast<std::size_t>(part_size));
  for (std::uint32_t part = 0; part < parts; ++part) {
    const tmsize_t got = tiled ? TIFFReadEncodedTile(tiff.get(), part, target.data(), part_size)
                               : TIFFReadEncodedStrip(tiff.get(), part, target.data(), part_size);
    // A decompressor that meets its end too early complains and still delivers.
    if (got < 0 || !memory.complaint.empty())
      return damaged(fmt::format(", {} {} of {}", tiled ? "tile" : "strip", part + 1, parts));
  }
  return success();
}

}  // namespace latentflow::io

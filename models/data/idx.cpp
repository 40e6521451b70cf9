// idx.cpp: see idx.h.
#include "idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

namespace latentflow::data {
namespace {

// Far above any data set of small pictures, so that a damaged header cannot ask for all memory.
constexpr std::int64_t most_bytes = std::int64_t{1} << 33;
constexpr std::int64_t largest_side = 32768;

const char* element_name(std::uint8_t code) {
  switch (code) {
    case 0x08: return "unsigned bytes";
    case 0x09: return "signed bytes";
    case 0x0b: return "16-bit integers";
    case 0x0c: return "32-bit integers";
    case 0x0d: return "float32 numbers";
    case 0x0e: return "float64 numbers";
    default: return nullptr;
  }
}

/// The next bytes of a gzip file, at most `most`; fewer at its end.
Result<std::size_t> inflate_some(gzFile file, std::uint8_t* target, std::size_t most, const Path& path,
                                 std::uint64_t at) {
  std::size_t done = 0;
  while (done < most) {
    const int got = gzread(file, target + done, static_cast<unsigned>(std::min<std::size_t>(most - done, 1 << 24)));
    int code = Z_OK;
    std::string_view reason = gzerror(file, &code);
    if (const std::string own = path.string() + ": "; reason.starts_with(own)) reason.remove_prefix(own.size());
    if (got < 0 || code == Z_BUF_ERROR)
      return bad_input(
          fmt::format("'{}' is damaged or truncated: decompression fails behind byte {} of its contents ({})",
                      path.string(), at + done + static_cast<std::size_t>(std::max(got, 0)), reason));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

Status IdxFile::parse_header(ByteSpan head, const Path& path, int axes) {
  const std::string file = path.string();
  if (head.size() < 4 || head[0] != 0 || head[1] != 0 || element_name(head[2]) == nullptr || head[3] < 1)
    return bad_input(fmt::format("'{}' is no IDX file: begins with {}, needs 00 00 08 {:02}", file,
                                 beginning(Input(head.first(std::min<std::size_t>(head.size(), 12)))), axes));
  if (head[2] != 0x08)
    return unsupported(
        fmt::format("'{}' holds {} (type 0x{:02x} in its third byte), supported are unsigned bytes (0x08)", file,
                    element_name(head[2]), head[2]));
  if (head[3] != axes)
    return bad_input(fmt::format(
        "'{}' has {} axes (its fourth byte), {} have {}{}", file, head[3], axes == 3 ? "pictures" : "labels", axes,
        head[3] == (axes == 3 ? 1 : 3) ? "; are the files of pictures and labels exchanged?" : ""));
  const std::size_t length = 4 + 4 * static_cast<std::size_t>(axes);
  if (head.size() < length)
    return bad_input(
        fmt::format("'{}' is truncated: its header needs {} bytes, the file has {}", file, length, head.size()));
  for (int axis = 0; axis < axes; ++axis) {
    std::uint32_t extent = 0;
    for (std::size_t i = 0; i < 4; ++i) extent = extent << 8 | head[4 + 4 * static_cast<std::size_t>(axis) + i];
    extents_[axis] = extent;
    if (extent == 0 || (axis > 0 && extent > largest_side))
      return bad_input(fmt::format("'{}' says {} {} at byte {}, allowed 1 to {}", file, extent,
                                   axis == 0   ? "items"
                                   : axis == 1 ? "rows"
                                               : "columns",
                                   4 + 4 * axis, axis == 0 ? 0xffffffffu : static_cast<std::uint32_t>(largest_side)));
  }
  if (extents_[0] > most_bytes / (extents_[1] * extents_[2]))
    return unsupported(fmt::format("'{}' says {} items of {}x{}; supported are up to {} bytes", file, extents_[0],
                                   extents_[2], extents_[1], most_bytes));
  offset_ = length;
  return success();
}

Result<IdxFile> IdxFile::open(const Path& path, int axes) {
  Result<Input> input = Input::open(path);
  if (!input) {
    const std::string message = input.error().message;
    return Error{
        input.error().code,
        message.find(path.string()) == std::string::npos ? fmt::format("'{}': {}", path.string(), message) : message,
        {}};
  }
  IdxFile idx;
  const std::vector<std::uint8_t> head = input->slice(0, 16);
  const auto wrong_end = [&](std::uint64_t have, const char* what) {
    return bad_input(fmt::format("'{}' {}: {} items of {} bytes need {} bytes, it has {}", path.string(), what,
                                 idx.count(), idx.item_bytes(),
                                 idx.offset_ + static_cast<std::uint64_t>(idx.count()) * idx.item_bytes(), have));
  };
  if (head.size() < 2 || head[0] != 0x1f || head[1] != 0x8b) {
    if (Status status = idx.parse_header(head, path, axes); !status) return status.error();
    const std::uint64_t wanted = idx.offset_ + static_cast<std::uint64_t>(idx.count()) * idx.item_bytes();
    if (input->size() != wanted)
      return wrong_end(input->size(), input->size() < wanted ? "is truncated" : "is longer than its header says");
    idx.file_.emplace(std::move(*input));
    return idx;
  }

  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) return io_error(fmt::format("cannot open '{}': {}", path.string(), std::strerror(errno)));
  std::uint8_t start[16];
  const Result<std::size_t> got = inflate_some(file.get(), start, 4 + 4 * static_cast<std::size_t>(axes), path, 0);
  if (!got) return got.error();
  if (Status status = idx.parse_header({start, *got}, path, axes); !status) return status.error();
  // Grows with what is there: a header alone reserves nothing.
  const std::size_t wanted = static_cast<std::size_t>(idx.count()) * idx.item_bytes();
  while (idx.inflated_.size() < wanted) {
    const std::size_t before = idx.inflated_.size(), more = std::min<std::size_t>(wanted - before, 1 << 22);
    idx.inflated_.resize(before + more);
    const Result<std::size_t> part =
        inflate_some(file.get(), idx.inflated_.data() + before, more, path, idx.offset_ + before);
    if (!part) return part.error();
    if (*part < more) return wrong_end(idx.offset_ + before + *part, "is truncated");
  }
  const Result<std::size_t> behind =
      inflate_some(file.get(), start, 1, path, idx.offset_ + wanted);  // checks the sum, too
  if (!behind) return behind.error();
  if (*behind != 0) return wrong_end(idx.offset_ + wanted + 1, "is longer than its header says, at least");
  return idx;
}

Status IdxFile::read(std::int64_t index, std::span<std::uint8_t> target) const {
  const std::uint64_t at = static_cast<std::uint64_t>(index) * item_bytes();
  if (!file_) {
    std::memcpy(target.data(), inflated_.data() + at, item_bytes());
    return success();
  }
  if (file_->read(offset_ + at, target.first(item_bytes()))) return success();
  return io_error(fmt::format("cannot read item {} at byte {}: the file became shorter", index, offset_ + at));
}

}  // namespace latentflow::data

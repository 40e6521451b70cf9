// write_file.cpp: see write_file.h.
#include "write_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace latentflow::io {
namespace {

/// 0 or the errno of the failure.
int write_all(int file, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return 0;
}

}  // namespace

Status write_atomically(const Path& target, std::span<const ByteSpan> parts) {
  const auto failed = [&](const std::string& what, int code) {
    return io_error(fmt::format("cannot {} '{}': {}", what, target.string(), std::strerror(code)));
  };
  if (const Path folder = target.parent_path(); !folder.empty()) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) return io_error(fmt::format("cannot make folder '{}': {}", folder.string(), failure.message()));
  }
  static std::atomic<std::uint64_t> writers = 0;
  constexpr std::size_t begin_of_name = 200;  // of the 255 bytes that a name may have
  const Path temporary =
      target.parent_path() /
      fmt::format("{}.{}-{}.partial", target.filename().string().substr(0, begin_of_name), ::getpid(), writers++);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return failed("create", errno);
  int code = 0;
  for (const ByteSpan part : parts)
    if (code == 0) code = write_all(file, part);
  if (::close(file) != 0 && code == 0) code = errno;  // network and quota file systems report here
  if (code == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) code = errno;
  if (code == 0) return success();
  ::unlink(temporary.c_str());
  return failed("write", code);
}

}  // namespace latentflow::io

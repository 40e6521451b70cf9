// files.cpp: see latentflow/files.h.
#include "latentflow/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

namespace latentflow {
namespace {

/// 0 or the errno of the failure.
int write_all(int file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return 0;
}

}  // namespace

Status check_writable(const Path& folder) {
  std::error_code failure;
  Path at = folder;
  while (!at.empty() && !std::filesystem::exists(at, failure)) {
    const Path parent = at.parent_path();
    at = parent == at ? Path() : parent;
  }
  if (at.empty()) at = ".";
  if (!std::filesystem::is_directory(at, failure)) {
    if (at == folder) return invalid_argument("path '" + folder.string() + "' is a file, needs a folder");
    return invalid_argument("path '" + folder.string() + "' leads through '" + at.string() + "', which is a file");
  }
  if (::access(at.c_str(), W_OK | X_OK) == 0) return success();
  const std::string reason = std::strerror(errno);
  return io_error(at == folder ? "folder '" + folder.string() + "' cannot be written: " + reason
                               : "folder '" + folder.string() + "' cannot be made in '" + at.string() + "': " + reason);
}

Status write_atomically(const Path& target, std::span<const std::span<const std::uint8_t>> parts) {
  const auto failed = [&](const std::string& what, int code) {
    return io_error("cannot " + what + " '" + target.string() + "': " + std::strerror(code));
  };
  if (const Path folder = target.parent_path(); !folder.empty()) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) return io_error("cannot make folder '" + folder.string() + "': " + failure.message());
  }
  // Every plugin has its own counter and may write a file of the same name, so the counter's address tells them apart.
  static std::atomic<std::uint64_t> writers = 0;
  constexpr std::size_t begin_of_name = 180;  // of the 255 bytes that a name may have
  char mark[64];
  std::snprintf(mark, sizeof mark, ".%d-%p-%llu.partial", ::getpid(), static_cast<void*>(&writers),
                static_cast<unsigned long long>(writers++));
  const Path temporary = target.parent_path() / (target.filename().string().substr(0, begin_of_name) + mark);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return failed("create", errno);
  int code = 0;
  for (const std::span<const std::uint8_t> part : parts)
    if (code == 0) code = write_all(file, part);
  if (::close(file) != 0 && code == 0) code = errno;  // network and quota file systems report here
  if (code == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) code = errno;
  if (code == 0) return success();
  ::unlink(temporary.c_str());
  return failed("write", code);
}

}  // namespace latentflow

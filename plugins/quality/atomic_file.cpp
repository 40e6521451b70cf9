// atomic_file.cpp: see atomic_file.h.
#include "atomic_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "latentflow/files.h"

namespace latentflow::quality {

Status write_atomically(const Path& target, std::span<const std::uint8_t> bytes) {
  if (target.has_parent_path()) {
    std::error_code failure;
    std::filesystem::create_directories(target.parent_path(), failure);
    if (failure)
      return io_error(fmt::format("cannot make folder '{}': {}", target.parent_path().string(), failure.message()));
  }
  Path temporary = target;
  temporary += fmt::format(".{}.partial", ::getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (file == nullptr) return io_error(fmt::format("cannot create '{}': {}", target.string(), std::strerror(errno)));
  errno = 0;
  bool good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  good = std::fclose(file) == 0 && good;
  good = good && std::rename(temporary.c_str(), target.c_str()) == 0;
  if (good) return success();
  const int code = errno;
  std::remove(temporary.c_str());
  return io_error(fmt::format("cannot write '{}': {}", target.string(), std::strerror(code)));
}

Status check_target(const Path& target, const std::vector<std::string>& extensions) {
  std::error_code ignored;
  if (std::filesystem::is_directory(target, ignored))
    return invalid_argument(fmt::format("path '{}' is a folder, needs a file", target.string()));
  const std::string extension = target.extension().string();
  if (std::find(extensions.begin(), extensions.end(), extension) != extensions.end())
    return check_writable(target.parent_path());
  return invalid_argument(
      fmt::format("path '{}' ends in '{}', allowed: {}", target.string(), extension, fmt::join(extensions, ", ")));
}

}  // namespace latentflow::quality

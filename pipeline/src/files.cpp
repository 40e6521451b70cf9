// files.cpp: see latentflow/files.h.
#include "latentflow/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace latentflow {

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

}  // namespace latentflow

// target.cpp: see target.h.
#include "target.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "latentflow/files.h"

namespace latentflow::quality {

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

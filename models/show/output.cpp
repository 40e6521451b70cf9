// output.cpp: see output.h.
#include "output.h"

#include <fmt/format.h>

#include "latentflow/files.h"
#include "train/checkpoint.h"

namespace latentflow::show {

Status write_result(const std::filesystem::path& file, const std::string& bytes) {
  std::error_code failure;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failure);
  if (failure) return io_error(fmt::format("{} cannot be created: {}", file.parent_path().string(), failure.message()));
  return train::write_whole(file, bytes);
}

Status check_result_name(const std::filesystem::path& file, const std::string& ending) {
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(file, ignored);
  if (!folder && file.extension() == ending) return check_writable(file.parent_path());
  return invalid_argument(fmt::format("--out {} {}, needs the name of a file that ends in {}", file.string(),
                                      folder ? "is a folder" : "has another ending", ending));
}

Status check_result_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored) || std::filesystem::is_directory(folder, ignored))
    return check_writable(folder);
  return invalid_argument(fmt::format("--out {} is a file, needs the name of a folder", folder.string()));
}

}  // namespace latentflow::show

// model_file.cpp: see model_file.h.
#include "model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <vector>

namespace latentflow::nn {

Result<std::string> find_model(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (name.find('/') != std::string::npos || name.ends_with(".onnx") || fs::exists(name, ignored)) return name;
  std::vector<fs::path> folders;
  if (const char* named = std::getenv("LATENTFLOW_MODEL_PATH")) {
    std::istringstream list(named);
    for (std::string folder; std::getline(list, folder, ':');)
      if (!folder.empty()) folders.emplace_back(folder);
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  folders.push_back(program.parent_path().parent_path() / "share/latentflow/zoo");
  std::set<std::string> known;
  for (const fs::path& folder : folders) {
    const fs::path file = folder / (name + ".onnx");
    if (fs::is_regular_file(file, ignored)) return file.string();
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".onnx") known.insert(entry.path().stem().string());
  }
  return not_found(fmt::format("there is no file \"{}\", and no model of that name in the zoo{}", name,
                               known.empty() ? "" : fmt::format(", which has {}", fmt::join(known, ", "))));
}

}  // namespace latentflow::nn

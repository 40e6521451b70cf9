// model_target.cpp: see model_target.h.
#include "model_target.h"

#include <fmt/format.h>

#include "nn/onnx_export.h"

namespace latentflow::nn {

Status check_model_target(const std::filesystem::path& source, const std::filesystem::path& target) {
  const std::filesystem::path folder = target.parent_path();
  std::error_code failure;
  if (target.extension() != ".onnx")
    return invalid_argument(fmt::format("\"{}\" needs the extension .onnx", target.string()));
  if (!folder.empty() && !std::filesystem::is_directory(folder, failure))
    return not_found(fmt::format("there is no folder \"{}\" for \"{}\"", folder.string(), target.filename().string()));
  if (std::filesystem::equivalent(source, target, failure))
    return invalid_argument(fmt::format("\"{}\" would be overwritten, choose another name", target.string()));
  return check_can_save(target);
}

}  // namespace latentflow::nn

// model_target.h: where `latentflow model` writes a network.
#pragma once

#include <filesystem>

#include "latentflow/result.h"

namespace latentflow::nn {

/// Whether a network made from `source` can be written to `target`, to be asked before the work: a name that ends in
/// .onnx, in a folder that is there and can be written, and not the source itself. Errors: invalid_argument,
/// not_found, io.
Status check_model_target(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace latentflow::nn

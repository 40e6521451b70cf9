// model_file.h: which file a user of `latentflow model` means.
#pragma once

#include <string>

#include "latentflow/result.h"

namespace latentflow::nn {

/// The path itself, or the file of a zoo name ("denoise_color"): in the folders of LATENTFLOW_MODEL_PATH, then in the
/// zoo beside the program, as nodes look it up. Error: not_found for a name that is neither, with those there are.
Result<std::string> find_model(const std::string& name);

}  // namespace latentflow::nn

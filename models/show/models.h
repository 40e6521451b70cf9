// models.h: the files that a command is given, as models of the kind that they are.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "dense_model.h"
#include "picture_model.h"

namespace latentflow::show {

/// Models of rows, or models of whole pictures; never both.
struct Models {
  std::vector<DenseModel> dense;
  std::vector<PictureModel> pictures;

  bool are_pictures() const { return !pictures.empty(); }
};

/// Errors: those of nn::load_onnx, dense_model() and picture_model(), with the file; invalid_argument for files of both
/// kinds, whose items have nothing in common.
Result<Models> load_models(std::span<const std::filesystem::path> files);

}  // namespace latentflow::show

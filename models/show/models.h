// models.h: the files that a command is given, as models of the kind that they are.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>
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

/// `name`, or where it is one of `taken` NAME_2, NAME_3 ...; from then on it is one of them.
std::string distinct_name(const std::string& name, std::set<std::string>& taken);

/// No two have one name. Errors: those of nn::load_onnx, dense_model() and picture_model(), with the file;
/// invalid_argument for files of both kinds, whose items have nothing in common.
Result<Models> load_models(std::span<const std::filesystem::path> files);

}  // namespace latentflow::show

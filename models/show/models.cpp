// models.cpp: see models.h.
#include "models.h"

#include <fmt/format.h>

#include "nn/onnx_import.h"

namespace latentflow::show {

std::string distinct_name(const std::string& name, std::set<std::string>& taken) {
  std::string own = name;
  for (int number = 2; !taken.insert(own).second; ++number) own = fmt::format("{}_{}", name, number);
  return own;
}

Result<Models> load_models(std::span<const std::filesystem::path> files) {
  Models models;
  std::set<std::string> names;
  for (const std::filesystem::path& file : files) {
    const Result<nn::Graph> graph = nn::load_onnx(file);
    if (!graph) return graph.error();
    const std::string name = distinct_name(file.stem().string(), names);
    const auto refused = [&](const Error& error) {
      return Error{error.code, fmt::format("{}: {}", file.string(), error.message), {}};
    };
    if (takes_pictures(*graph)) {
      Result<PictureModel> model = picture_model(*graph, name);
      if (!model) return refused(model.error());
      models.pictures.push_back(std::move(*model));
    } else {
      Result<DenseModel> model = dense_model(*graph, name);
      if (!model) return refused(model.error());
      models.dense.push_back(std::move(*model));
    }
  }
  if (models.dense.empty() || models.pictures.empty()) return models;
  return invalid_argument(
      fmt::format("{} takes pictures of any size and {} rows of {} numbers, which cannot be shown side by side; give "
                  "models of one kind",
                  models.pictures.front().name, models.dense.front().name, models.dense.front().features()));
}

}  // namespace latentflow::show

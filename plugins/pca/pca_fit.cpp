// pca_fit.cpp: see pca_fit.h.
#include "pca_fit.h"

#include <fmt/format.h>

#include "codes/picture_rows.h"
#include "latentflow/files.h"
#include "nn/onnx_export.h"
#include "nn/pca_model.h"

namespace latentflow::pca {

using codes::Grid;
using nn::CodeItem;

void PcaFit::describe(Describe<PcaFit>& d) {
  d.name("pca_fit",
         "learns principal components of pictures, patches or tensors, and writes them as a model for pca_project and "
         "pca_reconstruct");
  d.field(&Params::path, "path", "the model, an .onnx file, written whole after the last item").required();
  d.field(&Params::components, "components", "how many to keep; 0: see variance").range(0, nn::Moments::most_features);
  d.field(&Params::variance, "variance", "instead: keep as many as explain this share of the variance")
      .range(0, 0.999999);
  d.field(&Params::whiten, "whiten", "scale the codes to unit variance");
  d.field(&Params::patch, "patch", "learn from square patches of this side; 0 for whole pictures")
      .range(0, 256)
      .unit("pixels");
  d.field(&Params::stride, "stride", "distance of neighbouring patches; 0 for side by side")
      .range(0, 256)
      .unit("pixels");
  d.field(&Params::rows, "rows", "every row of a tensor (its last axis) is an item; otherwise the whole tensor is one");
  d.field(
       &Params::method, "method",
       "covariance is exact and keeps no items, its memory grows with the square of their size; randomized keeps all "
       "items and suits large ones")
      .choices({"covariance", "randomized"});
  d.field(&Params::max_memory, "max_memory", "of the items that randomized keeps").range(1, 1048576).unit("MiB");
  d.rule("one of components and variance is given",
         [](const Params& p) { return (p.components > 0) != (p.variance > 0); });
  d.rule("method randomized is given components, not variance",
         [](const Params& p) { return p.method != "randomized" || p.components > 0; });
  d.rule("stride goes with patch", [](const Params& p) { return p.stride == 0 || p.patch > 0; });
  d.example("{node: pca_fit, image: digits, components: 30, path: digits_pca.onnx}");
}

Result<std::unique_ptr<PcaFit>> PcaFit::create(const Params& params, Services&) {
  std::error_code ignored;
  if (params.path.extension() != ".onnx")
    return invalid_argument(
        fmt::format("path '{}' ends in '{}', needs .onnx", params.path.string(), params.path.extension().string()));
  if (std::filesystem::is_directory(params.path, ignored))
    return invalid_argument(fmt::format("path '{}' is a folder, needs a file", params.path.string()));
  if (Status writable = check_writable(params.path.parent_path()); !writable) return std::move(writable).error();
  return std::make_unique<PcaFit>(params);
}

Status PcaFit::process(const Image* image, const Tensor* tensor, Context& ctx) {
  if (image != nullptr && tensor != nullptr)
    return invalid_argument("image and tensor are both wired; needs one of the two");
  if (image == nullptr && params.rows) return take_tensor(*tensor);
  if (image == nullptr && params.patch > 0)
    return invalid_argument("patch is for pictures; tensors are taken whole or by rows");
  if (image != nullptr && params.rows)
    return invalid_argument("rows is for tensors; pictures are taken whole or in patches");
  return image != nullptr ? take_picture(*image, ctx) : take_tensor(*tensor);
}

Status PcaFit::agree(const CodeItem& item) {
  if (item_ && *item_ == item) return success();
  if (item_)
    return bad_input(fmt::format("is {}, the first was {}; all have to be alike (nodes resize, crop, convert)",
                                 to_string(item), to_string(*item_)));
  const std::int64_t features = item.features();
  if (params.method == "covariance" && features > nn::Moments::most_features)
    return unsupported(fmt::format(
        "items have {} numbers, method covariance takes up to {}; use smaller pictures, patches, or method randomized",
        features, nn::Moments::most_features));
  if (params.components > features)
    return bad_input(fmt::format("{} components were asked for, items have {} numbers", params.components, features));
  if (params.method == "covariance") moments_.emplace(features);
  item_ = item;
  return success();
}

Status PcaFit::take_rows(std::span<const float> rows) {
  if (moments_) return moments_->add(rows);
  const auto features = item_->features();
  if (Status status = codes::check_rows(rows, features); !status) return status;
  if (const std::size_t bytes = (rows_.size() + rows.size()) * sizeof(float);
      bytes >> 20 >= static_cast<std::size_t>(params.max_memory))
    return out_of_memory(
        fmt::format("{} items are kept already, allowed are {} MiB of them; raise max_memory, or use method covariance",
                    rows_.size() / static_cast<std::size_t>(features), params.max_memory));
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  return success();
}

Status PcaFit::take_picture(const Image& image, Context& ctx) {
  if (Status status = codes::check_picture(image); !status) return status;
  const bool patches = params.patch > 0;
  const CodeItem item{patches ? CodeItem::Kind::patch : CodeItem::Kind::image, patches ? params.patch : image.height(),
                      patches ? params.patch : image.width(), image.channels()};
  const Grid grid = codes::grid_inside(image.height(), image.width(), item,
                                       params.stride > 0 ? params.stride : std::max<std::int64_t>(1, params.patch));
  if (grid.rows == 0 || grid.columns == 0)
    return bad_input(fmt::format("picture is {}x{}, smaller than a patch of {}x{}", image.width(), image.height(),
                                 params.patch, params.patch));
  const cv::Mat floats = codes::as_floats(image);
  if (Status status = agree(item); !status) return status;
  std::vector<float> rows(static_cast<std::size_t>(grid.columns * item.features()));
  for (std::int64_t row = 0; row < grid.rows; ++row) {
    if (ctx.cancelled()) return cancelled("the run was stopped");
    for (std::int64_t column = 0; column < grid.columns; ++column)
      codes::read_row(floats, row * grid.stride, column * grid.stride, item, rows.data() + column * item.features());
    if (Status status = take_rows(rows); !status) return status;
  }
  return success();
}

Status PcaFit::take_tensor(const Tensor& tensor) {
  if (tensor.empty() || tensor.dims().empty()) return bad_input("tensor has no elements, or no axes");
  const CodeItem item{CodeItem::Kind::tensor, 1, params.rows ? tensor.dims().back() : tensor.size(), 1};
  // Looked at before the first item decides the size of all others.
  if (Status status = codes::check_rows(tensor.span(), item.features()); !status) return status;
  if (Status status = agree(item); !status) return status;
  return take_rows(tensor.span());
}

Result<nn::Pca> PcaFit::fit() {
  const nn::PcaOptions options{params.components, params.variance, params.whiten};
  if (moments_) return nn::fit_pca(*moments_, options);
  const std::int64_t features = item_->features();
  const Tensor rows = Tensor::from({static_cast<std::int64_t>(rows_.size()) / features, features}, rows_);
  std::vector<float>().swap(rows_);
  return nn::fit_pca_randomized(rows, options);
}

Status PcaFit::finish() {
  if (!item_) return bad_input(fmt::format("no item arrived, '{}' was not written", params.path.string()));
  const Result<nn::Pca> pca = fit();
  if (!pca)
    return Error{
        pca.error().code, fmt::format("'{}' was not written: {}", params.path.string(), pca.error().message), {}};
  const Result<nn::Graph> graph = nn::pca_network(*pca, *item_);
  if (!graph) return graph.error();
  if (params.path.has_parent_path()) {
    std::error_code failure;
    std::filesystem::create_directories(params.path.parent_path(), failure);
    if (failure)
      return io_error(
          fmt::format("cannot make folder '{}': {}", params.path.parent_path().string(), failure.message()));
  }
  return nn::save_onnx(*graph, params.path);
}

Prediction PcaFit::predict(const Shapes& inputs) const {
  // The picture as floats and one row of patches; what is kept between items is not an item's.
  const std::size_t numbers = inputs[0].known() ? static_cast<std::size_t>(element_count(inputs[0].dims)) : 0;
  return {{}, 8 * numbers};
}

}  // namespace latentflow::pca

// pca_project.cpp: see pca_project.h.
#include "pca_project.h"

#include <fmt/format.h>

#include <cstring>

namespace latentflow::pca {

using ItemKind = nn::CodeItem::Kind;

void PcaProject::describe(Describe<PcaProject>& d) {
  d.name("pca_project", "projects pictures, patches or tensors on principal components: few numbers instead of many");
  d.field(&Params::model, "model", "what pca_fit wrote: an ONNX file, or a name from the zoo").required();
  d.field(&Params::stride, "stride",
          "distance of neighbouring patches; 0 for side by side, for coding; less than a patch for restoration. "
          "pca_reconstruct needs the same")
      .range(0, 256)
      .unit("pixels");
  d.example("{node: pca_project, image: digits, model: digits_pca.onnx}");
}

Result<std::unique_ptr<PcaProject>> PcaProject::create(const Params& params, Services& services) {
  auto network = CodeNetwork::load(params.model, CodeNetwork::Half::encoder, services);
  if (!network) return std::move(network).error();
  if (params.stride > (*network)->item().width || (params.stride > 0 && (*network)->item().kind != ItemKind::patch))
    return invalid_argument(fmt::format("stride is {}, the model is for {}; allowed up to the side of its patches",
                                        params.stride, to_string((*network)->item())));
  auto node = std::make_unique<PcaProject>();
  node->params = params;
  node->network = std::move(*network);
  return node;
}

Result<Tensor> PcaProject::process(const Image* image, const Tensor* tensor, Context& ctx) const {
  if (image != nullptr && tensor != nullptr)
    return invalid_argument("image and tensor are both wired; needs one of the two");
  const bool for_pictures = network->item().kind != ItemKind::tensor;
  if ((image != nullptr) != for_pictures)
    return bad_input(fmt::format("got a {}, the model is for {}", image != nullptr ? "picture" : "tensor",
                                 to_string(network->item())));
  return image != nullptr ? project_picture(*image, ctx) : project_tensor(*tensor);
}

Result<Tensor> PcaProject::project_picture(const Image& image, Context& ctx) const {
  const nn::CodeItem& item = network->item();
  if (Status status = check_picture(image); !status) return status.error();
  if (image.channels() != item.channels)
    return bad_input(
        fmt::format("picture has {} channels, the model is for {} (node convert)", image.channels(), item.channels));
  const bool whole = item.kind == ItemKind::image;
  if (whole && (image.height() != item.height || image.width() != item.width))
    return bad_input(fmt::format("picture is {}x{}, the model is for {}x{} (node resize)", image.width(),
                                 image.height(), item.width, item.height));
  const Grid grid = whole ? Grid() : grid_over(image.height(), image.width(), item, stride());
  const cv::Mat floats = as_floats(image);
  Tensor codes({grid.rows, grid.columns, network->codes()});
  Tensor rows({grid.columns, item.features()});
  for (std::int64_t row = 0; row < grid.rows; ++row) {
    if (ctx.cancelled()) return cancelled("the run was stopped");
    for (std::int64_t column = 0; column < grid.columns; ++column)
      read_row(floats, row * grid.stride, column * grid.stride, item, rows.mutable_data() + column * item.features());
    const Result<Tensor> some = network->run(rows);
    if (!some) return some;
    std::memcpy(codes.mutable_data() + row * grid.columns * network->codes(), some->data(), some->span().size_bytes());
  }
  return whole ? codes.reshaped({network->codes()}) : codes;
}

Result<Tensor> PcaProject::project_tensor(const Tensor& tensor) const {
  const std::int64_t features = network->features();
  Dims dims = tensor.dims();
  const bool rows = dims.size() > 1 && dims.back() == features;
  if (tensor.empty() || (!rows && tensor.size() != features))
    return bad_input(
        fmt::format("tensor is {}, the model takes {} numbers, or rows of as many", to_string(dims), features));
  const Result<Tensor> codes = network->run(tensor.reshaped({tensor.size() / features, features}));
  if (!codes) return codes;
  if (!rows) return codes->reshaped({network->codes()});
  dims.back() = network->codes();
  return codes->reshaped(dims);
}

Prediction PcaProject::predict(const Shapes& inputs) const {
  const nn::CodeItem& item = network->item();
  Shape codes{latentflow::Kind::tensor, {}, 4};
  const std::size_t fixed = std::size_t{1} << 22;  // one portion of rows in the network
  if (!inputs[0].known()) {
    if (inputs[1].known())
      codes.dims = {std::max<std::int64_t>(1, element_count(inputs[1].dims) / network->features()), network->codes()};
    return {{codes}, inputs[1].bytes() + fixed};
  }
  const std::int64_t height = inputs[0].dims[0], width = inputs[0].dims[1];
  const Grid grid = item.kind == ItemKind::patch ? grid_over(height, width, item, stride()) : Grid();
  codes.dims = {grid.rows, grid.columns, network->codes()};
  const auto row_bytes = static_cast<std::size_t>(4 * grid.columns * (item.features() + network->codes()));
  return {{codes}, 4 * static_cast<std::size_t>(element_count(inputs[0].dims)) + row_bytes + fixed};
}

}  // namespace latentflow::pca

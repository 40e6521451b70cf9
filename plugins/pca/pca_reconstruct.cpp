// pca_reconstruct.cpp: see pca_reconstruct.h.
#include "pca_reconstruct.h"

#include <fmt/format.h>

namespace latentflow::pca {
namespace {

using ItemKind = nn::CodeItem::Kind;

/// The pixels as planes, colours R, G, B.
Tensor as_planes(const cv::Mat& floats) {
  const nn::CodeItem whole{ItemKind::image, floats.rows, floats.cols, floats.channels()};
  Tensor planes({whole.channels, whole.height, whole.width});
  read_row(floats, 0, 0, whole, planes.mutable_data());
  return planes;
}

}  // namespace

void PcaReconstruct::describe(Describe<PcaReconstruct>& d) {
  d.name("pca_reconstruct", "turns codes back into pictures or tensors; overlapping patches are averaged");
  d.field(&Params::model, "model", "the one pca_project used: an ONNX file, or a name from the zoo").required();
  d.field(&Params::stride, "stride", "the one pca_project used; 0 for patches side by side")
      .range(0, 256)
      .unit("pixels");
  d.field(&Params::depth, "depth", "samples of the picture; 8 and 16 are rounded and clipped")
      .choices({"float", "8", "16"});
  d.example("{node: pca_reconstruct, codes: codes, model: digits_pca.onnx}");
}

Result<std::unique_ptr<PcaReconstruct>> PcaReconstruct::create(const Params& params, Services& services) {
  auto network = CodeNetwork::load(params.model, CodeNetwork::Half::decoder, services);
  if (!network) return std::move(network).error();
  if (params.stride > (*network)->item().width || (params.stride > 0 && (*network)->item().kind != ItemKind::patch))
    return invalid_argument(fmt::format("stride is {}, the model is for {}; allowed up to the side of its patches",
                                        params.stride, to_string((*network)->item())));
  auto node = std::make_unique<PcaReconstruct>();
  node->params = params;
  node->network = std::move(*network);
  return node;
}

Result<Grid> PcaReconstruct::grid_of(const Tensor& codes, const Image* like) const {
  const nn::CodeItem& item = network->item();
  if (codes.dims().size() != 3)
    return bad_input(fmt::format("codes are {}, a model of patches needs [rows, columns, {}]", to_string(codes.dims()),
                                 network->codes()));
  const Grid grid{codes.dims()[0], codes.dims()[1], item.height, item.width, stride()};
  if (grid.height() > 65535 || grid.width() > 65535)
    return bad_input(fmt::format("codes of {}x{} patches give a picture of {}x{}, allowed up to 65535 on a side",
                                 grid.columns, grid.rows, grid.width(), grid.height()));
  if (like == nullptr) return grid;
  const Grid wanted = grid_over(like->height(), like->width(), item, stride());
  if (!(wanted == grid))
    return bad_input(
        fmt::format("codes are of {}x{} patches, a picture of {}x{} has {}x{} with stride {}; pca_project has to use "
                    "the same stride",
                    grid.columns, grid.rows, like->width(), like->height(), wanted.columns, wanted.rows, stride()));
  return grid;
}

Result<std::tuple<Image, Tensor>> PcaReconstruct::process(const Tensor& codes, const Image* like, Context& ctx) const {
  const nn::CodeItem& item = network->item();
  const std::int64_t components = network->codes();
  if (codes.empty() || codes.dims().empty() || codes.dims().back() != components ||
      (item.kind == ItemKind::image && codes.size() != components))
    return bad_input(fmt::format("codes are {}, the model has {} components{}", to_string(codes.dims()), components,
                                 item.kind == ItemKind::image ? " and takes one picture at a time" : ""));
  const std::int64_t count = codes.size() / components;
  if (item.kind == ItemKind::tensor) {
    const Result<Tensor> rows = network->run(codes.reshaped({count, components}));
    if (!rows) return rows.error();
    if (count > 65535 * 16) return bad_input(fmt::format("codes have {} rows, allowed up to {}", count, 65535 * 16));
    const cv::Mat picture(static_cast<int>(count), static_cast<int>(item.features()), CV_32F,
                          const_cast<float*>(rows->data()));
    Dims dims = codes.dims();
    dims.back() = item.features();
    return std::tuple(Image(to_depth(picture.clone(), params.depth)), rows->reshaped(dims));
  }

  Grid grid{1, 1, item.height, item.width, 1};
  if (item.kind == ItemKind::patch) {
    const Result<Grid> found = grid_of(codes, like);
    if (!found) return found.error();
    grid = *found;
  }
  cv::Mat sum = cv::Mat::zeros(static_cast<int>(grid.height()), static_cast<int>(grid.width()),
                               CV_32FC(static_cast<int>(item.channels)));
  const auto line = static_cast<std::size_t>(grid.columns * components);
  for (std::int64_t row = 0; row < grid.rows; ++row) {
    if (ctx.cancelled()) return cancelled("the run was stopped");
    const Tensor some =
        Tensor::from({grid.columns, components}, codes.span().subspan(static_cast<std::size_t>(row) * line, line));
    const Result<Tensor> patches = network->run(some);
    if (!patches) return patches.error();
    for (std::int64_t column = 0; column < grid.columns; ++column)
      add_row(patches->data() + column * item.features(), row * grid.stride, column * grid.stride, item, sum);
  }
  average(grid, sum);
  if (like != nullptr && item.kind == ItemKind::patch) sum = sum(cv::Rect(0, 0, like->width(), like->height())).clone();
  Tensor planes = as_planes(sum);
  return std::tuple(Image(to_depth(sum, params.depth)), std::move(planes));
}

Prediction PcaReconstruct::predict(const Shapes& inputs) const {
  const nn::CodeItem& item = network->item();
  const std::size_t element = params.depth == "8" ? 1 : params.depth == "16" ? 2 : 4;
  const std::size_t fixed = std::size_t{1} << 22;
  Shape picture{Kind::image, {}, element}, numbers{Kind::tensor, {}, 4};
  const Dims& codes = inputs[0].dims;
  if (item.kind == ItemKind::image) {
    picture.dims = {item.height, item.width, item.channels};
  } else if (item.kind == ItemKind::patch && codes.size() == 3) {
    const Grid grid{codes[0], codes[1], item.height, item.width, stride()};
    picture.dims = {grid.height(), grid.width(), item.channels};
  } else if (!codes.empty()) {
    picture.dims = {std::max<std::int64_t>(1, element_count(codes) / network->codes()), item.features(), 1};
  }
  numbers.dims = picture.dims;
  // The sum as floats, its cut, and one row of patches.
  const std::size_t whole = numbers.bytes();
  return {{picture, numbers},
          2 * whole + (codes.size() == 3 ? static_cast<std::size_t>(4 * codes[1] * item.features()) : 0) + fixed};
}

}  // namespace latentflow::pca

// decoding.cpp: see decoding.h.
#include "decoding.h"

#include <fmt/format.h>

#include "whole_pictures.h"

namespace latentflow::codes {
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

Result<Decoding> Decoding::create(const Options& options, const Family& family, Services& services) {
  auto network = CodeNetwork::load(options.model, CodeNetwork::Half::decoder, family, options.precision, services);
  if (!network) return std::move(network).error();
  if ((*network)->pictures() && options.stride != 0)
    return invalid_argument(
        fmt::format("stride is {}, a model of whole pictures has no patches; allowed 0", options.stride));
  if (Status status = check_stride(options.stride, (*network)->item()); !status) return status.error();
  return Decoding(std::move(*network), options, family);
}

Result<Grid> Decoding::grid_of(const Tensor& codes, const Image* like) const {
  const nn::CodeItem& item = network_->item();
  if (codes.dims().size() != 3)
    return bad_input(fmt::format("codes are {}, a model of patches needs [rows, columns, {}]", to_string(codes.dims()),
                                 network_->codes()));
  const Grid grid{codes.dims()[0], codes.dims()[1], item.height, item.width, patch_stride(stride_, item)};
  if (grid.height() > 65535 || grid.width() > 65535)
    return bad_input(fmt::format("codes of {}x{} patches give a picture of {}x{}, allowed up to 65535 on a side",
                                 grid.columns, grid.rows, grid.width(), grid.height()));
  if (like == nullptr) return grid;
  const Grid wanted = grid_over(like->height(), like->width(), item, patch_stride(stride_, item));
  if (!(wanted == grid))
    return bad_input(
        fmt::format("codes are of {}x{} patches, a picture of {}x{} has {}x{} with stride {}; {} has to use the same "
                    "stride",
                    grid.columns, grid.rows, like->width(), like->height(), wanted.columns, wanted.rows,
                    patch_stride(stride_, item), family_.encoding_node));
  return grid;
}

Result<std::tuple<Image, Tensor>> Decoding::run(const Tensor& codes, const Image* like, Context& ctx) const {
  if (network_->pictures()) return decode_whole(*network_, codes, like, depth_, ctx);
  const nn::CodeItem& item = network_->item();
  const std::int64_t numbers = network_->codes();
  if (codes.empty() || codes.dims().empty() || codes.dims().back() != numbers ||
      (item.kind == ItemKind::image && codes.size() != numbers && codes.dims().size() != 2))
    return bad_input(fmt::format(
        "codes are {}, the model has {} {}{}", to_string(codes.dims()), numbers, family_.code_numbers,
        item.kind == ItemKind::image ? " for one picture, or [pictures, numbers] for a strip of them" : ""));
  if (Status status = check_rows(codes.span(), numbers); !status) return status.error();
  const std::int64_t count = codes.size() / numbers;
  if (item.kind == ItemKind::tensor) {
    const Result<Tensor> rows = network_->run(codes.reshaped({count, numbers}));
    if (!rows) return rows.error();
    if (count > 65535 * 16) return bad_input(fmt::format("codes have {} rows, allowed up to {}", count, 65535 * 16));
    const cv::Mat picture(static_cast<int>(count), static_cast<int>(item.features()), CV_32F,
                          const_cast<float*>(rows->data()));
    Dims dims = codes.dims();
    dims.back() = item.features();
    const Result<cv::Mat> samples = to_depth(picture.clone(), depth_);
    if (!samples) return samples.error();
    return std::tuple(Image(*samples), rows->reshaped(dims));
  }

  Grid grid{1, count, item.height, item.width, item.width};
  if (item.kind == ItemKind::patch) {
    const Result<Grid> found = grid_of(codes, like);
    if (!found) return found.error();
    grid = *found;
  }
  cv::Mat sum = cv::Mat::zeros(static_cast<int>(grid.height()), static_cast<int>(grid.width()),
                               CV_32FC(static_cast<int>(item.channels)));
  const auto line = static_cast<std::size_t>(grid.columns * numbers);
  for (std::int64_t row = 0; row < grid.rows; ++row) {
    if (ctx.cancelled()) return cancelled("the run was stopped");
    const Tensor some =
        Tensor::from({grid.columns, numbers}, codes.span().subspan(static_cast<std::size_t>(row) * line, line));
    const Result<Tensor> patches = network_->run(some);
    if (!patches) return patches.error();
    for (std::int64_t column = 0; column < grid.columns; ++column)
      add_row(patches->data() + column * item.features(), row * grid.stride, column * grid.stride, item, sum);
  }
  average(grid, sum);
  if (like != nullptr && item.kind == ItemKind::patch) sum = sum(cv::Rect(0, 0, like->width(), like->height())).clone();
  Tensor planes = as_planes(sum);
  const Result<cv::Mat> samples = to_depth(sum, depth_);
  if (!samples) return samples.error();
  return std::tuple(Image(*samples), std::move(planes));
}

Prediction Decoding::predict(const Shapes& inputs) const {
  if (network_->pictures()) return predict_decode_whole(*network_, inputs[0], depth_);
  const nn::CodeItem& item = network_->item();
  const std::size_t element = depth_ == "8" ? 1 : depth_ == "16" ? 2 : 4;
  const std::size_t fixed = std::size_t{1} << 22;
  Shape picture{Kind::image, {}, element}, numbers{Kind::tensor, {}, 4};
  const Dims& codes = inputs[0].dims;
  if (item.kind == ItemKind::image) {
    const std::int64_t pictures = codes.size() == 2 ? codes[0] : 1;
    picture.dims = {item.height, pictures * item.width, item.channels};
  } else if (item.kind == ItemKind::patch && codes.size() == 3) {
    const Grid grid{codes[0], codes[1], item.height, item.width, patch_stride(stride_, item)};
    picture.dims = {grid.height(), grid.width(), item.channels};
  } else if (!codes.empty()) {
    picture.dims = {std::max<std::int64_t>(1, element_count(codes) / network_->codes()), item.features(), 1};
  }
  numbers.dims = picture.dims;
  // The sum as floats, its cut, and one row of patches.
  const std::size_t whole = numbers.bytes();
  return {{picture, numbers},
          2 * whole + (codes.size() == 3 ? static_cast<std::size_t>(4 * codes[1] * item.features()) : 0) + fixed};
}

}  // namespace latentflow::codes

// encoding.cpp: see encoding.h.
#include "encoding.h"

#include <fmt/format.h>

#include <cstring>

#include "whole_pictures.h"

namespace latentflow::codes {

using ItemKind = nn::CodeItem::Kind;

Result<Encoding> Encoding::create(const std::string& model, std::int64_t stride, const Family& family,
                                  Services& services, nn::Precision precision) {
  auto network = CodeNetwork::load(model, CodeNetwork::Half::encoder, family, precision, services);
  if (!network) return std::move(network).error();
  if ((*network)->pictures() && stride != 0)
    return invalid_argument(fmt::format("stride is {}, a model of whole pictures has no patches; allowed 0", stride));
  if (Status status = check_stride(stride, (*network)->item()); !status) return status.error();
  return Encoding(std::move(*network), stride);
}

Result<Tensor> Encoding::run(const Image* image, const Tensor* tensor, Context& ctx) const {
  if (image != nullptr && tensor != nullptr)
    return invalid_argument("image and tensor are both wired; needs one of the two");
  if (network_->pictures()) {
    if (image == nullptr) return bad_input("got a tensor, the model is for pictures");
    return encode_whole(*network_, *image, ctx);
  }
  const bool for_pictures = network_->item().kind != ItemKind::tensor;
  if ((image != nullptr) != for_pictures)
    return bad_input(fmt::format("got a {}, the model is for {}", image != nullptr ? "picture" : "tensor",
                                 to_string(network_->item())));
  return image != nullptr ? encode_picture(*image, ctx) : encode_tensor(*tensor);
}

Result<Tensor> Encoding::encode_picture(const Image& image, Context& ctx) const {
  const nn::CodeItem& item = network_->item();
  if (Status status = check_picture(image); !status) return status.error();
  if (image.channels() != item.channels)
    return bad_input(
        fmt::format("picture has {} channels, the model is for {} (node convert)", image.channels(), item.channels));
  const bool whole = item.kind == ItemKind::image;
  if (whole && (image.height() != item.height || image.width() != item.width))
    return bad_input(fmt::format("picture is {}x{}, the model is for {}x{} (node resize)", image.width(),
                                 image.height(), item.width, item.height));
  const Grid grid = whole ? Grid() : grid_over(image.height(), image.width(), item, patch_stride(stride_, item));
  const cv::Mat floats = as_floats(image);
  Tensor codes({grid.rows, grid.columns, network_->codes()});
  Tensor rows({grid.columns, item.features()});
  for (std::int64_t row = 0; row < grid.rows; ++row) {
    if (ctx.cancelled()) return cancelled("the run was stopped");
    for (std::int64_t column = 0; column < grid.columns; ++column)
      read_row(floats, row * grid.stride, column * grid.stride, item, rows.mutable_data() + column * item.features());
    const Result<Tensor> some = network_->run(rows);
    if (!some) return some;
    std::memcpy(codes.mutable_data() + row * grid.columns * network_->codes(), some->data(), some->span().size_bytes());
  }
  return whole ? codes.reshaped({network_->codes()}) : codes;
}

Result<Tensor> Encoding::encode_tensor(const Tensor& tensor) const {
  const std::int64_t features = network_->features();
  Dims dims = tensor.dims();
  const bool rows = dims.size() > 1 && dims.back() == features;
  if (tensor.empty() || (!rows && tensor.size() != features))
    return bad_input(
        fmt::format("tensor is {}, the model takes {} numbers, or rows of as many", to_string(dims), features));
  if (Status status = check_rows(tensor.span(), features); !status) return status.error();
  const Result<Tensor> codes = network_->run(tensor.reshaped({tensor.size() / features, features}));
  if (!codes) return codes;
  if (!rows) return codes->reshaped({network_->codes()});
  dims.back() = network_->codes();
  return codes->reshaped(dims);
}

Prediction Encoding::predict(const Shapes& inputs) const {
  if (network_->pictures()) return predict_encode_whole(*network_, inputs[0]);
  const nn::CodeItem& item = network_->item();
  Shape codes{latentflow::Kind::tensor, {}, 4};
  const std::size_t fixed = std::size_t{1} << 22;  // one portion of rows in the network
  if (!inputs[0].known()) {
    if (inputs[1].known())
      codes.dims = {std::max<std::int64_t>(1, element_count(inputs[1].dims) / network_->features()), network_->codes()};
    return {{codes}, inputs[1].bytes() + fixed};
  }
  const std::int64_t height = inputs[0].dims[0], width = inputs[0].dims[1];
  const Grid grid = item.kind == ItemKind::patch ? grid_over(height, width, item, patch_stride(stride_, item)) : Grid();
  codes.dims = {grid.rows, grid.columns, network_->codes()};
  const auto row_bytes = static_cast<std::size_t>(4 * grid.columns * (item.features() + network_->codes()));
  return {{codes}, 4 * static_cast<std::size_t>(element_count(inputs[0].dims)) + row_bytes + fixed};
}

}  // namespace latentflow::codes

// whole_pictures.cpp: see whole_pictures.h.
#include "whole_pictures.h"

#include <fmt/format.h>

#include <optional>

#include "picture_rows.h"

namespace latentflow::codes {
namespace {

constexpr int longest_side = nn::CodedSize::longest_side;
constexpr std::int64_t probe_side = 64;  ///< codes along a picture whose size is not known yet

std::int64_t cover(std::int64_t extent, std::int64_t multiple) { return (extent + multiple - 1) / multiple; }

nn::CodeItem planes_of(std::int64_t height, std::int64_t width, std::int64_t channels) {
  return {nn::CodeItem::Kind::image, height, width, channels};
}

}  // namespace

Result<Tensor> encode_whole(const CodeNetwork& network, const Image& picture, Context& ctx) {
  if (Status status = check_picture(picture); !status) return status.error();
  const PictureCodes& model = *network.pictures();
  if (picture.channels() != model.channels)
    return bad_input(
        fmt::format("picture has {} channels, the model is for {} (node convert)", picture.channels(), model.channels));
  const std::int64_t rows = cover(picture.height(), model.multiple), columns = cover(picture.width(), model.multiple);
  Tensor planes({1, model.channels, rows * model.multiple, columns * model.multiple});
  read_row(as_floats(picture), 0, 0, planes_of(planes.dims()[2], planes.dims()[3], model.channels),
           planes.mutable_data());
  if (ctx.cancelled()) return cancelled("the run was stopped");
  const Result<Tensor> codes = network.run_picture(planes);
  if (!codes) return codes;
  Metadata metadata = ctx.item().metadata;
  metadata.tags[nn::coded_size_tag] = fmt::format("{}x{}", picture.width(), picture.height());
  ctx.set_metadata(std::move(metadata));
  return codes->reshaped({network.codes(), rows, columns});
}

Result<std::tuple<Image, Tensor>> decode_whole(const CodeNetwork& network, const Tensor& codes, const Image* like,
                                               const std::string& depth, Context& ctx) {
  const PictureCodes& model = *network.pictures();
  const Dims& dims = codes.dims();
  if (codes.empty() || dims.size() != 3 || dims[0] != network.codes())
    return bad_input(
        fmt::format("codes are {}, the model needs [{}, rows, columns]", to_string(dims), network.codes()));
  if (Status status = check_rows(codes.span(), dims[1] * dims[2]); !status) return status.error();
  if (dims[1] * model.multiple > longest_side || dims[2] * model.multiple > longest_side)
    return bad_input(fmt::format("codes of {}x{} give a picture of {}x{}, allowed up to {} on a side", dims[2], dims[1],
                                 dims[2] * model.multiple, dims[1] * model.multiple, longest_side));
  nn::CodedSize size{static_cast<int>(dims[2] * model.multiple), static_cast<int>(dims[1] * model.multiple)};
  const auto tag = ctx.item().metadata.tags.find(nn::coded_size_tag);
  std::optional<nn::CodedSize> wanted;
  if (like != nullptr)
    wanted = nn::CodedSize{like->width(), like->height()};
  else if (tag != ctx.item().metadata.tags.end() && !(wanted = nn::parse_coded_size(tag->second)))
    return bad_input(fmt::format("the size of the picture is '{}', needs width and height of 1 to {}, such as 511x339",
                                 tag->second, longest_side));
  if (wanted) {
    if (cover(wanted->height, model.multiple) != dims[1] || cover(wanted->width, model.multiple) != dims[2])
      return bad_input(fmt::format("codes are of {}x{}, a picture of {}x{} has {}x{}", dims[2], dims[1], wanted->width,
                                   wanted->height, cover(wanted->width, model.multiple),
                                   cover(wanted->height, model.multiple)));
    size = *wanted;
  }
  if (ctx.cancelled()) return cancelled("the run was stopped");
  const Result<Tensor> planes = network.run_picture(codes.reshaped({1, dims[0], dims[1], dims[2]}));
  if (!planes) return planes.error();
  const Dims& full = planes->dims();
  cv::Mat whole =
      cv::Mat::zeros(static_cast<int>(full[2]), static_cast<int>(full[3]), CV_32FC(static_cast<int>(model.channels)));
  add_row(planes->data(), 0, 0, planes_of(full[2], full[3], model.channels), whole);
  const cv::Mat picture = whole(cv::Rect(0, 0, size.width, size.height)).clone();
  Tensor numbers({model.channels, size.height, size.width});
  read_row(picture, 0, 0, planes_of(size.height, size.width, model.channels), numbers.mutable_data());
  const Result<cv::Mat> samples = to_depth(picture, depth);
  if (!samples) return samples.error();
  return std::tuple(Image(*samples), std::move(numbers));
}

Prediction predict_encode_whole(const CodeNetwork& network, const Shape& picture) {
  Shape codes{Kind::tensor, {}, 4};
  const PictureCodes& model = *network.pictures();
  std::int64_t rows = probe_side, columns = probe_side;
  if (picture.known()) {
    rows = cover(picture.dims[0], model.multiple), columns = cover(picture.dims[1], model.multiple);
    codes.dims = {network.codes(), rows, columns};
  }
  Prediction prediction = network.picture_memory(rows * model.multiple, columns * model.multiple);
  // The picture as floats; the planes that go in are in the network's share.
  if (picture.known()) prediction.working_bytes = sizeof(float) * static_cast<std::size_t>(element_count(picture.dims));
  prediction.outputs = {codes};
  return prediction;
}

Prediction predict_decode_whole(const CodeNetwork& network, const Shape& codes, const std::string& depth) {
  const std::size_t element = depth == "8" ? 1 : depth == "16" ? 2 : 4;
  Shape picture{Kind::image, {}, element}, numbers{Kind::tensor, {}, 4};
  const PictureCodes& model = *network.pictures();
  const bool known = codes.dims.size() == 3;
  const std::int64_t height = (known ? codes.dims[1] : probe_side) * model.multiple,
                     width = (known ? codes.dims[2] : probe_side) * model.multiple;
  if (known) {
    picture.dims = {height, width, model.channels};
    numbers.dims = {model.channels, height, width};
  }
  Prediction prediction = network.picture_memory(height, width);
  // The planes are in the network's share; the picture twice, before and after it is cut.
  prediction.working_bytes = 2 * numbers.bytes();
  prediction.outputs = {picture, numbers};
  return prediction;
}

}  // namespace latentflow::codes

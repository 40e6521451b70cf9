// inpainter.cpp: see inpainter.h.
#include "inpainter.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "ensemble/orientation.h"
#include "holes/fill.h"
#include "latentflow/finite.h"
#include "latentflow/sample_type.h"
#include "nn/model_card.h"
#include "nn/onnx_import.h"
#include "nonlocal.h"
#include "stages/tile_prediction.h"

namespace latentflow::inpaint {
namespace {

/// Part of the region that lies inside the picture.
cv::Rect inside(const nn::Region& region, const cv::Mat& picture) {
  return ensemble::as_rect(region) & cv::Rect({0, 0}, picture.size());
}

}  // namespace

/// How a picture's channels meet the network's planes: one run per batch entry.
struct Inpainter::Feeding {
  int batch, planes;
  bool average;  ///< a grey picture through a colour network: all planes estimate its one channel

  int channel(int entry, int plane) const { return average ? 0 : batch > 1 ? 2 - entry : planes == 3 ? 2 - plane : 0; }
};

Result<std::shared_ptr<const Inpainter>> Inpainter::load(const std::string& model, nn::Precision precision,
                                                         Services& services) {
  const Result<Path> file = services.find_model(model);
  if (!file) return file.error();
  const auto make = [&]() -> Result<std::shared_ptr<const void>> {
    Result<nn::Graph> graph = nn::load_onnx(*file);
    if (!graph) return std::move(graph).error();
    const Result<nn::ModelCard> card = nn::read_card(*graph);
    if (!card) return card.error();
    if (!card->task.empty() && card->task != "inpaint")
      return invalid_argument(
          fmt::format("{} is a model for the task '{}', needs one for 'inpaint'", file->string(), card->task));
    const auto dims = [&](std::size_t input) {
      return input < graph->inputs.size() ? graph->value(graph->inputs[input]).dims : Dims();
    };
    const Dims image = dims(0), mask = dims(1);
    if (graph->inputs.size() != 2 || graph->outputs.size() != 1 || image.size() != 4 || mask.size() != 4 ||
        (image[1] != 1 && image[1] != 3) || mask[1] != 1)
      return invalid_argument(fmt::format(
          "{} has {} inputs, of shapes {} and {}; an inpainter takes a picture [N,C,H,W] with C 1 or 3 and a "
          "mask [N,1,H,W]",
          file->string(), graph->inputs.size(), to_string(image), to_string(mask)));
    auto inpainter = std::make_shared<Inpainter>();
    inpainter->name_ = file->string();
    inpainter->planes_ = static_cast<int>(image[1]);
    inpainter->multiple_ = std::max<std::int64_t>(1, card->multiple);
    auto network = nn::Network::create(std::move(*graph), {nn::Winograd::automatic, precision});
    if (!network) return std::move(network).error();
    inpainter->network_ = std::move(*network);
    return std::shared_ptr<const void>(std::move(inpainter));
  };
  Result<std::shared_ptr<const void>> shared =
      services.shared(fmt::format("inpainter:{}:{}", static_cast<int>(precision), nn::file_version(*file)), make);
  if (!shared) return std::move(shared).error();
  return std::static_pointer_cast<const Inpainter>(*shared);
}

std::vector<Tensor> Inpainter::read(const cv::Mat& prefilled, const cv::Mat& mask, const nn::Region& region,
                                    const Feeding& feed) const {
  std::vector<Tensor> inputs{Tensor({feed.batch, feed.planes, region.height, region.width}),
                             Tensor({feed.batch, 1, region.height, region.width})};
  float *planes = inputs[0].mutable_data(), *map = inputs[1].mutable_data();
  const auto scale = static_cast<float>(1 / Image(prefilled).white());
  const int channels = prefilled.channels();
  // Past the right and bottom border, up to the extents the network takes, the picture is reflected.
  const auto row_at = [&](std::int64_t y) {
    return cv::borderInterpolate(static_cast<int>(region.y + y), prefilled.rows, cv::BORDER_REFLECT);
  };
  std::vector<int> columns(static_cast<std::size_t>(region.width));
  for (std::int64_t x = 0; x < region.width; ++x)
    columns[static_cast<std::size_t>(x)] =
        cv::borderInterpolate(static_cast<int>(region.x + x), prefilled.cols, cv::BORDER_REFLECT);
  with_sample_type(prefilled.depth(), [&](auto sample) {
    using Sample = decltype(sample);
    for (int entry = 0; entry < feed.batch; ++entry) {
      for (int plane = 0; plane < feed.planes; ++plane)
        for (std::int64_t y = 0; y < region.height; ++y) {
          const Sample* row = prefilled.ptr<Sample>(row_at(y)) + feed.channel(entry, plane);
          for (const int x : columns) *planes++ = scale * static_cast<float>(row[x * channels]);
        }
      for (std::int64_t y = 0; y < region.height; ++y) {
        const std::uint8_t* row = mask.ptr<std::uint8_t>(row_at(y));
        for (const int x : columns) *map++ = row[x] != 0 ? 1.0f : 0.0f;
      }
    }
  });
  return inputs;
}

void Inpainter::put_into_holes(const float* planes, const cv::Rect& covered, const cv::Rect& counted,
                               const Feeding& feed, const cv::Mat& mask, cv::Mat& result) {
  const cv::Rect kept = counted & cv::Rect({0, 0}, result.size());
  const std::ptrdiff_t plane_size = static_cast<std::ptrdiff_t>(covered.height) * covered.width;
  const auto white = static_cast<float>(Image(result).white());
  with_sample_type(result.depth(), [&](auto sample) {
    using Sample = decltype(sample);
    for (int y = kept.y; y < kept.br().y; ++y)
      for (int x = kept.x; x < kept.br().x; ++x) {
        if (mask.at<std::uint8_t>(y, x) == 0) continue;
        const float* at = planes + static_cast<std::ptrdiff_t>(y - covered.y) * covered.width + (x - covered.x);
        Sample* pixel = result.ptr<Sample>(y) + static_cast<std::ptrdiff_t>(x) * result.channels();
        if (feed.average) {
          pixel[0] = cv::saturate_cast<Sample>(white * (at[0] + at[plane_size] + at[2 * plane_size]) / 3.0f);
          continue;
        }
        for (int entry = 0, plane = 0; entry < feed.batch; ++entry)
          for (int p = 0; p < feed.planes; ++p, ++plane)
            pixel[feed.channel(entry, p)] = cv::saturate_cast<Sample>(white * at[plane * plane_size]);
      }
  });
}

Inpainter::Feeding Inpainter::feeding(bool grey) const {
  return {planes_ == 1 && !grey ? 3 : 1, planes_, planes_ == 3 && grey};
}

Status Inpainter::run(const cv::Mat& picture, const cv::Mat& mask, const Feeding& feed, std::int64_t tile, Context& ctx,
                      const std::function<void(const nn::Tile&, const float*)>& write) const {
  const cv::Mat prefilled = holes::fill_smoothly(picture, mask);
  const std::int64_t height = padded(mask.rows), width = padded(mask.cols);
  nn::TileOptions options;
  options.side = tile;
  options = network_->fit_tiles(input_dims(feed, height, width), options, ctx.worker_limit());
  options.cancelled = [&ctx] { return ctx.cancelled(); };
  options.wanted = [&](const nn::Tile& one) {
    const cv::Rect kept = inside(one.output, mask);
    return !kept.empty() && cv::countNonZero(mask(kept)) > 0;
  };
  return network_->run_tiles(
      height, width, options,
      [&](const nn::Region& region) -> Result<std::vector<Tensor>> { return read(prefilled, mask, region, feed); },
      [&](const nn::Tile& one, const std::vector<Tensor>& outputs) -> Status {
        const Dims& dims = outputs[0].dims();
        if (dims != Dims{feed.batch, planes_, one.input.height, one.input.width})
          return bad_input(fmt::format("{} gives {} for a picture of {}x{}", name_, to_string(dims), one.input.width,
                                       one.input.height));
        if (const Status finite = check_finite(outputs[0].span(), name_); !finite) return finite;
        write(one, outputs[0].data());
        return success();
      });
}

Result<Image> Inpainter::fill(const Image& picture, const cv::Mat& mask, const Request& request, Context& ctx) const {
  const Feeding feed = feeding(picture.channels() == 1);
  cv::Mat result = picture.mat().clone();
  std::atomic<int> tiles = 0;
  if (request.ensemble <= 1) {
    const Status status =
        run(picture.mat(), mask, feed, request.tile, ctx, [&](const nn::Tile& tile, const float* planes) {
          ++tiles;
          put_into_holes(planes, ensemble::as_rect(tile.input), ensemble::as_rect(tile.output), feed, mask, result);
        });
    if (!status) return status.error();
  } else {
    const cv::Rect whole({0, 0}, mask.size());
    const int count = feed.batch * feed.planes;
    const auto mean = ensemble::mean_over_orientations(
        request.ensemble, whole.size(), count, [&](ensemble::Orientation orientation, const ensemble::TakeTile& take) {
          return run(ensemble::oriented(picture.mat(), orientation), ensemble::oriented(mask, orientation), feed,
                     request.tile, ctx, [&](const nn::Tile& tile, const float* planes) {
                       ++tiles;
                       take(planes, {ensemble::as_rect(tile.input), ensemble::as_rect(tile.output), count});
                     });
        });
    if (!mean) return mean.error();
    put_into_holes(mean->data(), whole, whole, feed, mask, result);
  }
  ctx.measure("tiles", tiles);
  if (request.nonlocal <= 0) return Image(result);
  result = move_to_similar_pixels(result, mask, request.nonlocal, [&ctx] { return ctx.cancelled(); });
  if (ctx.cancelled()) return cancelled("stopped while pixels were compared with similar ones");
  return Image(result);
}

std::vector<Dims> Inpainter::input_dims(const Feeding& feed, std::int64_t height, std::int64_t width) {
  return {{feed.batch, feed.planes, height, width}, {feed.batch, 1, height, width}};
}

Prediction Inpainter::memory(const Shape& picture, const Request& request, std::size_t worker_limit) const {
  nn::TileOptions options;
  options.side = request.tile;
  if (!picture.known()) return stages::tile_prediction(*network_, {}, options, worker_limit);
  const Feeding feed = feeding(picture.dims[2] == 1);
  Prediction prediction =
      stages::tile_prediction(*network_, input_dims(feed, padded(picture.dims[0]), padded(picture.dims[1])), options,
                              worker_limit, request.ensemble > 4);
  // First the filling, whose result stays.
  prediction.working_bytes = std::max(
      picture.bytes(), holes::fill_bytes(picture.dims[0] * picture.dims[1], static_cast<int>(picture.dims[2])));
  // Then a copy of the result, and what is compared at a time.
  if (request.nonlocal > 0)
    prediction.working_bytes = std::max(prediction.working_bytes, picture.bytes() + nonlocal_bytes());
  // An ensemble keeps picture and mask as they are turned, and the sums of up to three planes of floats.
  if (request.ensemble > 1)
    prediction.working_bytes +=
        picture.bytes() + static_cast<std::size_t>(picture.dims[0] * picture.dims[1]) * (1 + 3 * sizeof(float));
  return prediction;
}

}  // namespace latentflow::inpaint

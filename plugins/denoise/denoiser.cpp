// denoiser.cpp: see denoiser.h.
#include "denoiser.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "ensemble/orientation.h"
#include "latentflow/finite.h"
#include "nn/model_card.h"
#include "nn/onnx_import.h"
#include "stages/tile_prediction.h"

namespace latentflow::denoise {

namespace {

nn::TileOptions tile_options(std::int64_t side) {
  nn::TileOptions options;
  options.side = side;
  return options;
}

}  // namespace

struct Denoiser::Feeding {
  ChannelOrder order;       ///< planes of one run, or of all runs when the batch holds one channel each
  std::int64_t batch = 1;   ///< 3 when a grey network cleans each colour channel by itself
  bool average = false;     ///< grey picture through a colour network
  double level_factor = 1;  ///< see docs/decisions.md, grey pictures through a colour denoiser
};

Result<std::shared_ptr<const DenoiserFile>> DenoiserFile::find(const std::string& model, nn::Precision precision,
                                                               Services& services) {
  const Result<Path> file = services.find_model(model);
  if (!file) return file.error();
  const Result<std::shared_ptr<const void>> shared =
      services.shared(fmt::format("denoiser:{}:{}", static_cast<int>(precision), nn::file_version(*file)),
                      [&]() -> Result<std::shared_ptr<const void>> {
                        return std::shared_ptr<const void>(std::make_shared<DenoiserFile>(*file, precision));
                      });
  if (!shared) return shared.error();
  return std::static_pointer_cast<const DenoiserFile>(*shared);
}

Result<std::shared_ptr<const Denoiser>> DenoiserFile::denoiser() const {
  const std::lock_guard lock(mutex_);
  if (!loaded_) {
    Result<std::shared_ptr<const Denoiser>> made = Denoiser::load(file_, precision_);
    // There may be room later, or a disk that answers.
    if (!made && (made.error().code == Code::out_of_memory || made.error().code == Code::io)) return made;
    loaded_ = std::move(made);
  }
  return *loaded_;
}

Result<std::shared_ptr<const Denoiser>> Denoiser::load(const Path& file, nn::Precision precision) {
  Result<nn::Graph> graph = nn::load_onnx(file);
  if (!graph) return std::move(graph).error();
  const Result<nn::ModelCard> card = nn::read_card(*graph);
  if (!card) return card.error();
  if (!card->task.empty() && card->task != "denoise")
    return invalid_argument(
        fmt::format("{} is a model for the task '{}', needs one for 'denoise'", file.string(), card->task));

  auto denoiser = std::make_shared<Denoiser>();
  const Dims& input = graph->value(graph->inputs[0]).dims;
  const bool two_inputs = graph->inputs.size() == 2;
  if (graph->inputs.size() > 2 || graph->outputs.size() != 1 || input.size() != 4 || (input[1] != 1 && input[1] != 3))
    return invalid_argument(
        fmt::format("{} has {} inputs, the first of shape {}; a denoiser takes a picture [N,C,H,W] with C 1 or 3 and "
                    "at most a noise-level map",
                    file.string(), graph->inputs.size(), to_string(input)));
  denoiser->name_ = file.string();
  denoiser->planes_ = static_cast<int>(input[1]);
  denoiser->wants_level_ = two_inputs;
  denoiser->lowest_level_ = card->noise_min.value_or(0.0f);
  denoiser->highest_level_ = card->noise_max.value_or(255.0f);
  denoiser->multiple_ = std::max<std::int64_t>(1, card->multiple);
  auto network = nn::Network::create(std::move(*graph), {nn::Winograd::automatic, precision});
  if (!network) return std::move(network).error();
  denoiser->network_ = std::move(*network);
  return std::shared_ptr<const Denoiser>(std::move(denoiser));
}

Denoiser::Feeding Denoiser::feeding(bool grey) const {
  if (planes_ == 3) return grey ? Feeding{{0, 0, 0, -1}, 1, true, std::sqrt(3.0)} : Feeding{{2, 1, 0, -1}, 1, false, 1};
  return grey ? Feeding{{0, -1, -1, -1}, 1, false, 1} : Feeding{{2, 1, 0, -1}, 3, false, 1};
}

Status Denoiser::run(const Image& noisy, const Image* map, const Request& request, Context& ctx,
                     const std::function<void(const nn::Tile&, const float*)>& write) const {
  const Feeding feed = feeding(noisy.channels() == 1);
  std::atomic<double> gflop = 0;
  const auto read = [&](const nn::Region& region) -> Result<std::vector<Tensor>> {
    const cv::Rect rect = ensemble::as_rect(region);
    std::vector<Tensor> inputs{Tensor({feed.batch, planes_, region.height, region.width})};
    read_planes(noisy, rect, feed.order, inputs[0].mutable_data());
    if (!wants_level_) return inputs;
    const Dims level{feed.batch, 1, region.height, region.width};
    if (map == nullptr) {
      inputs.push_back(Tensor::filled(level, static_cast<float>(feed.level_factor * request.sigma / 255.0)));
    } else {
      inputs.emplace_back(level);
      for (std::int64_t n = 0; n < feed.batch; ++n)
        read_planes(*map, rect, {0, -1, -1, -1}, inputs[1].mutable_data() + n * region.height * region.width);
      for (float& one : inputs[1].mutable_span()) one *= static_cast<float>(feed.level_factor);
    }
    if (feed.average) add_chroma_noise(inputs[0].mutable_data(), inputs[1].data(), rect);
    return inputs;
  };
  const auto take = [&](const nn::Tile& tile, const std::vector<Tensor>& outputs) -> Status {
    const Dims& dims = outputs[0].dims();
    if (dims != Dims{feed.batch, planes_, tile.input.height, tile.input.width})
      return bad_input(fmt::format("{} gives {} for a picture of {}x{}", name_, to_string(dims), tile.input.width,
                                   tile.input.height));
    if (const Status finite = check_finite(outputs[0].span(), name_); !finite) return finite;
    write(tile, outputs[0].data());
    gflop += 1e-9 * network_->tile_flop(input_dims(feed, tile.input.height, tile.input.width), tile);
    return success();
  };
  const std::int64_t height = padded(noisy.height()), width = padded(noisy.width());
  nn::TileOptions options =
      network_->fit_tiles(input_dims(feed, height, width), tile_options(request.tile), ctx.worker_limit());
  options.cancelled = [&ctx] { return ctx.cancelled(); };
  const Status status = network_->run_tiles(height, width, options, read, take);
  if (status) ctx.measure("gflop", gflop);
  return status;
}

Result<Image> Denoiser::clean(const Image& noisy, const Request& request, Context& ctx) const {
  const Feeding feed = feeding(noisy.channels() == 1);
  cv::Mat result = noisy.mat().clone();
  if (request.ensemble <= 1) {
    const Status status = run(noisy, request.map, request, ctx, [&](const nn::Tile& tile, const float* planes) {
      write_planes(
          planes,
          {ensemble::as_rect(tile.input), ensemble::as_rect(tile.output), feed.order, feed.average, request.strength},
          noisy, result);
    });
    if (!status) return status.error();
    return Image(result);
  }
  const int count = static_cast<int>(feed.batch) * planes_;
  const cv::Rect whole({0, 0}, noisy.mat().size());
  const auto mean = ensemble::mean_over_orientations(
      request.ensemble, whole.size(), count, [&](ensemble::Orientation orientation, const ensemble::TakeTile& take) {
        const Image turned(ensemble::oriented(noisy.mat(), orientation));
        const Image turned_map(request.map != nullptr ? ensemble::oriented(request.map->mat(), orientation)
                                                      : cv::Mat());
        return run(turned, request.map != nullptr ? &turned_map : nullptr, request, ctx,
                   [&](const nn::Tile& tile, const float* planes) {
                     take(planes, {ensemble::as_rect(tile.input), ensemble::as_rect(tile.output), count});
                   });
      });
  if (!mean) return mean.error();
  write_planes(mean->data(), {whole, whole, feed.order, feed.average, request.strength}, noisy, result);
  return Image(result);
}

std::size_t Denoiser::file_bytes() const {
  return sizeof(float) * static_cast<std::size_t>(nn::parameter_count(network_->graph()));
}

std::vector<Dims> Denoiser::input_dims(const Feeding& feed, std::int64_t height, std::int64_t width) const {
  std::vector<Dims> dims{{feed.batch, planes_, height, width}};
  if (wants_level_) dims.push_back({feed.batch, 1, height, width});
  return dims;
}

Prediction Denoiser::memory(const Shape& picture, std::int64_t tile, int ensemble, std::size_t worker_limit) const {
  if (!picture.known()) return stages::tile_prediction(*network_, {}, tile_options(tile), worker_limit);
  const Feeding feed = feeding(picture.dims[2] == 1);
  Prediction prediction =
      stages::tile_prediction(*network_, input_dims(feed, padded(picture.dims[0]), padded(picture.dims[1])),
                              tile_options(tile), worker_limit, ensemble > 4);
  // An ensemble keeps the picture as it is turned, and its level map, and the sums of up to three planes of floats.
  if (ensemble > 1)
    prediction.working_bytes =
        picture.bytes() + 4 * sizeof(float) * static_cast<std::size_t>(picture.dims[0] * picture.dims[1]);
  return prediction;
}

}  // namespace latentflow::denoise

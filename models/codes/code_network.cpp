// code_network.cpp: see code_network.h.
#include "code_network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "nn/model_card.h"
#include "nn/onnx_import.h"
#include "stages/tile_prediction.h"

namespace latentflow::codes {
namespace {

// Rows of one run: the last portion is filled up to the next of these, so that four plans serve any number of rows.
constexpr std::array<std::int64_t, 4> batches{1, 32, 256, 1024};

/// Extent 1 of a value [batch, n]; 0 when it is anything else.
std::int64_t columns_of(const nn::Graph& graph, nn::ValueId id) {
  const Dims& dims = graph.value(id).dims;
  return dims.size() == 2 && dims[1] > 0 ? dims[1] : 0;
}

/// A network with nothing to cut off.
Result<nn::Graph> only_way_of(const nn::Graph& graph) {
  if (graph.inputs.size() == 1 && graph.outputs.size() == 1) return graph;
  return invalid_argument(fmt::format("network \"{}\" has {} inputs and {} outputs; needs one of both", graph.name,
                                      graph.inputs.size(), graph.outputs.size()));
}

}  // namespace

bool Family::takes(const std::string& task) const { return std::find(tasks.begin(), tasks.end(), task) != tasks.end(); }

Result<PictureCodes> picture_codes(const nn::Graph& graph, std::int64_t multiple) {
  const std::int64_t channels = graph.value(graph.inputs[0]).dims[1];
  if (channels != 1 && channels != 3)
    return invalid_argument(fmt::format("takes pictures of {} channels, needs 1 or 3", channels));
  const Dims picture{1, channels, 2 * multiple, 3 * multiple};
  const Result<std::vector<Dims>> shapes = nn::infer_shapes(graph, {&picture, 1});
  if (!shapes) return shapes.error();
  const Dims &code = (*shapes)[static_cast<std::size_t>(graph.outputs[0])],
             &back = (*shapes)[static_cast<std::size_t>(graph.outputs[1])];
  if (code.size() != 4 || code[2] != 2 || code[3] != 3 || back != picture)
    return invalid_argument(
        fmt::format("makes codes {} and a reconstruction {} of a picture {}; needs one code for {} pixels a side, and "
                    "the picture's own extents again (key multiple of the card)",
                    to_string(code), to_string(back), to_string(picture), multiple));
  return PictureCodes{channels, multiple, code[1]};
}

Result<std::shared_ptr<const CodeNetwork>> CodeNetwork::load(const std::string& model, Half half, const Family& family,
                                                             nn::Precision precision, Services& services) {
  const Result<Path> file = services.find_model(model);
  if (!file) return file.error();
  const auto make = [&]() -> Result<std::shared_ptr<const void>> {
    const Result<nn::Graph> graph = nn::load_onnx(*file);
    if (!graph) return graph.error();
    const Result<nn::ModelCard> card = nn::read_card(*graph);
    if (!card) return card.error();
    if (!card->task.empty() && !family.takes(card->task))
      return invalid_argument(fmt::format("{} is a model for the task '{}', needs one for '{}' ({})", file->string(),
                                          card->task, fmt::join(family.tasks, "' or '"), family.written_by));
    Result<nn::Graph> part = family.one_way          ? only_way_of(*graph)
                             : half == Half::encoder ? nn::encoder_of(*graph)
                                                     : nn::decoder_of(*graph);
    if (!part) return invalid_argument(fmt::format("{}: {}", file->string(), part.error().message));
    auto made = std::make_shared<CodeNetwork>();
    if (!family.one_way && graph->value(graph->inputs[0]).dims.size() == 4) {
      const Result<PictureCodes> pictures = picture_codes(*graph, card->multiple);
      if (!pictures) return invalid_argument(fmt::format("{}: {}", file->string(), pictures.error().message));
      made->pictures_ = *pictures, made->codes_ = pictures->codes;
      made->decoder_ = half == Half::decoder;
      auto convolutional = nn::Network::create(std::move(*part), {nn::Winograd::automatic, precision});
      if (!convolutional) return std::move(convolutional).error();
      made->network_ = std::move(*convolutional);
      return std::shared_ptr<const void>(std::move(made));
    }
    const std::int64_t features = columns_of(*graph, graph->inputs[0]);
    made->codes_ = columns_of(*graph, graph->outputs[0]);
    if (family.one_way && (features == 0 || made->codes_ == 0))
      return invalid_argument(fmt::format("{} takes {} to {}; needs [batch, features] and [batch, {}]", file->string(),
                                          to_string(graph->value(graph->inputs[0]).dims),
                                          to_string(graph->value(graph->outputs[0]).dims), family.code_numbers));
    if (!family.one_way && (features == 0 || made->codes_ == 0 || columns_of(*graph, graph->outputs[1]) != features))
      return invalid_argument(fmt::format(
          "{} takes {} to codes {} and reconstructions {}; needs [batch, features], [batch, codes] and [batch, "
          "features]",
          file->string(), to_string(graph->value(graph->inputs[0]).dims),
          to_string(graph->value(graph->outputs[0]).dims), to_string(graph->value(graph->outputs[1]).dims)));
    made->item_.width = features;
    if (const auto text = graph->metadata.find("item"); text != graph->metadata.end()) {
      const Result<nn::CodeItem> item = nn::parse_code_item(text->second);
      if (!item) return bad_input(fmt::format("{}: {}", file->string(), item.error().message));
      if (item->features() != features)
        return bad_input(fmt::format("{}: item \"{}\" has {} numbers, the network takes {}", file->string(),
                                     text->second, item->features(), features));
      made->item_ = *item;
    }
    if (half == Half::encoder) {
      const Result<std::int64_t> keep = nn::code_keep(*graph, made->codes_);
      if (!keep) return bad_input(fmt::format("{}: {}", file->string(), keep.error().message));
      made->keep_ = *keep;
    }
    made->outputs_ = half == Half::encoder ? made->codes_ : features;
    auto network = nn::Network::create(std::move(*part), {nn::Winograd::automatic, precision});
    if (!network) return std::move(network).error();
    made->network_ = std::move(*network);
    return std::shared_ptr<const void>(std::move(made));
  };
  const std::string key =
      fmt::format("codes:{}:{}:{}:{}", family.encoding_node, half == Half::encoder ? "encoder" : "decoder",
                  static_cast<int>(precision), nn::file_version(*file));
  Result<std::shared_ptr<const void>> shared = services.shared(key, make);
  if (!shared) return std::move(shared).error();
  return std::static_pointer_cast<const CodeNetwork>(*shared);
}

Result<Tensor> CodeNetwork::run_picture(const Tensor& planes) const {
  Result<std::vector<Tensor>> outputs = network_->run({&planes, 1});
  if (!outputs) return outputs.error();
  return std::move(outputs->front());
}

Prediction CodeNetwork::picture_memory(std::int64_t height, std::int64_t width) const {
  const std::int64_t scale = decoder_ ? pictures_->multiple : 1;
  const Dims planes{1, decoder_ ? codes_ : pictures_->channels, height / scale, width / scale};
  nn::TileOptions whole;
  whole.side = std::max(height, width);
  return stages::tile_prediction(*network_, {planes}, whole, no_limit);
}

Result<Tensor> CodeNetwork::run(const Tensor& rows) const {
  const std::int64_t count = rows.dims()[0], inputs = rows.dims()[1];
  Tensor all({count, outputs_});
  for (std::int64_t begin = 0; begin < count;) {
    const std::int64_t some = std::min(batches.back(), count - begin);
    const std::int64_t batch = *std::lower_bound(batches.begin(), batches.end(), some);
    Tensor portion = rows;
    if (batch != count) {
      portion = Tensor({batch, inputs});
      float* target = portion.mutable_data();
      std::memcpy(target, rows.data() + begin * inputs, static_cast<std::size_t>(some * inputs) * sizeof(float));
      std::fill(target + some * inputs, target + batch * inputs, 0.0f);
    }
    const Result<std::vector<Tensor>> result = network_->run({&portion, 1});
    if (!result) return result.error();
    std::memcpy(all.mutable_data() + begin * outputs_, result->front().data(),
                static_cast<std::size_t>(some * outputs_) * sizeof(float));
    for (std::int64_t row = begin; keep_ > 0 && row < begin + some; ++row)
      nn::keep_largest({all.mutable_data() + row * outputs_, static_cast<std::size_t>(outputs_)}, keep_);
    begin += some;
  }
  return all;
}

}  // namespace latentflow::codes

// calibration.h: pictures that a network is quantized and judged by, and the numbers that its layers see on them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "nn/graph.h"
#include "nn/model_card.h"
#include "nn/quantization.h"
#include "ranges.h"

namespace latentflow::quantize {

/// What a network gets and what it should give: [1,C,P,P] each; `counts` is 1 where the result is looked at.
struct Sample {
  std::vector<Tensor> inputs;
  Tensor clean, counts;
};

struct SampleOptions {
  std::filesystem::path folder;  ///< of pictures, searched recursively
  std::int64_t count = 64;
  std::uint64_t seed = 1;
  std::optional<double> sigma;  ///< noise of every sample in grey levels of 255, in place of what the card says
};

/// Samples as the trainer makes them (models/train/samples.h), by the recipe in the card or, without one, by its task
/// and noise range: noisy pictures for denoisers, pictures with filled holes for inpainters, which are judged in the
/// holes alone. Depend on pictures and seed only. Errors: an unknown task, inputs that fit no task, a noise level for
/// an inpainter, those of train::load_photographs.
Result<std::vector<Sample>> make_samples(const nn::Graph& graph, const nn::ModelCard& card,
                                         const SampleOptions& options);

/// What the values hold on the samples; they may be inputs of the graph.
Result<std::vector<Histogram>> observe(const nn::Graph& graph, const std::vector<nn::ValueId>& values,
                                       std::span<const Sample> samples);

/// Means of the channels of a picture over the samples, as it is and as it is after rounding (split_input.h: twice as
/// many).
struct ChannelMeans {
  std::vector<double> exact, rounded;
};
/// A value that convolutions read, and how it is rounded for them.
struct RoundedInput {
  nn::ValueId value = nn::no_value;
  nn::QuantizeAttributes grid;
  bool split = false;
};
Result<std::vector<ChannelMeans>> channel_means(const nn::Graph& graph, const std::vector<RoundedInput>& inputs,
                                                std::span<const Sample> samples);

/// PSNR against the clean pictures in dB, mean over the samples.
Result<double> quality(const nn::Graph& graph, nn::Precision precision, std::span<const Sample> samples);

}  // namespace latentflow::quantize

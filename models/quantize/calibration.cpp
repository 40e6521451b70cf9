// calibration.cpp: see calibration.h.
#include "calibration.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include "nn/network.h"
#include "split_input.h"
#include "train/samples.h"

namespace latentflow::quantize {
namespace {

constexpr std::int64_t patch_side = 128;

/// Corruption as in training, as far as the card says.
Result<train::Recipe> recipe_of(const nn::Graph& graph, const nn::ModelCard& card, const SampleOptions& options) {
  if (!card.task.empty() && card.task != "denoise" && card.task != "inpaint")
    return invalid_argument(
        fmt::format("network \"{}\" is for the task \"{}\"; samples can be made for \"denoise\" and "
                    "\"inpaint\"",
                    graph.name, card.task));
  const auto dims = [&](std::size_t input) {
    return input < graph.inputs.size() ? graph.value(graph.inputs[input]).dims : Dims();
  };
  const bool two = graph.inputs.size() == 2, inpaint = card.task == "inpaint";
  if (graph.outputs.size() != 1)
    return invalid_argument(fmt::format("network \"{}\" makes {} outputs; needed is one, the picture restored",
                                        graph.name, graph.outputs.size()));
  if (graph.inputs.size() > 2 || dims(0).size() != 4 || (dims(0)[1] != 1 && dims(0)[1] != 3) ||
      (two && (dims(1).size() != 4 || dims(1)[1] != 1)) || (inpaint && !two))
    return invalid_argument(
        fmt::format("network \"{}\" takes {} inputs, the first of shape {}; needed are a picture [N,C,H,W] with C 1 or "
                    "3 and at most a map [N,1,H,W]",
                    graph.name, graph.inputs.size(), to_string(dims(0))));
  train::Recipe recipe;
  bool told = false;
  if (!card.recipe.empty())
    if (auto read = train::parse_recipe(card.recipe, "the recipe in the card"))
      recipe = std::move(*read), told = recipe.task != train::Task::autoencoder;
  if (!told) recipe = {};
  if (!told && card.noise_max)
    recipe.corruption.gaussian = {{1.0, {static_cast<double>(card.noise_min.value_or(0)), *card.noise_max}}};
  recipe.task = inpaint ? train::Task::inpaint : train::Task::denoise;
  recipe.network.color = dims(0)[1] == 3;
  recipe.network.noise_map = two && !inpaint;
  recipe.network.mask = inpaint;
  recipe.seed = options.seed;
  if (options.sigma && inpaint)
    return invalid_argument(fmt::format("network \"{}\" is for the task \"inpaint\", which has no noise", graph.name));
  if (options.sigma)
    recipe.corruption.photo.share = 0, recipe.corruption.gaussian = {{1.0, {*options.sigma, *options.sigma}}};
  return recipe;
}

/// Runs the samples on all threads; `take` may be called from several at once.
Status run_samples(const nn::Graph& graph, nn::Precision precision, std::span<const Sample> samples,
                   const std::function<void(std::size_t, const std::vector<Tensor>&)>& take) {
  const auto network = nn::Network::create(graph, {nn::Winograd::automatic, precision});
  if (!network) return network.error();
  std::mutex mutex;
  std::optional<Error> failure;
  tbb::parallel_for(std::size_t{0}, samples.size(), [&](std::size_t i) {
    const auto outputs = (*network)->run(samples[i].inputs);
    if (outputs) return take(i, *outputs);
    const std::lock_guard lock(mutex);
    if (!failure) failure = outputs.error();
  });
  return failure ? Status(*failure) : success();
}

double psnr(const Tensor& result, const Sample& sample) {
  const std::size_t area = sample.counts.span().size();
  double squares = 0, counted = 0;
  for (std::size_t i = 0; i < sample.clean.span().size(); ++i) {
    const double looked = sample.counts.span()[i % area];
    const double value = std::clamp(static_cast<double>(result.span()[i]), 0.0, 1.0) - sample.clean.span()[i];
    squares += looked * value * value, counted += looked;
  }
  return 10 * std::log10(std::max(counted, 1.0) / std::max(squares, 1e-12));
}

}  // namespace

Result<std::vector<Sample>> make_samples(const nn::Graph& graph, const nn::ModelCard& card,
                                         const SampleOptions& options) {
  const auto recipe = recipe_of(graph, card, options);
  if (!recipe) return recipe.error();
  train::Phase phase;
  phase.patch = (patch_side + card.multiple - 1) / card.multiple * card.multiple;
  const auto photographs = train::load_photographs(options.folder, recipe->network.color, phase.patch,
                                                   static_cast<std::size_t>(options.count));
  if (!photographs) return photographs.error();
  const train::SampleMaker maker(*recipe, *photographs);
  const std::int64_t side = phase.patch, channels = recipe->network.color ? 3 : 1;
  std::vector<Sample> samples(static_cast<std::size_t>(options.count));
  tbb::parallel_for(std::size_t{0}, samples.size(), [&](std::size_t i) {
    Sample& sample = samples[i];
    Tensor input({1, channels, side, side}), map({1, 1, side, side}), clean({1, channels, side, side}),
        weight({1, 1, side, side});
    maker.make(0, i, phase, {input.mutable_data(), map.mutable_data(), clean.mutable_data(), weight.mutable_data()});
    sample.counts = recipe->task == train::Task::inpaint ? map : Tensor::filled({1, 1, side, side}, 1);
    sample.clean = clean;
    sample.inputs = {input};
    if (recipe->network.second_input()) sample.inputs.push_back(map);
  });
  return samples;
}

namespace {

/// Hands every value of every sample to `take`, by its number in `values`; one call at a time.
Status watch(const nn::Graph& graph, const std::vector<nn::ValueId>& values, std::span<const Sample> samples,
             const std::function<void(std::size_t, const Tensor&)>& take) {
  const auto input_of = [&](nn::ValueId id) {
    return static_cast<std::size_t>(std::find(graph.inputs.begin(), graph.inputs.end(), id) - graph.inputs.begin());
  };
  nn::Graph watched = graph;
  watched.outputs.clear();
  for (const nn::ValueId id : values)
    if (input_of(id) == graph.inputs.size()) watched.outputs.push_back(id);
  if (watched.outputs.empty()) watched.outputs = graph.outputs;
  std::mutex mutex;
  return run_samples(watched, nn::Precision::f32, samples, [&](std::size_t i, const std::vector<Tensor>& outputs) {
    const std::lock_guard lock(mutex);
    std::size_t next = 0;
    for (std::size_t v = 0; v < values.size(); ++v) {
      const std::size_t input = input_of(values[v]);
      take(v, input < graph.inputs.size() ? samples[i].inputs[input] : outputs[next++]);
    }
  });
}

}  // namespace

Result<std::vector<Histogram>> observe(const nn::Graph& graph, const std::vector<nn::ValueId>& values,
                                       std::span<const Sample> samples) {
  std::vector<Range> ranges(values.size());
  Status done = watch(graph, values, samples, [&](std::size_t v, const Tensor& x) { ranges[v].include(x.span()); });
  std::vector<Histogram> histograms(ranges.begin(), ranges.end());
  if (done) done = watch(graph, values, samples, [&](std::size_t v, const Tensor& x) { histograms[v].add(x.span()); });
  if (!done) return done.error();
  return histograms;
}

Result<std::vector<ChannelMeans>> channel_means(const nn::Graph& graph, const std::vector<RoundedInput>& inputs,
                                                std::span<const Sample> samples) {
  std::vector<ChannelMeans> means(inputs.size());
  std::vector<nn::ValueId> values;
  for (const RoundedInput& input : inputs) values.push_back(input.value);
  const auto add = [&](const Tensor& x, std::vector<double>& sums) {
    const auto channels = static_cast<std::size_t>(x.dims()[1]), area = x.span().size() / channels;
    sums.resize(channels, 0);
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (const float one : x.span().subspan(c * area, area)) sum += static_cast<double>(one);
      sums[c] += sum / static_cast<double>(area * samples.size());
    }
  };
  const Status done = watch(graph, values, samples, [&](std::size_t v, const Tensor& x) {
    add(x, means[v].exact);
    add(inputs[v].split ? split_numbers(x, inputs[v].grid) : nn::rounded(x, inputs[v].grid), means[v].rounded);
  });
  if (!done) return done.error();
  return means;
}

Result<double> quality(const nn::Graph& graph, nn::Precision precision, std::span<const Sample> samples) {
  std::vector<double> each(samples.size(), 0);
  const Status done = run_samples(graph, precision, samples, [&](std::size_t i, const std::vector<Tensor>& outputs) {
    each[i] = outputs[0].dims() == samples[i].clean.dims() ? psnr(outputs[0], samples[i]) : -1000;
  });
  if (!done) return done.error();
  double sum = 0;
  for (const double one : each) sum += one;
  return sum / static_cast<double>(samples.size());
}

}  // namespace latentflow::quantize

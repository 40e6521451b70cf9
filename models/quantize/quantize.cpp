// quantize.cpp: see quantize.h.
#include "quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "nn/passes.h"
#include "split_input.h"

namespace latentflow::quantize {
namespace {

/// A convolution of the float graph with the grids that it may get.
struct Candidate {
  std::size_t node = 0;
  RoundedInput input;
  nn::QuantizeAttributes weight_grid;
  Tensor weights;              ///< on the grid
  std::optional<Tensor> bias;  ///< that takes back what rounding moves the mean of a channel; none without a bias
};

bool is_candidate(const nn::Graph& graph, const nn::Node& node) {
  return node.op == nn::Op::conv && node.as<nn::ConvAttributes>().group == 1 && graph.is_constant(node.inputs[1]) &&
         !graph.is_constant(node.inputs[0]);
}

/// The graph with these candidates quantized; convolutions that read one value share its rounding.
nn::Graph quantized(const nn::Graph& graph, const std::vector<Candidate>& candidates, const std::vector<bool>& chosen) {
  nn::Graph made = graph;  // shares the weights
  made.nodes.clear();
  std::map<nn::ValueId, nn::ValueId> rounded;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    nn::Node node = graph.nodes[i];
    for (std::size_t c = 0; c < candidates.size(); ++c) {
      if (candidates[c].node != i || !chosen[c]) continue;
      const nn::ValueId x = node.inputs[0];
      if (!rounded.contains(x))
        rounded[x] = candidates[c].input.split ? add_split(made, x, candidates[c].input.grid)
                                               : made.add_node(nn::Op::quantize, graph.value(x).name + ".quantized",
                                                               {x}, candidates[c].input.grid);
      node.inputs[0] = rounded[x];
      node.inputs[1] = made.add_constant(node.name + ".int8_weight", candidates[c].weights);
      made.value(node.inputs[1]).grid = candidates[c].weight_grid;
      if (candidates[c].bias) node.inputs[2] = made.add_constant(node.name + ".corrected_bias", *candidates[c].bias);
    }
    made.nodes.push_back(std::move(node));
  }
  return made;
}

Result<std::vector<Candidate>> find_candidates(const nn::Graph& graph, const Options& options) {
  if (nn::has_quantized_layers(graph))
    return invalid_argument(
        fmt::format("network \"{}\" is quantized already; start from the file with float weights", graph.name));
  std::vector<Candidate> candidates;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (is_candidate(graph, graph.nodes[i])) candidates.push_back({.node = i}), names.push_back(graph.nodes[i].name);
  if (candidates.empty())
    return invalid_argument(
        fmt::format("network \"{}\" has no Conv (of one group, with constant weights), and nothing "
                    "else can be quantized",
                    graph.name));
  for (const std::string& name : options.keep_float)
    if (std::find(names.begin(), names.end(), name) == names.end())
      return invalid_argument(
          fmt::format("--keep-float names \"{}\", the convolutions are {}", name, fmt::join(names, ", ")));
  return candidates;
}

/// The bias with which a channel of the result has the mean that it has in float, but for the border. Networks without
/// biases keep to that: they scale with their input.
std::optional<Tensor> corrected_bias(const nn::Graph& graph, const Candidate& candidate, const ChannelMeans& means) {
  const nn::Node& node = graph.nodes[candidate.node];
  if (node.inputs.size() < 3 || !graph.is_constant(node.inputs[2])) return {};
  Tensor bias = *graph.value(node.inputs[2]).constant;
  const auto outputs = bias.span().size();
  // Of one filter over channels of these means.
  const auto answer = [&](const Tensor& weights, const std::vector<double>& mean, std::size_t m) {
    const std::size_t filter = weights.span().size() / outputs, taps = filter / mean.size();
    double sum = 0;
    for (std::size_t i = 0; i < filter; ++i)
      sum += static_cast<double>(weights.span()[m * filter + i]) * mean[i / taps];
    return sum;
  };
  for (std::size_t m = 0; m < outputs; ++m)
    bias.mutable_data()[m] -= static_cast<float>(answer(candidate.weights, means.rounded, m) -
                                                 answer(*graph.value(node.inputs[1]).constant, means.exact, m));
  return bias;
}

}  // namespace

Result<Outcome> quantize(const nn::Graph& graph, std::span<const Sample> samples, const Options& options,
                         const std::function<void(const std::string&)>& progress) {
  if (samples.size() < 2) return invalid_argument(fmt::format("needs at least 2 samples, got {}", samples.size()));
  const auto tell = [&](const std::string& text) {
    if (progress) progress(text);
  };
  auto folded = nn::optimised(graph);
  if (!folded) return folded.error();
  auto candidates = find_candidates(*folded, options);
  if (!candidates) return candidates.error();

  const std::size_t held_out = std::max<std::size_t>(1, samples.size() / 4);
  const auto fit = samples.first(samples.size() - held_out), judge = samples.last(held_out);
  std::vector<nn::ValueId> inputs;
  for (const Candidate& candidate : *candidates) inputs.push_back(folded->nodes[candidate.node].inputs[0]);
  std::sort(inputs.begin(), inputs.end());
  inputs.erase(std::unique(inputs.begin(), inputs.end()), inputs.end());
  tell(fmt::format("ranges of {} values on {} samples", inputs.size(), fit.size()));
  const auto histograms = observe(*folded, inputs, fit);
  if (!histograms) return histograms.error();

  std::vector<Range> ranges;
  std::vector<RoundedInput> rounding;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool split = std::any_of(candidates->begin(), candidates->end(), [&](const Candidate& candidate) {
      const nn::Node& node = folded->nodes[candidate.node];
      return node.inputs[0] == inputs[i] && worth_splitting(folded->value(node.inputs[1]).constant->dims()[1]);
    });
    ranges.push_back(choose_range((*histograms)[i], options.ranges, options.percentile));
    rounding.push_back({inputs[i], split ? split_grid(ranges.back()) : grid_over(ranges.back()), split});
  }
  const auto means = channel_means(*folded, rounding, fit);
  if (!means) return means.error();

  Outcome outcome;
  std::vector<bool> chosen;
  for (Candidate& candidate : *candidates) {
    const nn::Node& node = folded->nodes[candidate.node];
    const auto place =
        static_cast<std::size_t>(std::lower_bound(inputs.begin(), inputs.end(), node.inputs[0]) - inputs.begin());
    const Range& range = ranges[place];
    candidate.input = rounding[place];
    const Tensor& weights = *folded->value(node.inputs[1]).constant;
    const Tensor real = candidate.input.split ? split_weights(weights) : weights;
    candidate.weight_grid = weight_grid(real, options.weight_bits == 7 ? 64 : 127);
    candidate.weights = nn::rounded(real, candidate.weight_grid);
    candidate.bias = corrected_bias(*folded, candidate, (*means)[place]);
    const bool asked =
        std::find(options.keep_float.begin(), options.keep_float.end(), node.name) != options.keep_float.end();
    outcome.layers.push_back({node.name, range, 0, !asked, asked});
    chosen.push_back(!asked);
  }

  const auto float_fit = quality(*folded, nn::Precision::f32, fit),
             float_judge = quality(*folded, nn::Precision::f32, judge);
  if (!float_fit) return float_fit.error();
  if (!float_judge) return float_judge.error();
  for (std::size_t i = 0; i < candidates->size(); ++i) {
    if (!chosen[i]) continue;
    std::vector<bool> alone(candidates->size(), false);
    alone[i] = true;
    const auto reached = quality(quantized(*folded, *candidates, alone), nn::Precision::int8, fit);
    if (!reached) return reached.error();
    outcome.layers[i].loss_alone = *float_fit - *reached;
    tell(fmt::format("{} of {}: {} loses {:.4f} dB alone", i + 1, candidates->size(), outcome.layers[i].name,
                     outcome.layers[i].loss_alone));
  }
  outcome.float_quality = *float_judge;
  while (true) {
    std::size_t costliest = candidates->size();
    for (std::size_t i = 0; i < candidates->size(); ++i)
      if (chosen[i] &&
          (costliest == candidates->size() || outcome.layers[i].loss_alone > outcome.layers[costliest].loss_alone))
        costliest = i;
    if (costliest == candidates->size())
      return invalid_argument(
          fmt::format("network \"{}\": no convolution can be quantized without losing more than {} "
                      "dB; --most-loss allows more",
                      graph.name, options.most_loss));
    nn::Graph whole = quantized(*folded, *candidates, chosen);
    const auto reached = quality(whole, nn::Precision::int8, judge);
    if (!reached) return reached.error();
    outcome.quality = *reached;
    if (outcome.float_quality - outcome.quality <= options.most_loss) {
      if (Status cleaned = nn::remove_unused(whole); !cleaned) return cleaned.error();
      outcome.graph = std::move(whole);
      return outcome;
    }
    tell(fmt::format("all together lose {:.4f} dB; {} goes back to float", outcome.float_quality - outcome.quality,
                     outcome.layers[costliest].name));
    chosen[costliest] = outcome.layers[costliest].quantized = false;
  }
}

}  // namespace latentflow::quantize

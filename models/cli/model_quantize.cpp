// model_quantize.cpp: see model_quantize.h.
#include "model_quantize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "model_options.h"
#include "model_target.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"

namespace latentflow::quantize {
namespace {

const std::map<std::string, RangeMethod> methods{
    {"maximum", RangeMethod::maximum}, {"percentile", RangeMethod::percentile}, {"kl", RangeMethod::kl}};

void print_table(const Outcome& outcome) {
  std::size_t width = 11;
  for (const Layer& layer : outcome.layers) width = std::max(width, layer.name.size());
  fmt::print("{:<{}}  {:>22}  {:>14}  {}\n", "convolution", width, "range of its input", "loss alone, dB",
             "computed in");
  for (const Layer& layer : outcome.layers)
    fmt::print("{:<{}}  {:>22}  {:>14}  {}\n", layer.name, width,
               fmt::format("{:.4g} to {:.4g}", layer.range.low, layer.range.high),
               layer.asked ? "" : fmt::format("{:.4f}", layer.loss_alone),
               layer.quantized ? "int8"
               : layer.asked   ? "float, as asked"
                               : "float");
  fmt::print("PSNR on the samples held out: {:.4f} dB in float, {:.4f} dB quantized ({:.4f} dB lost)\n",
             outcome.float_quality, outcome.quality, outcome.float_quality - outcome.quality);
}

std::string facts(const Outcome& outcome, const Options& options) {
  std::vector<std::string> kept;
  for (const Layer& layer : outcome.layers)
    if (!layer.quantized) kept.push_back(layer.name);
  std::string method;
  for (const auto& [name, value] : methods)
    if (value == options.ranges) method = name;
  if (options.ranges == RangeMethod::percentile) method += fmt::format(" {}", options.percentile);
  return fmt::format(
      "{} of {} convolutions, uint8 inputs (ranges: {}), int8 weights of {} bits per output channel; in float: {}; "
      "PSNR "
      "{:.4f} dB in float, {:.4f} dB quantized, on the samples held out",
      outcome.layers.size() - kept.size(), outcome.layers.size(), method, options.weight_bits,
      kept.empty() ? "none" : fmt::format("{}", fmt::join(kept, ", ")), outcome.float_quality, outcome.quality);
}

}  // namespace

CLI::App* add_command(CLI::App& app, Command& command) {
  CLI::App* quantize = app.add_subcommand(
      "quantize", "writes the network with convolutions that may run in 8-bit integers, calibrated on your pictures");
  quantize->add_option("FILE", command.file, "a zoo model or an .onnx file, with float weights")->required();
  quantize->add_option("OUT", command.target, "the ONNX file to write")->required();
  quantize->add_option("--data", command.samples.folder, "folder of clean pictures to calibrate on")->required();
  nn::add_choice(quantize, "--ranges", command.options.ranges, methods,
                 "which range of an input its integers cover (default: percentile)");
  quantize->add_option("--percentile", command.options.percentile, "with --ranges percentile")
      ->check(CLI::Range(90.0, 100.0))
      ->capture_default_str();
  quantize
      ->add_option("--weight-bits", command.options.weight_bits,
                   "8, or 7: direct convolutions run in integers on processors without VNNI as well")
      ->check(CLI::IsMember({7, 8}))
      ->capture_default_str();
  quantize->add_option("--keep-float", command.options.keep_float, "names of convolutions that stay as they are");
  quantize->add_option("--most-loss", command.options.most_loss, "dB of PSNR that the whole may lose")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  quantize
      ->add_option("--samples", command.samples.count, "patches of 128 pixels, of which a quarter judges the result")
      ->check(CLI::Range(4, 100000))
      ->capture_default_str();
  quantize
      ->add_option("--sigma", command.samples.sigma,
                   "noise of every sample in grey levels of 0..255, for networks that know one level; without it as in "
                   "the recipe of the card, or 0 to 55")
      ->check(CLI::Range(0.0, 255.0));
  quantize->add_option("--seed", command.samples.seed, "of the samples")->capture_default_str()->check(nn::is_seed());
  return quantize;
}

Status run_command(const Command& command) {
  auto graph = nn::load_onnx(command.file);
  if (!graph) return graph.error();
  auto card = nn::read_card(*graph);
  if (!card) return card.error();
  if (Status target = nn::check_model_target(command.file, command.target); !target) return target;
  // Said before the pictures are read.
  if (nn::has_quantized_layers(*graph))
    return invalid_argument(
        fmt::format("\"{}\" is quantized already; start from the file with float weights", command.file));
  const auto samples = make_samples(*graph, *card, command.samples);
  if (!samples) return samples.error();
  auto outcome = quantize(*graph, *samples, command.options, [](const std::string& text) {
    fmt::print("{}\n", text);
    std::fflush(stdout);
  });
  if (!outcome) return outcome.error();
  print_table(*outcome);
  const auto& folder = command.samples.folder;
  const auto name = folder.has_filename() ? folder.filename() : folder.parent_path().filename();
  card->quantization = facts(*outcome, command.options);
  card->quantization_data = fmt::format(
      "{} samples from \"{}\"{}, seed {}", samples->size(), name.string(),
      command.samples.sigma ? fmt::format(", noise {:g}", *command.samples.sigma) : "", command.samples.seed);
  card->quantized_with = command.line;
  if (!card->scores.empty()) card->scores = "before quantization: " + card->scores;
  outcome->graph.name = graph->name;
  outcome->graph.metadata = graph->metadata;
  nn::write_card(outcome->graph, *card);
  if (Status saved = nn::save_onnx(outcome->graph, command.target); !saved) return saved;
  fmt::print("written: {}\n", command.target);
  return success();
}

}  // namespace latentflow::quantize

// model_command.cpp: the program latentflow-model, which shows, checks and times ONNX files (`latentflow model ...`).
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "model_arrays.h"
#include "model_quantize.h"
#include "model_speed.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "nn/passes.h"
#include "nn/receptive_field.h"

namespace latentflow::nn {
namespace {

constexpr int refused = 1;  // as for the other commands of latentflow

int fail(const Error& error) {
  fmt::print(stderr, "error: {}\n", error.message);
  return refused;
}

// "480x640": height and width.
std::optional<Pair> parse_size(const std::string& text) {
  long long height = 0, width = 0;
  int read = 0;
  if (std::sscanf(text.c_str(), "%lldx%lld%n", &height, &width, &read) != 2) return {};
  if (static_cast<std::size_t>(read) != text.size() || height < 1 || width < 1) return {};
  return Pair{height, width};
}

// Declared extents, with `size` where height and width are free or replaced, and 1 for everything else that is free.
std::vector<Dims> input_dims(const Graph& graph, const std::optional<Pair>& size) {
  std::vector<Dims> result;
  for (const ValueId id : graph.inputs) {
    Dims dims = graph.value(id).dims;
    const bool level = dims.size() != 4 || (dims[2] == 1 && dims[3] == 1);
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      const bool spatial = !level && axis >= 2;
      if (spatial && size)
        dims[axis] = (*size)[axis - 2];
      else if (dims[axis] < 0)
        dims[axis] = spatial ? 256 : 1;
    }
    result.push_back(std::move(dims));
  }
  return result;
}

void print_ports(const char* title, const Graph& graph, const std::vector<ValueId>& ids) {
  for (const ValueId id : ids)
    fmt::print("{:<12} {} {}\n", title, graph.value(id).name, to_string(graph.value(id).dims));
}

// A recipe has many lines; they stay in their column.
void print_text(const std::string& key, const std::string& value) {
  std::istringstream lines(value);
  std::string title = key;
  for (std::string line; std::getline(lines, line); title.clear()) fmt::print("{:<12} {}\n", title, line);
}

void print_tiles(const Graph& graph) {
  const auto geometry = tile_geometry(graph);
  if (!geometry) {
    fmt::print("{:<12} impossible: the network sees the whole picture or changes its size\n", "tiles");
    return;
  }
  const auto& [top, left, bottom, right] = geometry->halo;
  fmt::print("{:<12} halo top {} left {} bottom {} right {}, corners on multiples of {}x{}\n", "tiles", top, left,
             bottom, right, geometry->alignment[0], geometry->alignment[1]);
}

void print_layers(const Graph& graph, const std::vector<Dims>& shapes) {
  std::size_t name_width = 4;
  for (const Node& node : graph.nodes) name_width = std::max(name_width, std::min<std::size_t>(node.name.size(), 40));
  fmt::print("\n{:<{}}  {:<18}  {:>20}  {:>12}  {:>12}\n", "name", name_width, "operator", "output", "parameters",
             "MMAC");
  for (const Node& node : graph.nodes) {
    std::int64_t parameters = 0;
    for (const ValueId id : node.inputs)
      if (graph.is_constant(id)) parameters += graph.value(id).constant->size();
    fmt::print("{:<{}}  {:<18}  {:>20}  {:>12}  {:>12.3f}\n", node.name, name_width, to_string(node.op),
               to_string(shapes[static_cast<std::size_t>(node.output)]), parameters,
               static_cast<double>(multiply_adds(node, shapes)) * 1e-6);
  }
  fmt::print("{:<{}}  {:<18}  {:>20}  {:>12}  {:>12.3f}\n", "all", name_width, "", "", parameter_count(graph),
             static_cast<double>(multiply_adds(graph, shapes)) * 1e-6);
}

int info(const std::string& file, const std::optional<Pair>& size) {
  const auto graph = load_onnx(file);
  if (!graph) return fail(graph.error());
  fmt::print("{:<12} {}\n{:<12} {}\n", "file", file, "network", graph->name);
  print_ports("input", *graph, graph->inputs);
  print_ports("output", *graph, graph->outputs);
  fmt::print("{:<12} {}\n", "parameters", parameter_count(*graph));
  print_tiles(*graph);
  for (const auto& [key, value] : graph->metadata) print_text(key, value);
  const auto shapes = infer_shapes(*graph, input_dims(*graph, size));
  if (!shapes) return fail(shapes.error());
  print_layers(*graph, *shapes);
  const auto card = read_card(*graph);
  return card ? 0 : fail(card.error());
}

int plan(const std::string& file, const std::optional<Pair>& size, const PlanOptions& options) {
  const auto graph = load_onnx(file);
  if (!graph) return fail(graph.error());
  const Status done = print_plan(*graph, input_dims(*graph, size), options);
  return done ? 0 : fail(done.error());
}

int speed(const std::string& file, const std::optional<Pair>& size, const SpeedOptions& options) {
  const auto graph = load_onnx(file);
  if (!graph) return fail(graph.error());
  const Status done = print_speed(*graph, input_dims(*graph, size), options);
  return done ? 0 : fail(done.error());
}

int run(const std::string& file, const std::string& in, const std::string& out, const ArraysOptions& options) {
  const Status done = run_arrays(file, in, out, options);
  return done ? 0 : fail(done.error());
}

int check(const std::string& file) {
  auto graph = load_onnx(file);
  if (!graph) return fail(graph.error());
  if (const auto card = read_card(*graph); !card) return fail(card.error());
  const auto result = optimised(std::move(*graph));
  return result ? 0 : fail(result.error());
}

// The same network with its picture size written in.
int fix(const std::string& file, const std::string& target, const Pair& size) {
  auto graph = load_onnx(file);
  if (!graph) return fail(graph.error());
  const std::vector<Dims> dims = input_dims(*graph, size);
  if (const auto shapes = infer_shapes(*graph, dims); !shapes) return fail(shapes.error());
  for (std::size_t i = 0; i < dims.size(); ++i) graph->value(graph->inputs[i]).dims = dims[i];
  const Status saved = save_onnx(*graph, target);
  return saved ? 0 : fail(saved.error());
}

// The same network with weights that take half the room.
int half(const std::string& file, const std::string& target) {
  auto graph = load_onnx(file);
  if (!graph) return fail(graph.error());
  if (const auto card = read_card(*graph); !card) return fail(card.error());
  if (const Status rounded = half_weights(*graph); !rounded) return fail(rounded.error());
  if (const auto how = graph->metadata.find("trained_with"); how != graph->metadata.end())
    how->second += "; weights rounded to float16 by latentflow model half";
  if (const auto sum = graph->metadata.find("weights_sha256"); sum != graph->metadata.end())
    sum->second = weights_sha256(*graph);
  const Status saved = save_onnx(*graph, target);
  return saved ? 0 : fail(saved.error());
}

}  // namespace
}  // namespace latentflow::nn

int main(int argc, char** argv) {
  CLI::App app("shows, checks and times the networks that latentflow runs (ONNX files)", "latentflow model");
  app.require_subcommand(1);
  std::string file, shape;
  CLI::App* info = app.add_subcommand("info", "the card, inputs, outputs and layers of a network");
  info->add_option("FILE", file, "an ONNX file")->required();
  info->add_option("--shape", shape, "height x width to show extents and work for, for example 480x640");
  CLI::App* check = app.add_subcommand("check", "whether latentflow can run a network; says why not");
  check->add_option("FILE", file, "an ONNX file")->required();
  std::string target;
  CLI::App* fix = app.add_subcommand("fix",
                                     "writes a network for one picture size, for engines that take no other: "
                                     "OpenCV DNN needs that where pixels move to channels and back");
  fix->add_option("FILE", file, "an ONNX file")->required();
  fix->add_option("TARGET", target, "the ONNX file to write")->required();
  fix->add_option("--shape", shape, "height x width of the pictures, for example 480x640")->required();
  CLI::App* half = app.add_subcommand("half", "writes a network with its weights as float16: half as large a file");
  half->add_option("FILE", file, "an ONNX file")->required();
  half->add_option("TARGET", target, "the ONNX file to write")->required();
  latentflow::nn::PlanOptions plan_options;
  latentflow::nn::SpeedOptions speed_options;
  latentflow::nn::ArraysOptions arrays_options;
  std::string in, out;
  CLI::App* plan = app.add_subcommand("plan", "the steps that a network is executed in: algorithm, work, time, memory");
  CLI::App* run = app.add_subcommand("run", "runs a network on arrays of yours");
  CLI::App* speed = app.add_subcommand("speed", "runs a network on random pictures and says how fast that was");
  const std::map<std::string, latentflow::nn::Winograd> winograd{{"auto", latentflow::nn::Winograd::automatic},
                                                                 {"on", latentflow::nn::Winograd::on},
                                                                 {"off", latentflow::nn::Winograd::off}};
  const std::map<std::string, latentflow::nn::Precision> precisions(latentflow::nn::precision_names.begin(),
                                                                    latentflow::nn::precision_names.end());
  latentflow::nn::NetworkOptions chosen;
  int threads = 0;
  for (CLI::App* command : {plan, run, speed}) {
    command->add_option("FILE", file, "an ONNX file")->required();
    command
        ->add_option(
            "--precision", chosen.precision,
            "of quantized networks: auto (per layer the faster of int8 and f32), f32, int8 (what the file says); "
            "bf16 of any network, with AVX-512")
        ->transform(CLI::CheckedTransformer(precisions));
    command->add_option("--winograd", chosen.winograd, "auto (measured), on or off")
        ->transform(CLI::CheckedTransformer(winograd));
    if (command != run) command->add_option("--shape", shape, "height x width of the pictures, for example 480x640");
    if (command != plan)
      command->add_option("--threads", threads, "threads, 0 for one per processor")->check(CLI::Range(0, 1024));
  }
  run->add_option("IN", in, "a .npy, or a .npz with an array per input, named as the inputs or arr_0, arr_1 ...")
      ->required();
  run->add_option("OUT", out, "the .npy to write (float32), or a .npz with an array per output")->required();
  plan->add_option("--runs", plan_options.runs, "timed runs, of which the best counts; 0 only plans")
      ->check(CLI::Range(0, 1000));
  speed->add_option("--pictures", speed_options.pictures, "how many pictures, side by side on the threads")
      ->check(CLI::Range(1, 100000));
  speed->add_flag("--tiled", speed_options.tiled, "each picture in tiles on all threads instead, one after the other");
  latentflow::quantize::Command quantize_command;
  CLI::App* quantize = latentflow::quantize::add_command(app, quantize_command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return app.exit(error) == 0 ? 0 : latentflow::nn::refused; }
  std::optional<latentflow::nn::Pair> size;
  if ((!shape.empty() || fix->parsed()) && !(size = latentflow::nn::parse_size(shape))) {
    fmt::print(stderr, "error: --shape is \"{}\", needs height x width, for example 480x640\n", shape);
    return latentflow::nn::refused;
  }
  if (quantize->parsed()) {
    for (int i = 0; i < argc; ++i)
      quantize_command.line += (i > 0 ? " " : "") + std::string(i > 0 ? argv[i] : "latentflow model");
    const latentflow::Status done = latentflow::quantize::run_command(quantize_command);
    return done ? 0 : latentflow::nn::fail(done.error());
  }
  if (fix->parsed()) return latentflow::nn::fix(file, target, *size);
  if (half->parsed()) return latentflow::nn::half(file, target);
  plan_options.network = speed_options.network = arrays_options.network = chosen;
  speed_options.threads = arrays_options.threads = threads;
  if (plan->parsed()) return latentflow::nn::plan(file, size, plan_options);
  if (speed->parsed()) return latentflow::nn::speed(file, size, speed_options);
  if (run->parsed()) return latentflow::nn::run(file, in, out, arrays_options);
  return info->parsed() ? latentflow::nn::info(file, size) : latentflow::nn::check(file);
}

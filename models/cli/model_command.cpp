// model_command.cpp: the program latentflow-model, which shows, checks and times ONNX files (`latentflow model ...`).
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "cli/command_line.h"
#include "latentflow/graph.h"
#include "model_arrays.h"
#include "model_options.h"
#include "model_quantize.h"
#include "model_sizes.h"
#include "model_speed.h"
#include "model_target.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "nn/receptive_field.h"

namespace latentflow::nn {
namespace {

constexpr int refused = 1;  // as for the other commands of latentflow

int fail(const std::string& message) {
  cli::say("latentflow: error: {}\n", message);
  return refused;
}
int fail(const Error& error) { return fail(error.message); }

/// What a command is asked about.
struct Subject {
  std::string file;
  std::optional<Pair> size;           ///< height and width
  std::optional<std::int64_t> batch;  ///< items
  bool takes_batch = false;           ///< the command has --batch
};

// "480x640": height and width.
std::optional<Pair> parse_size(const std::string& text) {
  long long height = 0, width = 0;
  int read = 0;
  if (std::sscanf(text.c_str(), "%lldx%lld%n", &height, &width, &read) != 2) return {};
  if (static_cast<std::size_t>(read) != text.size() || height < 1 || width < 1) return {};
  return Pair{height, width};
}

// Declared extents, with the size where height and width are free or replaced, likewise the batch, and 1 for everything
// else that is free.
Result<std::vector<Dims>> input_dims(const Graph& graph, const Subject& subject) {
  std::vector<Dims> result;
  bool pictures = false;
  for (const ValueId id : graph.inputs) {
    Dims dims = graph.value(id).dims;
    const bool number = dims.size() == 4 && dims[2] == 1 && dims[3] == 1;  // a noise level
    const bool batched = !number && (dims.size() == 2 || dims.size() == 4 || (dims.size() == 3 && dims[0] < 0));
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      const bool spatial = dims.size() == 4 && !number && axis >= 2;
      pictures = pictures || spatial;
      if (spatial && subject.size)
        dims[axis] = (*subject.size)[axis - 2];
      else if (axis == 0 && batched && subject.batch)
        dims[axis] = *subject.batch;
      else if (dims[axis] < 0)
        dims[axis] = spatial ? 256 : 1;
    }
    result.push_back(std::move(dims));
  }
  if (subject.size && !pictures)
    return invalid_argument(
        fmt::format("\"{}\": --shape does not apply, the network has no input with height and width ({}){}",
                    subject.file, to_string(graph.value(graph.inputs[0]).dims),
                    subject.takes_batch ? "; --batch says how many rows it gets" : ""));
  return result;
}

// Shapes of all values; errors name the file.
Result<std::vector<Dims>> shapes_of(const Graph& graph, const Subject& subject, const std::vector<Dims>& inputs) {
  auto shapes = infer_shapes(graph, inputs);
  if (shapes) return shapes;
  Error error = explain_size(shapes.error(), graph, inputs);
  error.message = fmt::format("\"{}\": {}", subject.file, error.message);
  return error;
}

// "1,711,872".
std::string with_commas(std::int64_t count) {
  std::string text = fmt::to_string(count);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<std::size_t>(place), ",");
  return text;
}

void print_ports(const char* title, const Graph& graph, const std::vector<ValueId>& ids) {
  for (const ValueId id : ids)
    fmt::print("{:<12} {} {}\n", title, graph.value(id).name, to_string(graph.value(id).dims));
}

/// The card of the network in `file`, whose name its errors begin with.
Result<ModelCard> card_of(const std::string& file, const Graph& graph) {
  const auto card = read_card(graph);
  if (card) return card;
  return Error{card.error().code, fmt::format("\"{}\": {}", file, card.error().message), {}};
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

int info(const Subject& subject) {
  const auto graph = load_onnx(subject.file);
  if (!graph) return fail(graph.error());
  const auto dims = input_dims(*graph, subject);
  if (!dims) return fail(dims.error());
  fmt::print("{:<12} {}\n{:<12} {}\n", "file", subject.file, "network", graph->name);
  print_ports("input", *graph, graph->inputs);
  print_ports("output", *graph, graph->outputs);
  fmt::print("{:<12} {}\n", "parameters", parameter_count(*graph));
  print_tiles(*graph);
  for (const auto& [key, value] : graph->metadata) print_text(key, value);
  const auto shapes = shapes_of(*graph, subject, *dims);
  if (!shapes) return fail(shapes.error());
  print_layers(*graph, *shapes);
  const auto card = card_of(subject.file, *graph);
  return card ? 0 : fail(card.error());
}

// `print` is print_plan or print_speed.
template <class Options>
int measure(const Subject& subject, const Options& options,
            Status (*print)(const std::string&, const std::vector<Dims>&, const Options&)) {
  const auto graph = load_onnx(subject.file);
  if (!graph) return fail(graph.error());
  const auto dims = input_dims(*graph, subject);
  if (!dims) return fail(dims.error());
  if (const auto shapes = shapes_of(*graph, subject, *dims); !shapes) return fail(shapes.error());
  const Status done = print(subject.file, *dims, options);
  return done ? 0 : fail(done.error());
}

int check(const Subject& subject) {
  const auto network = Network::load(subject.file);
  if (!network) return fail(network.error());
  const Graph& graph = (*network)->graph();
  if (const auto card = card_of(subject.file, graph); !card) return fail(card.error());
  fmt::print("{}: ok, {} layers, {} weights\n", subject.file, graph.nodes.size(), with_commas(parameter_count(graph)));
  // No proof that none fits, but what a user would meet first.
  const auto dims = input_dims(graph, subject);
  if (!dims) return fail(dims.error());
  if (const auto shapes = infer_shapes(graph, *dims); !shapes)
    fmt::print("{}: does not run on {}, other sizes may fit: {}\n", subject.file, to_string((*dims)[0]),
               shapes.error().message);
  return 0;
}

// The same network with its picture size written in.
int fix(const Subject& subject, const std::string& target) {
  auto graph = load_onnx(subject.file);
  if (!graph) return fail(graph.error());
  if (const Status free = check_model_target(subject.file, target); !free) return fail(free.error());
  const auto dims = input_dims(*graph, subject);
  if (!dims) return fail(dims.error());
  if (const auto shapes = shapes_of(*graph, subject, *dims); !shapes) return fail(shapes.error());
  for (std::size_t i = 0; i < dims->size(); ++i) graph->value(graph->inputs[i]).dims = (*dims)[i];
  const Status saved = save_onnx(*graph, target);
  return saved ? 0 : fail(saved.error());
}

// The same network with weights that take half the room.
int half(const std::string& file, const std::string& target) {
  auto graph = load_onnx(file);
  if (!graph) return fail(graph.error());
  if (const Status free = check_model_target(file, target); !free) return fail(free.error());
  if (const auto card = card_of(file, *graph); !card) return fail(card.error());
  if (const Status rounded = half_weights(*graph); !rounded) return fail(rounded.error());
  if (const auto how = graph->metadata.find("trained_with"); how != graph->metadata.end())
    how->second += "; weights rounded to float16 by latentflow model half";
  if (const auto sum = graph->metadata.find("weights_sha256"); sum != graph->metadata.end())
    sum->second = weights_sha256(*graph);
  const Status saved = save_onnx(*graph, target);
  return saved ? 0 : fail(saved.error());
}

int run_command(int argc, char** argv) {
  CLI::App app("shows, checks and times the networks that latentflow runs (ONNX files)", "latentflow model");
  app.require_subcommand(1);
  Subject subject;
  std::string shape, target, in, out;
  const auto add_command = [&](const char* name, const char* text) {
    CLI::App* command = app.add_subcommand(name, text);
    command->add_option("FILE", subject.file, "a zoo model or an .onnx file")->required();
    return command;
  };
  const auto add_shape = [&](CLI::App* command, const char* text) {
    return command->add_option("--shape", shape, text)->type_name("HxW");
  };
  CLI::App* info = add_command("info", "the card, inputs, outputs and layers of a network");
  add_shape(info, "height x width to show extents and work for, for example 480x640");
  add_command("check", "whether latentflow can run a network; says why not");
  CLI::App* fixed = add_command("fix",
                                "writes a network for one picture size, for engines that take no other: "
                                "OpenCV DNN needs that where pixels move to channels and back");
  fixed->add_option("TARGET", target, "the ONNX file to write")->required();
  add_shape(fixed, "height x width of the pictures, for example 480x640")->required();
  CLI::App* halved = add_command("half", "writes a network with its weights as float16: half as large a file");
  halved->add_option("TARGET", target, "the ONNX file to write")->required();
  PlanOptions plan_options;
  SpeedOptions speed_options;
  ArraysOptions arrays_options;
  CLI::App* plan = add_command("plan", "the steps that a network is executed in: algorithm, work, time, memory");
  CLI::App* run = add_command("run", "runs a network on arrays of yours");
  CLI::App* speed = add_command("speed", "runs a network on random pictures and says how fast that was");
  const std::map<std::string, Winograd> winograd(winograd_names.begin(), winograd_names.end());
  const std::map<std::string, Precision> precisions(precision_names.begin(), precision_names.end());
  NetworkOptions chosen;
  int threads = 0;
  for (CLI::App* command : {plan, run, speed}) {
    add_choice(command, "--precision", chosen.precision, precisions,
               "of quantized networks: auto (default; per layer the faster of int8 and f32), f32, int8 (what the file "
               "says); bf16 of any network, with AVX-512");
    add_choice(command, "--winograd", chosen.winograd, winograd,
               "auto (default; measured), own (measured without oneDNN's), on (our own wherever it fits) or off");
    if (command != run) add_shape(command, "height x width of the pictures, for example 480x640 (default: 256x256)");
    if (command != plan)
      command->add_option("--threads", threads, "threads, 0 for one per processor")->check(CLI::Range(0, 1024));
  }
  for (CLI::App* command : {info, plan, speed})
    command->add_option("--batch", subject.batch, "pictures or rows in one run (default: what the file says, or 1)")
        ->check(CLI::Range(1, 1 << 24))
        ->type_name("N");
  run->add_option("IN", in, "a .npy, or a .npz with an array per input, named as the inputs or arr_0, arr_1 ...")
      ->required();
  run->add_option("OUT", out, "the .npy to write (float32), or a .npz with an array per output")->required();
  plan->add_option("--runs", plan_options.runs, "timed runs, of which the best counts; 0 only plans")
      ->check(CLI::Range(0, 1000));
  speed->add_option("--pictures", speed_options.pictures, "how many pictures, side by side on the threads")
      ->check(CLI::Range(1, 100000));
  speed->add_flag("--tiled", speed_options.tiled, "each picture in tiles on all threads instead, one after the other");
  quantize::Command quantize_command;
  CLI::App* quantized = quantize::add_command(app, quantize_command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help
    return cli::usage_error(app, error, argc, argv);
  }
  if ((!shape.empty() || fixed->parsed()) && !(subject.size = parse_size(shape)))
    return fail(fmt::format("--shape is \"{}\", needs height x width, for example 480x640", shape));
  std::string& file = quantized->parsed() ? quantize_command.file : subject.file;
  const Host zoo{std::vector<Path>{}};  // no network here needs a plugin
  const Result<Path> found = zoo.find_model(file);
  if (!found) return fail(found.error());
  file = found->string();
  if (quantized->parsed()) {
    for (int i = 0; i < argc; ++i)
      quantize_command.line += (i > 0 ? " " : "") + std::string(i > 0 ? argv[i] : "latentflow model");
    const Status done = quantize::run_command(quantize_command);
    return done ? 0 : fail(done.error());
  }
  subject.takes_batch = info->parsed() || plan->parsed() || speed->parsed();
  if (fixed->parsed()) return fix(subject, target);
  if (halved->parsed()) return half(file, target);
  plan_options.network = speed_options.network = arrays_options.network = chosen;
  speed_options.threads = arrays_options.threads = threads;
  if (plan->parsed()) return measure(subject, plan_options, print_plan);
  if (speed->parsed()) return measure(subject, speed_options, print_speed);
  if (run->parsed()) {
    const Status done = run_arrays(file, in, out, arrays_options);
    return done ? 0 : fail(done.error());
  }
  return info->parsed() ? nn::info(subject) : check(subject);
}

}  // namespace
}  // namespace latentflow::nn

int main(int argc, char** argv) {
  return latentflow::cli::run_program([&] { return latentflow::nn::run_command(argc, argv); });
}

// train_command.cpp: the program latentflow-train, to which `latentflow train` hands over.
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "cli/command_line.h"
#include "cli/signal_thread.h"
#include "model_options.h"
#include "train/trainer.h"
#include "train/training_run.h"

namespace {

using namespace latentflow;

constexpr int refused = 1, failed = 3, interrupted = 130;

/// "90", "90s", "70m" or "1.5h" in seconds.
std::string read_duration(const std::string& text, double& seconds) {
  std::size_t used = 0;
  try {
    seconds = std::stod(text, &used);
  } catch (const std::exception&) { used = 0; }
  const std::string unit = used == 0 ? "?" : text.substr(used);
  const double factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  seconds *= factor;
  return seconds > 0 ? ""
                     : fmt::format("time limit is \"{}\", allowed are numbers above 0 with s, m or h, as 70m", text);
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

void print(const train::Progress& p) {
  std::string line = fmt::format("step {}/{} ({:.1f} %)  loss {:.6f}", p.step, p.steps, p.done * 100, p.loss);
  if (!p.scores.empty()) line += "  " + p.scores;
  line += fmt::format("  rate {:.2e}  {:.0f} {}/s  {:.0f} GFLOP/s  {} gone, {} left", p.rate, p.samples_per_second,
                      p.sample, p.gflops, clock_text(p.seconds), clock_text(p.seconds_left));
  cli::say("{}\n", line);
}

/// Problems of recipes say themselves where they are.
int refuse(const std::string& message, int code = refused) {
  cli::say("{}{}\n", message.find(": error: ") == std::string::npos ? "latentflow: error: " : "", message);
  return code;
}

int run(int argc, char** argv) {
  CLI::App app{"trains the network of a recipe on a folder of data and writes it as an ONNX file", "latentflow train"};
  std::string recipe_file, time_limit;
  train::TrainingJob job;
  std::vector<std::string> sets;
  std::optional<std::int64_t> steps;
  std::optional<std::uint64_t> seed;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  const std::map<std::string, nn::Winograd> winograd(nn::winograd_names.begin(), nn::winograd_names.end());
  app.add_option("recipe", recipe_file, "what to train and how (YAML)")->required();
  app.add_option(
      "--data", job.data,
      "folder of what the recipe trains on: of pictures, searched recursively, for networks on pictures and for "
      "autoencoders with data.patches; of IDX files, named as those of MNIST, for autoencoders on digits");
  app.add_option("--photographs", job.photographs, "folder of pictures for recipes that put digits before some");
  app.add_option("--validate", job.validation,
                 "folder of pictures to validate on (default: some of the data are held out)");
  app.add_option("--out", job.model, "the ONNX file to write")->required();
  app.add_option("--classifier", job.classifier,
                 "one more ONNX file, for recipes with features: the encoder with its softmax layer, for the node "
                 "classify and other runtimes");
  app.add_option("--checkpoints", job.checkpoints, "folder of checkpoints, one every few minutes");
  app.add_flag("--resume", job.resume, "go on from the checkpoint")->needs("--checkpoints");
  app.add_option("--continue", job.finished,
                 "model of the recipe as it was before its last restart, to go on from where there is no checkpoint")
      ->check(CLI::ExistingFile);
  app.add_option("--set", sets,
                 "KEY=VALUE in place of what the recipe says, such as k_sparse.k=70; any number of times")
      ->allow_extra_args(false);
  app.add_option("--time-limit", time_limit, "such as 70m, over all resumed runs; the learning rate decays within it");
  app.add_option("--steps", steps, "instead of the recipe's")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  app.add_option("--seed", seed, "instead of the recipe's")->check(nn::is_seed());
  app.add_option("--threads", threads, "workers; the result does not depend on it")->check(CLI::Range(1, 1024));
  nn::add_choice(&app, "--winograd", job.winograd, winograd,
                 "auto (default; measured), own (measured without oneDNN's), on (our own wherever it fits) or off");
  app.add_option("--report", job.report_seconds, "seconds between lines of progress")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--checkpoint-every", job.checkpoint_seconds, "seconds between checkpoints")
      ->check(CLI::Range(1.0, 86400.0));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return failure.get_exit_code() == 0 ? app.exit(failure) : cli::usage_error(app, failure, argc, argv);
  }
  if (!time_limit.empty()) {
    double seconds = 0;
    if (const std::string problem = read_duration(time_limit, seconds); !problem.empty()) return refuse(problem);
    job.time_limit = seconds;
  }
  std::error_code ignored;
  for (const auto& [option, file] : {std::pair("--out", &job.model), std::pair("--classifier", &job.classifier)}) {
    if (file->empty() && file == &job.classifier) continue;
    const bool folder = std::filesystem::is_directory(*file, ignored);
    if (folder || file->extension() != ".onnx")
      return refuse(fmt::format("{} {} {}, needs the name of an .onnx file", option, file->string(),
                                folder ? "is a folder" : "does not end in .onnx"));
  }
  Result<train::Recipe> recipe = train::load_recipe(recipe_file, sets);
  if (!recipe) return refuse(recipe.error().message);
  job.recipe = std::move(*recipe);
  if (const std::string unused = train::unused_folders(job); !unused.empty()) return refuse(unused);
  if (job.data.empty() && !job.recipe.draws_its_data())
    return refuse(fmt::format("--data is missing: the folder of pictures or IDX files to train on{}",
                              job.recipe.task == train::Task::autoencoder && !job.recipe.autoencoder.patches
                                  ? "; --set data.digits=synthetic draws digits instead"
                                  : ""));
  if (!job.finished.empty() && job.recipe.restarts.empty())
    return refuse("--continue needs a recipe with `restarts`, the last of them at the steps that the model has made");
  if (steps) job.recipe.steps = *steps;
  if (seed) job.recipe.seed = *seed;
  for (int i = 1; i < argc; ++i) job.command += fmt::format("{}{}", i == 1 ? "latentflow train " : " ", argv[i]);
  job.report = print;
  job.note = [](const std::string& line) { cli::say("{}\n", line); };
  job.stop = &cli::stop_on_signals();

  const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  const Result<train::TrainingSummary> summary = train::train(job);
  if (summary) {
    fmt::print("{}: {} steps in {}, {}\n", job.model.string(), summary->steps, clock_text(summary->seconds),
               summary->result);
    return 0;
  }
  if (summary.error().code == Code::cancelled) {
    cli::say("{}\n", summary.error().message);
    return interrupted;
  }
  const Code code = summary.error().code;
  return refuse(summary.error().message, code == Code::internal || code == Code::io ? failed : refused);
}

}  // namespace

int main(int argc, char** argv) {
  return cli::run_program([&] { return run(argc, argv); }, failed);
}

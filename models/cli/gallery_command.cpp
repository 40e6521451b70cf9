// gallery_command.cpp: the program latentflow-gallery, to which `latentflow gallery` hands over: trains, measures,
// draws.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <tbb/global_control.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "cli/command_line.h"
#include "cli/signal_thread.h"
#include "gallery/pages.h"
#include "latentflow/graph.h"
#include "show/gnuplot.h"
#include "show/output.h"

namespace latentflow::gallery {
namespace {

constexpr int refused = 1, failed = 3, interrupted = 130;

void note(const std::string& line) { cli::say("{}\n", line); }

int fail(const Error& error) {
  note("latentflow: error: " + error.message);
  if (error.code == Code::cancelled) return interrupted;
  return error.code == Code::internal || error.code == Code::io ? failed : refused;
}

/// Recipes lie where the zoo does.
std::filesystem::path recipe_folder() { return Host(std::vector<Path>()).data_folder() / "recipes"; }

/// `--data` that needs no folder.
constexpr const char* drawn_data = "synthetic";

/// A folder of data sets stands for the digits in its `mnist` and, unless others are named, the photographs in its
/// `train`.
void look_into(std::filesystem::path& data, std::filesystem::path& photographs) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(data / "mnist", ignored)) return;
  if (photographs.empty() && std::filesystem::is_directory(data / "train", ignored)) photographs = data / "train";
  data /= "mnist";
}

Status check_names(const Plan& plan, const std::vector<std::string>& only) {
  const std::set<std::string> known = plan.models();
  for (const std::string& name : only)
    if (!known.contains(name))
      return invalid_argument(
          fmt::format("--only {} is no model of the gallery; it has {}", name, fmt::join(known, ", ")));
  return success();
}

/// Trains what is missing; a model that cannot be trained is noted, and the gallery says that it is missing. The last
/// of the errors; cancelled at once.
Status train_missing(const Plan& plan, const std::vector<std::string>& only, Collection& collection) {
  Status all = success();
  for (const std::string& name : plan.models()) {
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    const Status done = collection.train(name);
    if (!done && done.error().code == Code::cancelled) return done;
    if (done) continue;
    note(done.error().message);
    all = done;
  }
  return all;
}

bool all_finished(const std::vector<std::string>& models, Collection& collection) {
  return std::all_of(models.begin(), models.end(),
                     [&](const std::string& name) { return collection.member(name).state == Member::State::finished; });
}

/// `former`: what rows and pictures without their models fall back on.
Status make_pages(const Plan& plan, Collection& collection, const FormerPages& former,
                  const std::filesystem::path& out) {
  std::vector<SectionOutcome> outcomes;
  for (const Section& section : plan.sections) {
    note(section.title);
    SectionOutcome& outcome = outcomes.emplace_back();
    for (const Row& row : section.rows) {
      Outcome measured = measure(row, collection);
      if (!all_finished(row.models, collection)) measured = former.outcome(row, measured).value_or(measured);
      outcome.rows.push_back(std::move(measured));
      note(fmt::format("  {}: {}", row.what, outcome.rows.back().measured));
    }
    for (const Picture& picture : section.pictures) {
      const std::optional<Drawn> kept = all_finished(picture.models, collection) ? std::nullopt : former.drawn(picture);
      Result<Drawn> drawn = kept ? *kept : draw(picture, collection, out);
      if (!drawn) return drawn.error();
      outcome.pictures.push_back(std::move(*drawn));
    }
  }
  if (Status status = show::write_result(out / "results.md", results_page(plan, outcomes)); !status) return status;
  return show::write_result(out / "README.md", gallery_page(plan, outcomes));
}

int run(int argc, char** argv) {
  CLI::App app("trains what the gallery lacks, measures it against its marks, and writes a page of pictures",
               "latentflow gallery");
  std::filesystem::path data, photographs, out, models = "training/gallery", recipes = recipe_folder(), list;
  std::vector<std::string> only;
  bool no_training = false, keep = false;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  app.add_option(
         "--data", data,
         "folder of IDX files, named as those of MNIST, or one that has them in mnist/ and photographs in train/; or "
         "synthetic: digits are drawn, and pictures where no --photographs are named")
      ->required();
  app.add_option("--photographs", photographs, "folder of photographs, for patches and for digits before some");
  app.add_option("--out", out, "folder for README.md, results.md and their pictures")->required();
  const CLI::Option* models_option =
      app.add_option("--models", models,
                     "NAME/NAME.onnx are taken from here, and trained here where missing; with --data synthetic by "
                     "default training/gallery_synthetic")
          ->capture_default_str();
  app.add_option("--only", only,
                 "train these models alone, and fail where one cannot be; others are used where they are there");
  app.add_flag("--no-training", no_training, "train nothing: measure and draw what is there");
  app.add_flag("--keep", keep, "rows and pictures whose models are missing stay as an earlier run left them in --out");
  app.add_option("--list", list, "rows and pictures (default: gallery.yaml of the recipes)");
  app.add_option("--recipes", recipes, "folder of the recipes by name");
  app.add_option("--threads", threads, "threads; results do not depend on it")->check(CLI::Range(1, 1024));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return failure.get_exit_code() == 0 ? app.exit(failure) : cli::usage_error(app, failure, argc, argv);
  }
  const bool synthetic = data == drawn_data;
  std::error_code ignored;
  if (!synthetic && !std::filesystem::is_directory(data, ignored))
    return fail(not_found(fmt::format(
        "--data {} is no folder; needs one with IDX files, named as those of MNIST, or {}, which draws digits",
        data.string(), drawn_data)));
  if (!synthetic) look_into(data, photographs);
  // Models of files would be measured on drawn digits as if they were made for them.
  if (synthetic && models_option->count() == 0) models = "training/gallery_synthetic";
  if (Status status = show::check_result_folder(out); !status) return fail(status.error());
  const Result<Plan> read = load_plan(list.empty() ? recipes / "gallery.yaml" : list);
  if (!read) return fail(read.error());
  const Plan plan = synthetic ? for_drawn_digits(*read) : *read;
  if (Status status = check_names(plan, only); !status) return fail(status.error());
  Collection collection({models, recipes, data, photographs, note, &cli::stop_on_signals(), plan.variants, synthetic});
  if (Status status = collection.check_data(plan); !status)
    return fail(
        not_found("--data: " + status.error().message +
                  "; needs a folder with the files of MNIST, one with such a folder mnist in it, or synthetic"));
  if (Status status = show::check_gnuplot(); !status) return fail(status.error());

  const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  const Status trained = no_training ? success() : train_missing(plan, only, collection);
  if (!trained && trained.error().code == Code::cancelled) return fail(trained.error());
  if (Status status = make_pages(plan, collection, keep ? FormerPages(out) : FormerPages(), out); !status)
    return fail(status.error());
  fmt::print("{}\n{}\n", (out / "README.md").string(), (out / "results.md").string());
  // Where models are asked for by name, pages that lack one are not what was asked for.
  if (!trained && !only.empty())
    return fail(Error{trained.error().code, "--only: not trained: " + trained.error().message, {}});
  return 0;
}

}  // namespace
}  // namespace latentflow::gallery

int main(int argc, char** argv) {
  return latentflow::cli::run_program([&] { return latentflow::gallery::run(argc, argv); },
                                      latentflow::gallery::failed);
}

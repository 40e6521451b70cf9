// show_command.cpp: the program latentflow-show, to which `latentflow show` hands over: what autoencoders have learned.
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <set>

#include "cli/command_line.h"
#include "latentflow/graph.h"
#include "model_options.h"
#include "show/curves.h"
#include "show/manifold.h"
#include "show/models.h"
#include "show/output.h"
#include "show/reconstructions.h"
#include "show/robustness.h"
#include "show/tiles.h"
#include "show_options.h"
#include "show_pictures.h"

namespace latentflow::show {
namespace {

constexpr int refused = 1, failed = 3;

/// The files of the command line, or the zoo's models of these names.
Result<Models> models_of(const Options& options) {
  const Host zoo{std::vector<Path>{}};  // no model here needs a plugin
  std::vector<std::filesystem::path> files;
  for (const std::string& name : options.files) {
    Result<Path> file = zoo.find_model(name);
    if (!file) return file.error();
    files.push_back(std::move(*file));
  }
  return load_models(files);
}

/// Models of rows and their data: everything but curves begins with it. Errors: those of the files and of the data.
struct Loaded {
  std::vector<DenseModel> models;
  train::ItemSet digits;
  nn::CodeItem picture;  ///< what items are seen as
};

Result<Loaded> load(const Options& options, std::vector<DenseModel> models, std::int64_t train_items) {
  if (options.crop > 0)
    return invalid_argument(fmt::format("--crop is for models of photographs, {} takes rows of {} numbers",
                                        models.front().name, models.front().features()));
  Loaded loaded;
  loaded.models = std::move(models);
  std::optional<nn::CodeItem> shape;
  if (!options.shape.empty()) {
    const Result<nn::CodeItem> parsed = parse_shape(options.shape);
    if (!parsed) return parsed.error();
    shape = *parsed;
  }
  const Result<nn::CodeItem> picture = picture_item(loaded.models.front().item, shape);
  if (!picture) return Error{picture.error().code, loaded.models.front().name + ": " + picture.error().message, {}};
  loaded.picture = *picture;
  if (options.data.empty()) return loaded;
  Result<train::ItemSet> digits = load_items(options.data, picture->height, train_items, options.test_items);
  if (!digits) return digits.error();
  loaded.digits = std::move(*digits);
  for (const DenseModel& model : loaded.models)
    if (Status status = check_items(model, loaded.digits.test, options.data); !status) return status.error();
  return loaded;
}

/// Scores are about how items differ.
Status check_some_items(const train::ItemRows& test, const char* verb) {
  if (test.count() >= 2) return success();
  return invalid_argument(fmt::format(
      "{} measures how test items differ, and there is {}; needs at least 2 (--test-items)", verb, test.count()));
}

/// Items to picture: of --shown, or of the data.
Result<std::vector<float>> pictured(const Options& options, const Loaded& loaded, std::int64_t count) {
  if (options.shown.empty()) return gather(loaded.digits.test, items_of_all_classes(loaded.digits.test, count));
  const Result<train::ItemSet> other = load_items(options.shown, loaded.picture.height, 1, 0);
  if (!other) return other.error();
  for (const DenseModel& model : loaded.models)
    if (Status status = check_items(model, other->test, options.shown); !status) return status.error();
  return gather(other->test, items_of_all_classes(other->test, count));
}

Status show_filters(const Options& options) {
  if (Status status = check_result_name(options.out, ".png"); !status) return status;
  Result<Models> models = models_of(options);
  if (!models) return models.error();
  if (models->are_pictures()) return show_picture_filters(options, models->pictures.front());
  const Result<Loaded> loaded = load(options, std::move(models->dense), 1);
  if (!loaded) return loaded.error();
  const DenseModel& model = loaded->models.front();
  const Result<std::vector<Filter>> filters = filters_of(model, loaded->digits.test.values, options.filters());
  if (!filters) return filters.error();
  if (Status status = write_png(options.out, draw(*filters, loaded->picture, options.columns)); !status) return status;
  say(options.out, fmt::format("{} of {} units of layer {} of {}", filters->size(),
                               model.network.layers[static_cast<std::size_t>(options.layer - 1)].outputs, options.layer,
                               model.name));
  return success();
}

Status show_reconstructions(const Options& options) {
  if (Status status = check_result_name(options.out, ".png"); !status) return status;
  Result<Models> models = models_of(options);
  if (!models) return models.error();
  if (models->are_pictures()) return show_picture_reconstructions(options, models->pictures);
  const Result<Loaded> loaded = load(options, std::move(models->dense), 0);
  if (!loaded) return loaded.error();
  if (Status status = check_some_items(loaded->digits.test, "reconstructions"); !status) return status;
  const Result<std::vector<float>> shown = pictured(options, *loaded, options.items);
  if (!shown) return shown.error();
  const std::string name = std::filesystem::path(options.data).filename().string();
  const Result<Reconstructions> strips =
      reconstruct_all(loaded->models, loaded->digits, *shown, "of " + name, options.seed);
  if (!strips) return strips.error();
  if (Status status = write_png(options.out, draw(*strips, loaded->picture)); !status) return status;
  fmt::print("{}", table(*strips));
  return success();
}

Status show_manifold(const Options& options) {
  if (Status status = check_result_folder(options.out); !status) return status;
  if (Status status = check_gnuplot(); !status) return status;
  Result<Models> models = models_of(options);
  if (!models) return models.error();
  if (models->are_pictures()) return no_verb_for_pictures("manifold", models->pictures.front());
  const Result<Loaded> loaded = load(options, std::move(models->dense), 1);
  if (!loaded) return loaded.error();
  for (const DenseModel& model : loaded->models) {
    const Result<Manifold> manifold = manifold_of(model, loaded->digits.test, options.side);
    if (!manifold) return manifold.error();
    const std::filesystem::path codes = in_folder(options, model.name + "_codes.svg"),
                                grid = in_folder(options, model.name + "_grid.png");
    const Plot plot = codes_plot(*manifold);
    if (Status status = write_plots(codes, {&plot, 1}); !status) return status;
    if (Status status = write_png(grid, draw_grid(*manifold, loaded->picture)); !status) return status;
    say(codes, fmt::format("{} codes", manifold->x.size()));
    say(grid, fmt::format("{0}x{0} points decoded", manifold->side));
  }
  return success();
}

Status show_jacobian(const Options& options) {
  if (Status status = check_result_folder(options.out); !status) return status;
  if (Status status = check_gnuplot(); !status) return status;
  Result<Models> models = models_of(options);
  if (!models) return models.error();
  if (models->are_pictures()) return show_picture_jacobian(options, models->pictures);
  const Result<Loaded> loaded = load(options, std::move(models->dense), 1);
  if (!loaded) return loaded.error();
  if (Status status = check_some_items(loaded->digits.test, "jacobian"); !status) return status;
  const Result<std::vector<float>> shown = pictured(options, *loaded, 4);
  if (!shown) return shown.error();
  std::vector<JacobianReport> reports;
  std::vector<IdentityScore> identity;
  for (const DenseModel& model : loaded->models) {
    reports.push_back(jacobian_report(model, loaded->digits.test.values, options.items));
    identity.push_back(identity_score(model, loaded->digits.test.values, options.seed));
    if (Status status =
            write_tangents(options, model.name, draw_tangents(model, *shown, loaded->picture, options.tangents),
                           shown->size() / static_cast<std::size_t>(model.features()));
        !status)
      return status;
  }
  return write_jacobians(options, reports, identity);
}

Status show_robustness(const Options& options) {
  if (Status status = check_result_name(options.out, ".svg"); !status) return status;
  if (Status status = check_gnuplot(); !status) return status;
  Result<Models> models = models_of(options);
  if (!models) return models.error();
  if (models->are_pictures()) return no_verb_for_pictures("robustness", models->pictures.front());
  const Result<Loaded> loaded = load(options, std::move(models->dense), 1);
  if (!loaded) return loaded.error();
  const Robustness robustness = robustness_of(loaded->models, loaded->digits.test.values, options.seed);
  if (Status status = write_plots(options.out, plots(robustness), 2); !status) return status;
  fmt::print("{}", table(robustness));
  return success();
}

Status show_curves(const Options& options) {
  if (Status status = check_result_name(options.out, ".svg"); !status) return status;
  std::vector<Curve> curves;
  std::set<std::string> names;
  for (const std::string& file : options.files) {
    Result<Curve> curve = read_curve(file);
    if (!curve) return curve.error();
    curve->name = distinct_name(curve->name, names);
    curves.push_back(std::move(*curve));
  }
  const Result<std::vector<Plot>> drawn = plots(curves);
  if (!drawn) return drawn.error();
  if (Status status = write_plots(options.out, *drawn, 2); !status) return status;
  for (const Curve& curve : curves) say(options.out, fmt::format("{}: {} rows", curve.name, curve.rows()));
  return success();
}

int run(int argc, char** argv) {
  CLI::App app("pictures and plots of what autoencoders have learned", "latentflow show");
  app.require_subcommand(1);
  Options options;
  const auto verb = [&](const char* name, const char* text, const char* models, const char* out) {
    CLI::App* command = app.add_subcommand(name, text);
    command->add_option("MODEL", options.files, models)->required();
    command->add_option("--out", options.out, out)->required();
    command->add_option("--threads", options.threads, "threads; results do not depend on it")
        ->check(CLI::Range(1, 1024));
    return command;
  };
  const auto data = [&](CLI::App* command, bool required, bool photographs) {
    CLI::Option* option = command->add_option(
        "--data", options.data,
        std::string("a folder of IDX files, named as those of MNIST, or synthetic: digits drawn here") +
            (photographs ? "; for convolutional models a folder of photographs" : ""));
    if (required) option->required();
    command->add_option("--shape", options.shape, "HxW or HxWxC: what an item is, where the model does not say");
    command
        ->add_option("--test-items", options.test_items,
                     std::string("so many of the test items (default: all") +
                         (photographs ? "; of photographs 50, evenly spread)" : ")"))
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
    if (photographs)
      command
          ->add_option("--crop", options.crop,
                       "of photographs: longest side of their middle that is taken (default: 256; jacobian 32)")
          ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 15));
    command->add_option("--seed", options.seed, "of noise and of random starts")->check(nn::is_seed());
  };
  const char *onnx = "an ONNX file of latentflow train or pca_fit, or a name of the zoo",
             *several = "one or more of these";

  CLI::App* filters = verb("filters", "the units of a layer as pictures (PNG)", onnx, "the .png to write");
  data(filters, false, true);
  filters->add_option(
      "--layer", options.layer,
      "of the encoder (of convolutional ones: which convolution); beyond 1 the input of length 1 that excites a "
      "unit most, by gradient ascent");
  filters->add_flag("--decoder", options.decoder, "what the units of layer 1 add to a reconstruction");
  filters->add_option("--units", options.units, "at most so many, 0: all")->check(CLI::Range(0, 1 << 20));
  filters->add_option("--columns", options.columns, "of the grid (default: square)")->check(CLI::Range(0, 1 << 12));
  filters->add_option("--sort", options.order, "unit (as in the file), norm of the weights, or mean activity on --data")
      ->check(CLI::IsMember({"unit", "norm", "activity"}));

  CLI::App* strips = verb("reconstructions", "input, principal components of the same code size and models (PNG)",
                          several, "the .png to write");
  data(strips, true, true);
  CLI::App* manifold = verb("manifold", "codes by class (SVG) and decoded points of their plane (PNG)", several,
                            "folder for MODEL_codes.svg and MODEL_grid.png");
  data(manifold, true, false);
  manifold->add_option("--side", options.side, "points of the grid per axis")->check(CLI::Range(2, 64));
  CLI::App* curves =
      verb("curves", "training curves: loss, penalties, activation, gradient, rate, validation (SVG)",
           "NAME.curve.csv of a folder of checkpoints, that folder, or a model beside it", "the .svg to write");
  CLI::App* jacobian = verb("jacobian", "how the code changes with its input: spectrum (SVG), tangents (PNG), a table",
                            several, "folder for spectrum.svg and MODEL_tangents.png");
  data(jacobian, true, true);
  jacobian->add_option("--tangents", options.tangents, "right singular vectors per item")->check(CLI::Range(1, 64));
  jacobian->add_flag("--json", options.json, "print JSON instead of the table");
  CLI::App* robustness =
      verb("robustness", "error against growing noise and missing inputs (SVG)", several, "the .svg to write");
  data(robustness, true, false);
  for (CLI::App* command : {strips, jacobian}) {
    command
        ->add_option("--items", options.items,
                     command == strips ? "columns" : "items that singular values are averaged over")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{100000}));
    command->add_option("--shown", options.shown, "as --data: where the pictured items are from (default: --data)");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return failure.get_exit_code() == 0 ? app.exit(failure) : cli::usage_error(app, failure, argc, argv);
  }
  if (filters->parsed() && options.files.size() > 1) {
    cli::say("latentflow: error: filters shows one MODEL, got {}\n", options.files.size());
    return refused;
  }
  const tbb::global_control workers(tbb::global_control::max_allowed_parallelism,
                                    static_cast<std::size_t>(options.threads));
  const Status done = filters->parsed()    ? show_filters(options)
                      : strips->parsed()   ? show_reconstructions(options)
                      : manifold->parsed() ? show_manifold(options)
                      : jacobian->parsed() ? show_jacobian(options)
                      : curves->parsed()   ? show_curves(options)
                                           : show_robustness(options);
  if (done) return 0;
  cli::say("latentflow: error: {}\n", done.error().message);
  return done.error().code == Code::internal || done.error().code == Code::io ? failed : refused;
}

}  // namespace
}  // namespace latentflow::show

int main(int argc, char** argv) {
  return latentflow::cli::run_program([&] { return latentflow::show::run(argc, argv); }, latentflow::show::failed);
}

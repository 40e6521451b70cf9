// show_command.cpp: the program latentflow-show, to which `latentflow show` hands over: what autoencoders have learned.
#include <fmt/format.h>
#include <tbb/global_control.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <thread>

#include "show/curves.h"
#include "show/filters.h"
#include "show/jacobian.h"
#include "show/manifold.h"
#include "show/output.h"
#include "show/reconstructions.h"
#include "show/robustness.h"
#include "show/tiles.h"

namespace latentflow::show {
namespace {

constexpr int refused = 1, failed = 3;

struct Options {
  std::vector<std::string> files;
  std::string data, shown, out, shape, order = "unit";
  std::int64_t layer = 1, units = 100, columns = 0, items = 10, side = 16, test_items = 0, tangents = 8;
  std::uint64_t seed = 1;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  bool json = false, decoder = false;
};

/// Everything but curves begins with it. Errors: those of the files and of the data.
struct Loaded {
  std::vector<DenseModel> models;
  train::ItemSet digits;
  nn::CodeItem picture;  ///< what items are seen as
};

Result<Loaded> load(const Options& options, std::int64_t train_items) {
  Loaded loaded;
  for (const std::string& file : options.files) {
    Result<DenseModel> model = load_dense_model(file);
    if (!model) return model.error();
    loaded.models.push_back(std::move(*model));
  }
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

/// Items to picture: of --shown, or of the data.
Result<std::vector<float>> pictured(const Options& options, const Loaded& loaded, std::int64_t count) {
  if (options.shown.empty()) return gather(loaded.digits.test, items_of_all_classes(loaded.digits.test, count));
  const Result<train::ItemSet> other = load_items(options.shown, loaded.picture.height, 1, 0);
  if (!other) return other.error();
  for (const DenseModel& model : loaded.models)
    if (Status status = check_items(model, other->test, options.shown); !status) return status.error();
  return gather(other->test, items_of_all_classes(other->test, count));
}

void say(const std::filesystem::path& file, const std::string& what) {
  fmt::print(stderr, "{}: {}\n", file.string(), what);
}

/// DIR/NAME of a verb that writes several files.
std::filesystem::path in_folder(const Options& options, const std::string& name) {
  return std::filesystem::path(options.out) / name;
}

Status show_filters(const Options& options) {
  if (Status status = check_result_name(options.out, ".png"); !status) return status;
  const Result<Loaded> loaded = load(options, 1);
  if (!loaded) return loaded.error();
  const DenseModel& model = loaded->models.front();
  const FilterOrder order = options.order == "norm"       ? FilterOrder::norm
                            : options.order == "activity" ? FilterOrder::activity
                                                          : FilterOrder::unit;
  const Result<std::vector<Filter>> filters = filters_of(
      model, loaded->digits.test.values, {options.layer, options.units, order, options.seed, options.decoder});
  if (!filters) return filters.error();
  if (Status status = write_png(options.out, draw(*filters, loaded->picture, options.columns)); !status) return status;
  say(options.out, fmt::format("{} of {} units of layer {} of {}", filters->size(),
                               model.network.layers[static_cast<std::size_t>(options.layer - 1)].outputs, options.layer,
                               model.name));
  return success();
}

Status show_reconstructions(const Options& options) {
  if (Status status = check_result_name(options.out, ".png"); !status) return status;
  const Result<Loaded> loaded = load(options, 0);
  if (!loaded) return loaded.error();
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
  const Result<Loaded> loaded = load(options, 1);
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
  const Result<Loaded> loaded = load(options, 1);
  if (!loaded) return loaded.error();
  const Result<std::vector<float>> shown = pictured(options, *loaded, 4);
  if (!shown) return shown.error();
  std::vector<JacobianReport> reports;
  std::vector<IdentityScore> identity;
  nlohmann::json list = nlohmann::json::array();
  for (const DenseModel& model : loaded->models) {
    reports.push_back(jacobian_report(model, loaded->digits.test.values, options.items));
    identity.push_back(identity_score(model, loaded->digits.test.values, options.seed));
    const std::filesystem::path file = in_folder(options, model.name + "_tangents.png");
    const cv::Mat picture = draw_tangents(model, *shown, loaded->picture, options.tangents);
    if (Status status = write_png(file, picture); !status) return status;
    say(file, fmt::format("leading right singular vectors of dh/dx at {} items",
                          shown->size() / static_cast<std::size_t>(model.features())));
    list.push_back(to_json(reports.back()));
    list.back()["identity"] = to_json(identity.back());
  }
  const std::filesystem::path file = in_folder(options, "spectrum.svg");
  const Plot plot = spectrum_plot(reports);
  if (Status status = write_plots(file, {&plot, 1}); !status) return status;
  say(file, fmt::format("singular values, mean over {} items", reports.front().items));
  if (options.json) {
    fmt::print("{}\n", list.dump(2));
    return success();
  }
  fmt::print("{}", table(reports));
  for (std::size_t i = 0; i < identity.size(); ++i) fmt::print("{}: {}\n", reports[i].name, to_string(identity[i]));
  return success();
}

Status show_robustness(const Options& options) {
  if (Status status = check_result_name(options.out, ".svg"); !status) return status;
  if (Status status = check_gnuplot(); !status) return status;
  const Result<Loaded> loaded = load(options, 1);
  if (!loaded) return loaded.error();
  const Robustness robustness = robustness_of(loaded->models, loaded->digits.test.values, options.seed);
  if (Status status = write_plots(options.out, plots(robustness), 2); !status) return status;
  fmt::print("{}", table(robustness));
  return success();
}

Status show_curves(const Options& options) {
  if (Status status = check_result_name(options.out, ".svg"); !status) return status;
  std::vector<Curve> curves;
  for (const std::string& file : options.files) {
    Result<Curve> curve = read_curve(file);
    if (!curve) return curve.error();
    curves.push_back(std::move(*curve));
  }
  if (Status status = write_plots(options.out, plots(curves), 2); !status) return status;
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
  const auto data = [&](CLI::App* command, bool required) {
    CLI::Option* option = command->add_option(
        "--data", options.data, "a folder of IDX files, named as those of MNIST, or synthetic: digits drawn here");
    if (required) option->required();
    command->add_option("--shape", options.shape, "HxW or HxWxC: what an item is, where the model does not say");
    command->add_option("--test-items", options.test_items, "so many of the test items (default: all)")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
    command->add_option("--seed", options.seed, "of noise and of random starts");
  };
  const char *onnx = "an ONNX file of latentflow train or pca_fit", *several = "one or more of these ONNX files";

  CLI::App* filters = verb("filters", "the units of a layer as pictures (PNG)", onnx, "the .png to write");
  data(filters, false);
  filters->add_option("--layer", options.layer,
                      "of the encoder; beyond 1 the input of length 1 that excites a unit most, by gradient ascent");
  filters->add_flag("--decoder", options.decoder, "what the units of layer 1 add to a reconstruction");
  filters->add_option("--units", options.units, "at most so many, 0: all")->check(CLI::Range(0, 1 << 20));
  filters->add_option("--columns", options.columns, "of the grid (default: square)")->check(CLI::Range(0, 1 << 12));
  filters->add_option("--sort", options.order, "unit (as in the file), norm of the weights, or mean activity on --data")
      ->check(CLI::IsMember({"unit", "norm", "activity"}));

  CLI::App* strips = verb("reconstructions", "input, principal components of the same code size and models (PNG)",
                          several, "the .png to write");
  data(strips, true);
  CLI::App* manifold = verb("manifold", "codes by class (SVG) and decoded points of their plane (PNG)", several,
                            "folder for MODEL_codes.svg and MODEL_grid.png");
  data(manifold, true);
  manifold->add_option("--side", options.side, "points of the grid per axis")->check(CLI::Range(2, 64));
  CLI::App* curves =
      verb("curves", "training curves: loss, penalties, activation, gradient, rate, validation (SVG)",
           "NAME.curve.csv of a folder of checkpoints, that folder, or a model beside it", "the .svg to write");
  CLI::App* jacobian = verb("jacobian", "how the code changes with its input: spectrum (SVG), tangents (PNG), a table",
                            several, "folder for spectrum.svg and MODEL_tangents.png");
  data(jacobian, true);
  jacobian->add_option("--tangents", options.tangents, "right singular vectors per item")->check(CLI::Range(1, 64));
  jacobian->add_flag("--json", options.json, "print JSON instead of the table");
  CLI::App* robustness =
      verb("robustness", "error against growing noise and missing inputs (SVG)", several, "the .svg to write");
  data(robustness, true);
  for (CLI::App* command : {strips, jacobian}) {
    command
        ->add_option("--items", options.items,
                     command == strips ? "columns" : "items that singular values are averaged over")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{100000}));
    command->add_option("--shown", options.shown, "as --data: where the pictured items are from (default: --data)");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) { return app.exit(failure) == 0 ? 0 : refused; }
  if (filters->parsed() && options.files.size() > 1) {
    fmt::print(stderr, "error: filters shows one MODEL, got {}\n", options.files.size());
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
  fmt::print(stderr, "error: {}\n", done.error().message);
  return done.error().code == Code::internal || done.error().code == Code::io ? failed : refused;
}

}  // namespace
}  // namespace latentflow::show

int main(int argc, char** argv) {
  try {
    return latentflow::show::run(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "error: {}\n", failure.what());
    return latentflow::show::failed;
  }
}

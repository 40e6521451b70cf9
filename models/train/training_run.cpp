// training_run.cpp: see training_run.h.
#include "training_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "latentflow/files.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "start_weights.h"

namespace latentflow::train {

namespace fs = std::filesystem;

namespace {

/// Without the lines that say how long to train.
std::string but_its_length(const std::string& recipe) {
  std::string rest;
  std::istringstream lines(recipe);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("steps:") && !line.starts_with("restarts:")) rest += line + '\n';
  return rest;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The first line in which two recipes differ, if possible one that does not say how long to train. Overrides are the
/// lines behind a recipe, see parse_recipe().
std::string first_difference(const std::string& before, const std::string& now) {
  const bool in_length = but_its_length(before) == but_its_length(now);
  const std::vector<std::string> old_lines = lines_of(in_length ? before : but_its_length(before)),
                                 new_lines = lines_of(in_length ? now : but_its_length(now));
  const auto [old_line, new_line] =
      std::mismatch(old_lines.begin(), old_lines.end(), new_lines.begin(), new_lines.end());
  if (old_line == old_lines.end() && new_line == new_lines.end()) return "they differ in the end of the last line";
  const auto quoted = [](const std::vector<std::string>& lines, std::vector<std::string>::const_iterator line) {
    if (line == lines.end()) return std::string("nothing more");
    return fmt::format("\"{}\"", line->starts_with("# --set ") ? line->substr(2) : *line);
  };
  return fmt::format("it says {} where this one says {}", quoted(old_lines, old_line), quoted(new_lines, new_line));
}

/// The steps of the shorter recipe if this one goes on, after a restart, where that ends.
std::optional<std::int64_t> goes_on(const std::string& shorter, const Recipe& recipe) {
  if (but_its_length(shorter) != but_its_length(recipe.text) || shorter.find("\n# --set ") != std::string::npos)
    return std::nullopt;
  const Result<Recipe> before = parse_recipe(shorter, "the shorter recipe");
  if (!before) return std::nullopt;
  const auto end = std::find(recipe.restarts.begin(), recipe.restarts.end(), before->steps);
  const bool same_before = end != recipe.restarts.end() &&
                           std::equal(recipe.restarts.begin(), end, before->restarts.begin(), before->restarts.end());
  return same_before ? std::optional(before->steps) : std::nullopt;
}

/// What trained_with() begins with.
std::string steps_of_card(std::int64_t steps) { return fmt::format("latentflow, {} steps of ", steps); }

bool has_checkpoint(const TrainingJob& job) {
  std::error_code ignored;
  return !job.checkpoints.empty() && fs::exists(checkpoint_file(job), ignored);
}

}  // namespace

Status check_folders(const TrainingJob& job) {
  for (const fs::path& file : {job.model, job.classifier}) {
    std::error_code ignored;
    if (file.empty()) continue;
    const bool there = !file.has_parent_path() || fs::is_directory(file.parent_path(), ignored);
    if (Status status = there ? nn::check_can_save(file) : check_writable(file.parent_path()); !status) return status;
  }
  if (!job.checkpoints.empty())
    if (Status status = check_writable(job.checkpoints); !status) return status;
  if (!job.resume && has_checkpoint(job))
    return invalid_argument(
        fmt::format("{} is there from an earlier run, and this one would overwrite it; --resume goes on from it, or "
                    "--checkpoints names another folder",
                    checkpoint_file(job).string()));
  return success();
}

Status make_folders(const TrainingJob& job) {
  for (const fs::path& file : {job.model, job.classifier, job.checkpoints / "checkpoint"}) {
    std::error_code failure;
    if (file.has_parent_path()) fs::create_directories(file.parent_path(), failure);
    if (failure)
      return io_error(fmt::format("{} cannot be created: {}", file.parent_path().string(), failure.message()));
  }
  for (const fs::path& file : {job.model, job.classifier})
    if (!file.empty())
      if (Status status = nn::check_can_save(file); !status) return status;
  return success();
}

Status check_classifier(const TrainingJob& job) {
  if (job.classifier.empty()) return success();
  const Recipe& recipe = job.recipe;
  const AutoencoderRecipe& shape = recipe.autoencoder;
  const auto file = [&] { return fmt::format("classifier {}: ", job.classifier.string()); };
  if (recipe.task != Task::autoencoder || (!shape.features.logistic && !shape.features.fine_tune))
    return invalid_argument(
        file() + fmt::format("the recipe {} trains none; features.fine_tune and features.logistic of task autoencoder "
                             "do",
                             recipe.model));
  if (shape.k_sparse)
    return unsupported(file() +
                       fmt::format("of the codes of the recipe {} only the largest count (k_sparse), which no operator "
                                   "of the file could say",
                                   recipe.model));
  if (fs::absolute(job.classifier).lexically_normal() == fs::absolute(job.model).lexically_normal())
    return invalid_argument(file() + "is the file of the autoencoder, too; name another one");
  return success();
}

std::string folder_name(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::string trained_with(const TrainingJob& job, std::int64_t steps, std::string_view samples, double seconds,
                         const std::string& started_from) {
  return fmt::format("{}{} {} in {:.0f} s, seed {}{}: {}", steps_of_card(steps), job.recipe.batch, samples, seconds,
                     job.recipe.seed, started_from.empty() ? "" : ", started from " + started_from, job.command);
}

fs::path checkpoint_file(const TrainingJob& job) { return job.checkpoints / (job.recipe.model + ".checkpoint"); }

Result<std::optional<Checkpoint>> checkpoint_to_resume(const TrainingJob& job, std::size_t parameters) {
  if (!job.resume) return std::optional<Checkpoint>();
  const fs::path file = checkpoint_file(job);
  Result<Checkpoint> loaded = load_checkpoint(file);
  if (!loaded && loaded.error().code == Code::not_found) {
    if (job.note) job.note("no checkpoint yet, starting anew");
    return std::optional<Checkpoint>();
  }
  if (!loaded) return loaded.error();
  if (loaded->recipe != job.recipe.text && !goes_on(loaded->recipe, job.recipe))
    return invalid_argument(
        fmt::format("{} was written under another recipe: {}; use the same one (or one that has its steps as a restart "
                    "and differs in the lines steps and restarts alone), or another folder of checkpoints",
                    file.string(), first_difference(loaded->recipe, job.recipe.text)));
  if (loaded->seed != job.recipe.seed)
    return invalid_argument(
        fmt::format("{} was written with seed {}, now it is {}", file.string(), loaded->seed, job.recipe.seed));
  if (loaded->state.weights.size() != parameters)
    return bad_input(fmt::format("{} holds {} weights, the network has {}", file.string(), loaded->state.weights.size(),
                                 parameters));
  if (job.note)
    job.note(fmt::format("resumed at step {} after {:.0f} s of training", loaded->updates, loaded->seconds));
  return std::optional<Checkpoint>(std::move(*loaded));
}

Result<FinishedModel> finished_model(const fs::path& model, const Recipe& recipe, nn::Graph& graph) {
  const Result<nn::Graph> trained = nn::load_onnx(model);
  if (!trained) return trained.error();
  const Result<nn::ModelCard> card = nn::read_card(*trained);
  if (!card) return card.error();
  const std::optional<std::int64_t> steps = goes_on(card->recipe, recipe);
  if (!steps)
    return bad_input(
        fmt::format("{} was trained by another recipe; needs one that has its steps as a restart here and "
                    "differs in the lines steps and restarts alone",
                    model.string()));
  if (!card->trained_with.starts_with(steps_of_card(*steps)))
    return bad_input(fmt::format("{} was not trained for all {} steps of its recipe but with: {}", model.string(),
                                 *steps, card->trained_with));
  const std::string seed = fmt::format(", seed {}", recipe.seed);
  if (card->trained_with.find(seed + ":") == std::string::npos &&
      card->trained_with.find(seed + ",") == std::string::npos)
    return invalid_argument(
        fmt::format("{} was not trained with seed {} but with: {}", model.string(), recipe.seed, card->trained_with));
  Result<std::string> name = start_from(model, recipe, graph);
  if (!name) return name.error();
  return FinishedModel{*steps, std::move(*name)};
}

Result<std::optional<Curve>> open_curve(const TrainingJob& job, std::span<const std::string> penalties,
                                        std::int64_t steps, std::int64_t done) {
  if (job.checkpoints.empty()) return std::optional<Curve>();
  Result<Curve> curve = Curve::open(job.checkpoints / (job.recipe.model + std::string(curve_ending)), penalties,
                                    curve_interval(steps), done > 0 ? std::optional(done) : std::nullopt);
  if (!curve) return curve.error();
  // A model that is gone on from comes without its curve.
  if (job.note && has_checkpoint(job) && !curve->lost().empty()) job.note("warning: " + curve->lost());
  return std::optional<Curve>(std::move(*curve));
}

Status watch_loss(const TrainingJob& job, LossWatch& watch, std::int64_t step, double loss, double norm,
                  bool new_phase) {
  const auto kept = [&] { return has_checkpoint(job) ? "; the last checkpoint is kept" : ""; };
  if (!std::isfinite(loss) || !std::isfinite(norm))
    return internal_error(fmt::format("step {}: loss {} and gradient {} are not finite{}", step, loss, norm, kept()));
  watch.add(loss, new_phase);
  if (watch.runs_away())
    return internal_error(fmt::format("step {}: the loss runs away, {} now{}; try a lower rate", step, loss, kept()));
  return success();
}

std::string nothing_left(const TrainingJob& job, std::int64_t done, std::int64_t steps) {
  return fmt::format(
      "{} of {} steps are made{}, nothing is left to do", done, steps,
      done < steps && job.time_limit ? fmt::format(" and the {:g} s of the time limit are gone", *job.time_limit) : "");
}

std::string unused_folders(const TrainingJob& job) {
  const AutoencoderRecipe& shape = job.recipe.autoencoder;
  const bool vectors = job.recipe.task == Task::autoencoder, digits = vectors && !shape.patches && !shape.graph;
  std::vector<std::string> lines;
  const auto unused = [&](const char* option, const char* why) {
    lines.push_back(fmt::format("{} is not read by the recipe {}: {}", option, job.recipe.model, why));
  };
  if (!job.data.empty() && job.recipe.draws_its_data())
    unused("--data", digits ? "it draws its digits (data.digits)" : "a graph makes its data (data.graph)");
  if (!job.photographs.empty() && !(digits && shape.digits.background))
    unused("--photographs", digits ? "only data.background=true puts digits before some"
                                   : "they are for digits; photographs to train on are those of --data");
  if (!job.validation.empty() && vectors)
    unused("--validate", "autoencoders on vectors are validated on a part of their data");
  return fmt::format("{}", fmt::join(lines, "\n"));
}

Error stop_run(const TrainingJob& job, std::int64_t step, const std::function<Status()>& keep) {
  if (job.checkpoints.empty())
    return cancelled(fmt::format("stopped at step {}; nothing is kept without a folder of checkpoints", step));
  if (Status status = keep(); !status) return status.error();
  return cancelled(fmt::format("stopped at step {}; resume goes on from there", step));
}

}  // namespace latentflow::train

// collection.cpp: see collection.h.
#include "collection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <regex>

#include "latentflow/graph.h"
#include "nn/onnx_import.h"
#include "train/autoencoder/digit_rows.h"
#include "train/trainer.h"

namespace latentflow::gallery {
namespace {

namespace fs = std::filesystem;

/// Group 1 of the pattern in `text`; empty where it does not occur.
std::string part_of(const std::string& text, const char* pattern) {
  std::smatch found;
  return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : "";
}

bool of_photographs(const train::Recipe& recipe) {
  const train::AutoencoderRecipe& shape = recipe.autoencoder;
  return recipe.task != train::Task::autoencoder || (shape.patches && !shape.graph);
}

/// What principal components of patches are fitted to: enough for 144 numbers.
constexpr train::PatchData component_patches{12, 20000, 2000};

}  // namespace

std::string quoted(const std::string& text) {
  const auto is_plain = [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || std::strchr("_-.=/,:", letter) != nullptr;
  };
  if (std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string result = "'";
  for (const char letter : text) result += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return result + "'";
}

Collection::Source Collection::load(const std::string& name) const {
  Source source{name, {}, Error{}};
  for (const Variant& variant : options_.variants)
    if (variant.name == name) {
      source.recipe = variant.recipe, source.sets = {"model=" + name};
      source.sets.insert(source.sets.end(), variant.sets.begin(), variant.sets.end());
    }
  const fs::path file = options_.recipes / (source.recipe + ".yaml");
  source.content = train::load_recipe(file, source.sets);
  if (!source.content || !options_.synthetic) return source;
  const train::Recipe& recipe = *source.content;
  if (recipe.task != train::Task::autoencoder || recipe.draws_its_data()) return source;
  if (of_photographs(recipe) && !options_.photographs.empty()) return source;
  source.sets.push_back(of_photographs(recipe) ? fmt::format("data.graph={}", drawn_pictures)
                                               : "data.digits=synthetic");
  source.content = train::load_recipe(file, source.sets);
  return source;
}

const Collection::Source& Collection::source(const std::string& name) {
  const auto known = sources_.find(name);
  return known != sources_.end() ? known->second : sources_.emplace(name, load(name)).first->second;
}

Result<const train::Recipe*> Collection::recipe(const std::string& name) {
  const Source& own = source(name);
  if (!own.content) return own.content.error();
  return &*own.content;
}

bool Collection::reads_digits(const std::string& name) {
  if (const std::optional<Components> components = components_in(name)) return !components->patches;
  const Result<const train::Recipe*> own = recipe(name);
  return own && !of_photographs(**own) && !(*own)->draws_its_data();
}

Status Collection::check_data(const Plan& plan) {
  if (options_.synthetic) return success();
  const auto check = [&](const std::vector<std::string>& models) -> Status {
    for (const std::string& name : models)
      if (const Status found = train::find_digit_files(options_.data); !found && reads_digits(name))
        return not_found(fmt::format("{}, which {} is trained on and measured with", found.error().message, name));
    return success();
  };
  for (const Section& section : plan.sections) {
    for (const Row& row : section.rows)
      if (Status status = check(row.models); !status) return status;
    for (const Picture& picture : section.pictures)
      if (Status status = check(picture.models); !status) return status;
  }
  return success();
}

std::string Collection::command(const std::string& name) {
  if (components_in(name))
    return fmt::format("`latentflow gallery --data {}` (fits them)", options_.synthetic ? "synthetic" : "mnist/");
  const Source& own = source(name);
  std::string words;
  for (const std::string& set : own.sets) words += " --set " + quoted(set);
  if (own.content && of_photographs(*own.content)) words += " --data photographs/";
  if (own.content && reads_digits(name)) words += " --data mnist/";
  if (own.content && own.content->autoencoder.digits.background) words += " --photographs photographs/";
  return fmt::format("`latentflow train models/recipes/{}.yaml{} --out {}.onnx`", own.recipe, words, name);
}

Result<train::TrainingJob> Collection::job(const std::string& name) {
  train::TrainingJob job;
  if (const std::optional<Components> components = components_in(name)) {
    job.recipe.task = train::Task::autoencoder;
    train::AutoencoderRecipe& items = job.recipe.autoencoder;
    items.digits.synthetic = options_.synthetic;
    if (components->patches) items.patches = component_patches;
    if (components->patches && options_.synthetic && options_.photographs.empty())
      items.graph = train::DataGraph{drawn_pictures, {}};
  } else {
    const Result<const train::Recipe*> own = recipe(name);
    if (!own) return own.error();
    job.recipe = **own;
  }
  if (of_photographs(job.recipe) && options_.photographs.empty())
    return invalid_argument("it learns from photographs: name a folder of them with --photographs");
  job.data = of_photographs(job.recipe) ? options_.photographs : options_.data;
  job.photographs = options_.photographs;
  job.stop = options_.stop;
  return job;
}

Result<const train::ItemSet*> Collection::items(const std::string& name) {
  const Result<train::TrainingJob> own = job(name);
  if (!own) return own.error();
  if (own->recipe.task != train::Task::autoencoder)
    return unsupported(fmt::format("{} is no autoencoder on vectors", name));
  const train::AutoencoderRecipe& shape = own->recipe.autoencoder;
  const train::DigitData& digits = shape.digits;
  std::string key = name;
  if (components_in(name) && shape.patches) key = "patches";
  // Plain digits of a file are the same for all recipes, whatever their seed.
  if (!shape.patches && !shape.graph && !digits.variant())
    key = fmt::format("{} {} {}{}", digits.train.value_or(0), digits.validation.value_or(0), digits.test.value_or(0),
                      digits.synthetic ? fmt::format(" drawn {} {}", digits.size, own->recipe.seed) : "");
  auto known = items_.find(key);
  if (known == items_.end()) known = items_.emplace(key, train::load_items(*own)).first;
  if (!known->second) return known->second.error();
  return &*known->second;
}

Status Collection::train(const std::string& name) {
  if (find(name).state == Member::State::finished) return success();
  Result<train::TrainingJob> made = this->job(name);
  if (!made) return Error{made.error().code, fmt::format("{}: {}", name, made.error().message), {}};
  train::TrainingJob job = std::move(*made);
  job.checkpoints = options_.models / name;
  job.model = job.checkpoints / (name + ".onnx");
  job.resume = true;
  const Source& own = source(name);
  job.command = fmt::format("latentflow gallery, recipe {}", own.recipe);
  for (const std::string& set : own.sets) job.command += " --set " + quoted(set);
  job.report_seconds = 30;
  job.note = [&](const std::string& line) { options_.note(name + ": " + line); };
  job.report = [&](const train::Progress& progress) {
    options_.note(fmt::format("{}: step {}/{}, loss {:.5f}, {:.0f} s left", name, progress.step, progress.steps,
                              progress.loss, progress.seconds_left));
  };
  const Result<train::TrainingSummary> summary = train::train(job);
  members_.erase(name);
  if (!summary) return Error{summary.error().code, fmt::format("{}: {}", name, summary.error().message), {}};
  options_.note(fmt::format("{}: {}", name, summary->result));
  return success();
}

const Member& Collection::member(const std::string& name) {
  const auto known = members_.find(name);
  return known != members_.end() ? known->second : members_.emplace(name, find(name)).first->second;
}

Member Collection::find(const std::string& name) {
  Member member;
  if (const std::optional<Components> components = components_in(name)) {
    const Result<const train::ItemSet*> data = items(name);
    if (!data) return member.why = data.error().message, member;
    Result<show::DenseModel> fitted = show::components_of((*data)->train, components->count);
    if (!fitted) return member.why = fitted.error().message, member;
    member.card = fitted->card;
    member.model = std::move(*fitted), member.state = Member::State::finished;
    return member;
  }
  member.file = options_.models / name / (name + ".onnx");
  const Source& own = source(name);
  const bool on_pictures = own.content && own.content->task == train::Task::image_codes;
  std::error_code ignored;
  if (!fs::exists(member.file, ignored)) {
    const Result<Path> shipped = on_pictures ? Host(std::vector<Path>()).find_model(name) : not_found("");
    if (!shipped) {
      const bool known = fs::exists(options_.recipes / (own.recipe + ".yaml"), ignored);
      member.why = known ? "not trained yet" : fmt::format("there is no recipe {} yet", own.recipe);
      return member;
    }
    member.file = *shipped;
  }
  const Result<nn::Graph> graph = nn::load_onnx(member.file);
  if (!graph) return member.why = graph.error().message, member;
  Result<nn::ModelCard> card = nn::read_card(*graph);
  if (!card) return member.why = card.error().message, member;
  Result<show::DenseModel> dense = show::dense_model(*graph, name);
  if (dense)
    member.model = std::move(*dense);
  else if (member.why = dense.error().message; !on_pictures)
    return member;
  member.card = std::move(*card);
  member.seed = part_of(member.card.trained_with, "seed ([0-9]+)");
  member.seconds = part_of(member.card.trained_with, " in ([0-9]+) s,");
  member.state = member.card.scores.starts_with("in training") ? Member::State::in_training : Member::State::finished;
  if (member.state == Member::State::in_training) member.why = "in training";
  return member;
}

}  // namespace latentflow::gallery

// collection.cpp: see collection.h.
#include "collection.h"

#include <fmt/format.h>

#include <regex>

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

}  // namespace

Result<const train::Recipe*> Collection::recipe(const std::string& name) {
  auto known = recipes_.find(name);
  if (known == recipes_.end())
    known = recipes_.emplace(name, train::load_recipe(options_.recipes / (name + ".yaml"))).first;
  if (!known->second) return known->second.error();
  return &*known->second;
}

bool Collection::reads_digits(const std::string& name) {
  if (components_in(name)) return true;
  const Result<const train::Recipe*> own = recipe(name);
  return own && !of_photographs(**own) && !(*own)->draws_its_data();
}

Status Collection::check_data(const Plan& plan) {
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
  if (components_in(name)) return "`latentflow gallery --data mnist/` (fits them)";
  const Result<const train::Recipe*> own = recipe(name);
  std::string data;
  if (own && of_photographs(**own)) data = " --data photographs/";
  if (own && reads_digits(name)) data = " --data mnist/";
  if (own && (*own)->autoencoder.digits.background) data += " --photographs photographs/";
  return fmt::format("`latentflow train models/recipes/{0}.yaml{1} --out {0}.onnx`", name, data);
}

Result<train::TrainingJob> Collection::job(const std::string& name) {
  const Result<const train::Recipe*> own = recipe(name);
  if (!own) return own.error();
  train::TrainingJob job;
  job.recipe = **own;
  if (of_photographs(job.recipe) && options_.photographs.empty())
    return invalid_argument("it learns from photographs: name a folder of them with --photographs");
  job.data = of_photographs(job.recipe) ? options_.photographs : options_.data;
  job.photographs = options_.photographs;
  job.stop = options_.stop;
  return job;
}

Result<const train::ItemSet*> Collection::items(const std::string& name) {
  train::TrainingJob own;
  own.data = options_.data;
  if (!components_in(name)) {
    Result<train::TrainingJob> made = job(name);
    if (!made) return made.error();
    own = std::move(*made);
    if (own.recipe.task != train::Task::autoencoder)
      return unsupported(fmt::format("{} is no autoencoder on vectors", name));
  }
  const train::AutoencoderRecipe& shape = own.recipe.autoencoder;
  const train::DigitData& digits = shape.digits;
  // Plain digits of a file are the same for all recipes, whatever their seed.
  const bool plain = !shape.patches && !shape.graph && !digits.variant() && !digits.synthetic;
  const std::string key =
      plain ? fmt::format("{} {} {}", digits.train.value_or(0), digits.validation.value_or(0), digits.test.value_or(0))
            : name;
  auto known = items_.find(key);
  if (known == items_.end()) known = items_.emplace(key, train::load_items(own)).first;
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
  job.command = fmt::format("latentflow gallery, recipe {}", name);
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
  if (const std::optional<std::int64_t> count = components_in(name)) {
    const Result<const train::ItemSet*> digits = items(name);
    if (!digits) return member.why = digits.error().message, member;
    Result<show::DenseModel> fitted = show::components_of((*digits)->train, *count);
    if (!fitted) return member.why = fitted.error().message, member;
    member.model = std::move(*fitted), member.state = Member::State::finished;
    return member;
  }
  member.file = options_.models / name / (name + ".onnx");
  std::error_code ignored;
  if (!fs::exists(member.file, ignored)) {
    const bool known = fs::exists(options_.recipes / (name + ".yaml"), ignored);
    member.why = known ? "not trained yet" : fmt::format("there is no recipe {} yet", name);
    return member;
  }
  Result<show::DenseModel> loaded = show::load_dense_model(member.file);
  if (!loaded) return member.why = loaded.error().message, member;
  loaded->name = name;
  member.model = std::move(*loaded);
  const nn::ModelCard& card = member.model->card;
  member.seed = part_of(card.trained_with, "seed ([0-9]+)");
  member.seconds = part_of(card.trained_with, " in ([0-9]+) s,");
  member.state = card.scores.starts_with("in training") ? Member::State::in_training : Member::State::finished;
  if (member.state == Member::State::in_training) member.why = "in training";
  return member;
}

}  // namespace latentflow::gallery

// plan.cpp: see plan.h.
#include "plan.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include "measures.h"
#include "train/strict_yaml.h"

namespace latentflow::gallery {
namespace {

constexpr double huge = 1e12;
constexpr std::array<std::string_view, 6> kinds{"filters",  "reconstructions", "manifold",
                                                "jacobian", "robustness",      "curves"};

void read_optional(train::Fields& fields, std::string_view key, std::optional<double>& value) {
  const bool there = fields.has(key);
  double number = 0;
  fields.read(key, number, -huge, huge);
  if (there) value = number;
}

void read_row(train::Fields& fields, Row& row) {
  fields.read("what", row.what);
  fields.read("models", row.models);
  fields.read("measure", row.measure, measure_names());
  fields.read("score", row.score);
  fields.read("unit", row.unit);
  fields.read("published", row.published);
  read_optional(fields, "at_most", row.at_most);
  read_optional(fields, "at_least", row.at_least);
  read_optional(fields, "target", row.target);
  fields.read("within", row.within, 0.0, huge);
  fields.read("apart", row.apart);
  if (row.what.empty() || row.measure.empty() || row.models.empty())
    return fields.problem("what, models and measure are needed");
  if (const std::size_t least = models_needed(row.measure); row.models.size() < least)
    fields.problem(
        fmt::format("measure {} compares {} models and more, got {}", row.measure, least, row.models.size()));
  if (needs_score(row.measure) != !row.score.empty())
    fields.problem(fmt::format("measure {} {} score: the words before the number in a model's card", row.measure,
                               needs_score(row.measure) ? "needs a" : "has no"));
  if (static_cast<int>(row.at_most.has_value()) + static_cast<int>(row.at_least.has_value()) +
          static_cast<int>(row.target.has_value()) >
      1)
    fields.problem("at_most, at_least and target exclude one another");
  if (row.apart && row.measure != "order") fields.problem("apart is for measure order");
}

void read_picture(train::Fields& fields, Picture& picture) {
  std::string kind;
  fields.read("kind", kind, {kinds.begin(), kinds.end()});
  for (std::size_t i = 0; i < kinds.size(); ++i)
    if (kind == kinds[i]) picture.kind = static_cast<PictureKind>(i);
  fields.read("models", picture.models);
  fields.read("caption", picture.caption);
  fields.read("layer", picture.layer, std::int64_t{1}, std::int64_t{100});
  fields.read("units", picture.units, std::int64_t{0}, std::int64_t{1} << 20);
  fields.read("sort", picture.sort, {"unit", "norm"});
  fields.read("decoder", picture.decoder);
  if (kind.empty() || picture.models.empty()) fields.problem("kind and models are needed");
}

}  // namespace

std::set<std::string> Plan::models() const {
  std::set<std::string> names;
  const auto take = [&](const std::vector<std::string>& models) {
    for (const std::string& model : models)
      if (!components_in(model)) names.insert(model);
  };
  for (const Section& section : sections) {
    for (const Row& row : section.rows) take(row.models);
    for (const Picture& picture : section.pictures) take(picture.models);
  }
  return names;
}

std::optional<std::int64_t> components_in(const std::string& model) {
  if (!model.starts_with("pca:")) return std::nullopt;
  std::int64_t count = 0;
  const auto [end, failure] = std::from_chars(model.data() + 4, model.data() + model.size(), count);
  return failure == std::errc() && end == model.data() + model.size() && count > 0 ? std::optional(count)
                                                                                   : std::nullopt;
}

Result<Plan> parse_plan(const std::string& text, const std::string& file) {
  train::Problems problems(file);
  Plan plan;
  try {
    train::Fields fields(YAML::Load(text), "", problems);
    fields.read("title", plan.title);
    fields.read("text", plan.text);
    fields.list("sections", [&](train::Fields& inner) {
      Section& section = plan.sections.emplace_back();
      inner.read("title", section.title);
      inner.read("text", section.text);
      inner.list("rows", [&](train::Fields& row) { read_row(row, section.rows.emplace_back()); });
      inner.list("pictures", [&](train::Fields& picture) { read_picture(picture, section.pictures.emplace_back()); });
    });
    fields.finish();
  } catch (const YAML::Exception& failure) { problems.add(failure.mark, failure.msg); }
  if (problems.empty() && plan.sections.empty()) problems.add({}, "sections is missing");
  if (!problems.empty()) return invalid_argument(problems.text());
  return plan;
}

Result<Plan> load_plan(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    return not_found(
        fmt::format("{}: the list of the gallery cannot be read: {}", file.string(), std::strerror(errno)));
  return parse_plan(text.str(), file.string());
}

}  // namespace latentflow::gallery

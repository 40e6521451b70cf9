// plan.cpp: see plan.h.
#include "plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>

#include "measures.h"
#include "train/strict_yaml.h"

namespace latentflow::gallery {
namespace {

constexpr double huge = 1e12;
constexpr const char* name_pattern = "[A-Za-z0-9_]+";
constexpr std::array<std::string_view, 9> kinds{"filters", "reconstructions", "manifold",  "jacobian", "robustness",
                                                "curves",  "variance",        "whitening", "graphs"};

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

void read_graph_run(train::Fields& fields, const Picture& picture, GraphRun& run) {
  fields.read("graph", run.graph);
  fields.pairs("set", run.sets);
  if (run.graph.empty()) fields.problem("graph is needed: the name of a shipped one, or a file");
  bool to_output = false;
  for (const std::string& set : run.sets)
    filled(set, [&](const std::string& name) {
      to_output = to_output || name == output_name;
      if (name != output_name && std::find(picture.models.begin(), picture.models.end(), name) == picture.models.end())
        fields.problem(
            fmt::format("set: {} has {{{}}}, which is neither {{{}}} nor one of models", set, name, output_name));
      return name;
    });
  if (!to_output) fields.problem("no value of set has {output}, the folder that a graph is to write into");
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
  fields.read("sort", picture.sort, {"unit", "norm", "activity"});
  fields.read("decoder", picture.decoder);
  fields.read("strip", picture.strip);
  fields.list("graphs", [&](train::Fields& run) { read_graph_run(run, picture, picture.graphs.emplace_back()); });
  fields.read("files", picture.files);
  const bool graphs = picture.kind == PictureKind::graphs;
  if (kind.empty() || (picture.models.empty() && !graphs)) fields.problem("kind and models are needed");
  if (graphs != !picture.graphs.empty() || graphs != !picture.files.empty())
    fields.problem("graphs and files go with kind graphs, which needs both");
  if (picture.kind == PictureKind::variance || picture.kind == PictureKind::whitening)
    for (const std::string& model : picture.models)
      if (!components_in(model))
        fields.problem(fmt::format(
            "kind {} is of principal components, such as \"pca:30\" or \"patches:30\", and {} is none", kind, model));
  for (const std::string& file : picture.files)
    if (const std::filesystem::path path = file;
        path.is_absolute() || file.empty() || std::find(path.begin(), path.end(), "..") != path.end())
      fields.problem(fmt::format("files has \"{}\", needs names of files and folders within {{output}}", file));
}

void read_variant(train::Fields& fields, Plan& plan) {
  Variant variant;
  fields.read("name", variant.name);
  fields.read("recipe", variant.recipe);
  fields.pairs("set", variant.sets);
  if (variant.name.empty() || variant.recipe.empty()) return fields.problem("name and recipe are needed");
  if (!std::regex_match(variant.name, std::regex(name_pattern)))
    fields.problem(fmt::format("name is \"{}\", needs letters, digits and _", variant.name));
  for (const Variant& other : plan.variants)
    if (other.name == variant.name) fields.problem(fmt::format("the name {} is taken", variant.name));
  plan.variants.push_back(std::move(variant));
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

std::optional<Components> components_in(const std::string& model) {
  for (const auto& [prefix, patches] :
       {std::pair(std::string("pca:"), false), std::pair(std::string("patches:"), true)}) {
    if (!model.starts_with(prefix)) continue;
    Components components{patches, 0};
    const char *begin = model.data() + prefix.size(), *finish = model.data() + model.size();
    const auto [end, failure] = std::from_chars(begin, finish, components.count);
    if (failure == std::errc() && end == finish && components.count > 0) return components;
  }
  return std::nullopt;
}

std::string filled(const std::string& text, const std::function<std::string(const std::string&)>& value) {
  static const std::regex place(fmt::format("\\{{({})\\}}", name_pattern));
  std::string result;
  auto rest = text.begin();
  for (std::sregex_iterator found(text.begin(), text.end(), place), end; found != end; ++found) {
    result.append(rest, (*found)[0].first);
    result += value((*found)[1].str());
    rest = (*found)[0].second;
  }
  return result.append(rest, text.end());
}

Plan for_drawn_digits(Plan plan) {
  for (Section& section : plan.sections)
    for (Row& row : section.rows) {
      row.judged = row.judged && row.published.empty();
      row.published.clear();
    }
  plan.text +=
      "\n\nThis page was made without a data set: where it says MNIST, read digits that latentflow draws, and drawn "
      "pictures for photographs where none were named. Marks that were published for MNIST are left out.";
  return plan;
}

Result<Plan> parse_plan(const std::string& text, const std::string& file) {
  train::Problems problems(file);
  Plan plan;
  try {
    train::Fields fields(train::only_document(text, problems), "", problems);
    fields.read("title", plan.title);
    fields.read("text", plan.text);
    fields.list("models", [&](train::Fields& inner) { read_variant(inner, plan); });
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
  const Result<std::string> text = train::read_text(file, "the list of the gallery");
  if (!text) return text.error();
  return parse_plan(*text, file.string());
}

}  // namespace latentflow::gallery

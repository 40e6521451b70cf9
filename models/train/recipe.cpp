// recipe.cpp: the YAML form of a recipe; see recipe.h.
#include "recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "read_sections.h"
#include "strict_yaml.h"

namespace latentflow::train {
namespace {

/// In one line, whatever is in it.
std::string in_quotes(const std::string& text) {
  std::string line;
  for (const char letter : text)
    line += static_cast<unsigned char>(letter) < ' ' ? fmt::format("\\x{:02x}", static_cast<unsigned>(letter))
                                                     : std::string(1, letter);
  return fmt::format("\"{}\"", line);
}

/// Checkpoints and curves are files of this name.
void read_model(Fields& fields, std::string& name) {
  constexpr std::size_t longest = 200;  // of the 255 bytes that a file's name may have, with the endings
  if (!fields.has("model")) return fields.problem("model is missing: the name of what is trained");
  const auto allowed = [](char letter) { return letter != '/' && static_cast<unsigned char>(letter) >= ' '; };
  name = "unnamed";  // where it is no text, which is all that is said then
  fields.read("model", name);
  if (name.empty() || name.size() > longest || name.front() == '.' || !std::all_of(name.begin(), name.end(), allowed))
    fields.problem_of("model", fmt::format("model is {}, which names files; allowed are 1 to {} bytes without / and "
                                           "control characters, not first a .",
                                           in_quotes(name), longest));
}

void read_all(Fields& fields, Recipe& recipe) {
  std::string task = "denoise";
  read_model(fields, recipe.model);
  fields.read("summary", recipe.summary);
  fields.read("task", task, {"denoise", "inpaint", "image_codes", "autoencoder"});
  if (task == "inpaint") recipe.task = Task::inpaint, recipe.network.noise_map = false, recipe.network.mask = true;
  if (task == "image_codes") {
    recipe.task = Task::image_codes, recipe.network.noise_map = false;
    recipe.corruption.gaussian = {{1, {0, 0}}}, recipe.corruption.clipped_share = 0;
  }
  if (task == "autoencoder") recipe.task = Task::autoencoder;
  recipe.task == Task::autoencoder ? read_autoencoder(fields, recipe) : read_pictures(fields, recipe);
  fields.mapping("optimiser", [&](Fields& f) {
    std::string method = "adam";
    f.read("method", method, {"adam", "sgd"});
    if (method == "sgd")
      recipe.optimiser.method = OptimiserMethod::sgd, f.read("momentum", recipe.optimiser.momentum, 0, 0.9999);
    f.read("betas", recipe.optimiser.betas, 0, 0.999999);
    f.read("weight_decay", recipe.optimiser.weight_decay, 0, 1);
    f.read("rate", recipe.optimiser.rate, least_rate, 10);
    f.read("final_rate", recipe.optimiser.final_rate, 0, 10);
    f.read("warm_up", recipe.optimiser.warm_up, 0, many);
    f.read("clip", recipe.optimiser.clip, 0, 1e9);
    f.read("average", recipe.optimiser.average, 0, 0.999999);
  });
  if (recipe.optimiser.weight_decay > 0 && recipe.autoencoder.stacked_steps > 0)
    fields.problem(
        "optimiser: weight_decay shrinks all layers, also those that a level of stacked does not train; the penalty "
        "weight_decay is for the layers that are trained");
  fields.read("batch", recipe.batch, 1, 65536);
  fields.read("steps", recipe.steps, recipe.autoencoder.stacked_steps > 0 ? 0 : 1, many);
  for (std::size_t i = 0; i < recipe.restarts.size(); ++i)
    if (recipe.restarts[i] >= recipe.steps || (i > 0 && recipe.restarts[i] <= recipe.restarts[i - 1])) {
      fields.problem(fmt::format("restarts are {}; they have to rise and to be below steps, {}",
                                 fmt::join(recipe.restarts, ", "), recipe.steps));
      break;
    }
  std::int64_t seed = 1;
  fields.read("seed", seed, 0, many);
  recipe.seed = static_cast<std::uint64_t>(seed);
  if (recipe.task != Task::autoencoder && recipe.batch % recipe.shard != 0)
    fields.problem(fmt::format("batch is {}, which is no multiple of shard, {}", recipe.batch, recipe.shard));
}

/// Puts the value of "a.b=value" into the tree. Returns what is wrong with it, or nothing.
std::string override_key(YAML::Node root, const std::string& set) {
  const std::size_t equals = set.find('=');
  if (equals == 0 || equals == std::string::npos) return "needs KEY=VALUE, such as k_sparse.k=70";
  YAML::Node node = root;
  std::istringstream path(set.substr(0, equals));
  for (std::string key; std::getline(path, key, '.');) {
    if (node.IsSequence()) {
      std::size_t index = node.size();
      const bool number = YAML::convert<std::size_t>::decode(YAML::Node(key), index);
      if (!number || index >= node.size())
        return fmt::format("\"{}\" is no entry of the list, which has 0 to {}", key, node.size() - 1);
      node.reset(node[index]);
    } else if (node.IsMap() || node.IsNull() || !node.IsDefined()) {
      node.reset(node[key]);
    } else {
      return fmt::format("there is a value and no mapping above \"{}\"", key);
    }
  }
  node = YAML::Load(set.substr(equals + 1));
  return "";
}

/// Reads `tree`; problems are reported in `problems`.
Recipe read_tree(const YAML::Node& tree, Problems& problems) {
  Recipe recipe;
  if (!tree.IsDefined() || tree.IsNull()) {
    problems.add(YAML::Mark::null_mark(), "the recipe is empty, needs a mapping with model: NAME");
    return recipe;
  }
  Fields fields(tree, "", problems);
  if (!tree.IsMap()) return recipe;
  read_all(fields, recipe);
  fields.finish();
  return recipe;
}

/// What is wrong with a recipe under these overrides; nothing where they cannot be put into it.
std::optional<std::vector<std::string>> problems_under(const std::string& text, const std::vector<std::string>& sets) {
  Problems problems("");
  try {
    const YAML::Node tree = YAML::Load(text);
    for (const std::string& set : sets)
      if (!override_key(tree, set).empty()) return std::nullopt;
    read_tree(tree, problems);
  } catch (const YAML::Exception&) { return std::nullopt; }
  return problems.messages();
}

/// The problems of a recipe that is in order without `sets`, each with those of them that it comes from: without any
/// one of which it is gone; where each alone has it, all that have.
std::string blame(const std::string& text, const std::vector<std::string>& sets,
                  const std::vector<std::string>& problems) {
  std::vector<std::optional<std::vector<std::string>>> without, alone;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    std::vector<std::string> others = sets;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    without.push_back(problems_under(text, others)), alone.push_back(problems_under(text, {sets[i]}));
  }
  std::vector<std::string> lines;
  for (const std::string& problem : problems) {
    const auto has = [&](const std::vector<std::string>& all) {
      return std::find(all.begin(), all.end(), problem) != all.end();
    };
    std::vector<std::string> needed, enough;
    for (std::size_t i = 0; i < sets.size(); ++i) {
      if (without[i] && !has(*without[i])) needed.push_back(sets[i]);
      if (alone[i] && has(*alone[i])) enough.push_back(sets[i]);
    }
    const std::vector<std::string>& guilty = !needed.empty() ? needed : !enough.empty() ? enough : sets;
    lines.push_back(fmt::format("--set {}: error: {}", fmt::join(guilty, " --set "), problem));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

/// What the data graph is told from outside has no place in the file.
void place_graph_sets(const std::vector<std::string>& sets, DataGraph& graph) {
  for (std::size_t i = 0; i < graph.sets.size(); ++i) {
    const std::string key = "data.set." + graph.sets[i].substr(0, graph.sets[i].find('='));
    for (const std::string& set : sets)
      if (const std::string part = set.substr(0, set.find('=')); part == key || key.starts_with(part + "."))
        graph.places[i] = "--set " + set;
  }
}

}  // namespace

const Phase& Recipe::phase(double progress) const {
  for (const Phase& phase : phases)
    if (progress < phase.until) return phase;
  return phases.back();
}

Recipe::Schedule Recipe::schedule(std::int64_t step) const {
  std::int64_t begin = 0, end = steps;
  for (const std::int64_t restart : restarts) {
    if (restart > step) {
      end = restart;
      break;
    }
    begin = restart;
  }
  return {step - begin, static_cast<double>(step - begin) / static_cast<double>(end - begin)};
}

Result<Recipe> parse_recipe(const std::string& text, const std::string& file, const std::vector<std::string>& sets) {
  Problems problems(file);
  Recipe recipe;
  YAML::Node tree;
  try {
    tree = only_document(text, problems);
    recipe = read_tree(tree, problems);
  } catch (const YAML::Exception& failure) { problems.add(failure.mark, failure.msg); }
  if (!problems.empty()) return invalid_argument(problems.text());
  recipe.text = text;
  if (sets.empty()) return recipe;
  std::string text_with_sets = text + (text.ends_with('\n') ? "" : "\n");
  for (const std::string& set : sets) {
    std::string problem;
    try {
      problem = override_key(tree, set);
    } catch (const YAML::Exception& failure) { problem = failure.msg; }
    if (!problem.empty()) return invalid_argument(fmt::format("--set {}: error: {}", set, problem));
    text_with_sets += fmt::format("# --set {}\n", set);
  }
  // The file itself is in order, so what is wrong now comes from here; its lines would mislead.
  Problems with_sets(file);
  recipe = read_tree(tree, with_sets);
  if (!with_sets.empty()) return invalid_argument(blame(text, sets, with_sets.messages()));
  for (std::optional<DataGraph>* graph : {&recipe.data.graph, &recipe.autoencoder.graph})
    if (*graph) place_graph_sets(sets, **graph);
  recipe.text = text_with_sets;
  return recipe;
}

Result<Recipe> load_recipe(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  const Result<std::string> text = read_text(file, "the recipe");
  if (!text) return text.error();
  Result<Recipe> recipe = parse_recipe(*text, file.string(), sets);
  if (!recipe) return recipe;
  // Files beside the recipe go with it wherever the program is started. Other graphs are found as the program finds
  // them.
  if (!recipe->start_from.empty()) recipe->start_from = file.parent_path() / recipe->start_from;
  for (std::optional<DataGraph>* graph : {&recipe->data.graph, &recipe->autoencoder.graph})
    if (std::error_code failure;
        *graph && std::filesystem::is_regular_file(file.parent_path() / (*graph)->file, failure))
      (*graph)->file = file.parent_path() / (*graph)->file;
  return recipe;
}

}  // namespace latentflow::train

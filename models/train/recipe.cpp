// recipe.cpp: the YAML form of a recipe; see recipe.h.
#include "recipe.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>

#include "read_autoencoder.h"
#include "strict_yaml.h"

namespace latentflow::train {

void read_graph(Fields& fields, std::optional<DataGraph>& graph) {
  if (!fields.has("graph")) return;
  std::string file;
  graph.emplace();
  fields.read("graph", file);
  graph->file = file;
  fields.pairs("set", graph->sets);
}

namespace {

constexpr std::int64_t many = std::int64_t{1} << 40;

void read_network(Fields& fields, NetworkRecipe& network, Task task) {
  std::string color = network.color ? "rgb" : "gray";
  if (task == Task::image_codes) {
    network.type = "residual_autoencoder";
    fields.read("type", network.type, {"residual_autoencoder"});
    fields.read("codes", network.codes, 16, 4096);
  } else {
    fields.read("type", network.type, {"residual_unet", "dncnn"});
  }
  fields.read("color", color, {"rgb", "gray"});
  network.color = color == "rgb";
  if (task == Task::denoise) fields.read("noise_map", network.noise_map);
  fields.read("channels", network.channels, 1, 4096);
  fields.read("blocks", network.blocks, 0, 64);
  fields.read("depth", network.depth, 2, 256);
  fields.read("last_gain", network.last_gain, 0, 10);
  if (network.type != "dncnn" && network.channels.size() != network.blocks.size())
    fields.problem(fmt::format("{} channels and {} blocks given, each level needs one of both", network.channels.size(),
                               network.blocks.size()));
  if (network.type == "dncnn" && network.channels.size() != 1) fields.problem("dncnn needs one number of channels");
}

void read_phase(Fields& fields, std::vector<Phase>& phases) {
  Phase phase;
  std::string loss = "l1";
  fields.read("until", phase.until, 0, 1);
  fields.read("patch", phase.patch, 8, 1024);
  fields.read("loss", loss, {"l1", "mse"});
  phase.loss = loss == "l1" ? Loss::l1 : Loss::mse;
  if (!phases.empty() && phase.until <= phases.back().until)
    fields.problem(
        fmt::format("until is {}, and {} in the phase before; it has to grow", phase.until, phases.back().until));
  phases.push_back(phase);
}

void check_shares(Fields& fields, const char* key, double sum) {
  if (std::abs(sum - 1) > 1e-6)
    fields.problem(fmt::format("the shares of {} sum to {}, they have to sum to 1", key, sum));
}

void read_noise(Fields& fields, CorruptionRecipe& corruption) {
  if (fields.has("gaussian")) corruption.gaussian.clear();
  double shares = 0;
  fields.list("gaussian", [&](Fields& g) {
    NoiseRange range{1, {0, 0}};
    g.read("share", range.share, 0, 1);
    g.read("sigma", range.sigma, 0, 255);
    corruption.gaussian.push_back(range);
  });
  for (const NoiseRange& range : corruption.gaussian) shares += range.share;
  check_shares(fields, "gaussian", shares);
  fields.read("clipped_share", corruption.clipped_share, 0, 1);
  fields.mapping("photo", [&](Fields& f) {
    PhotoRecipe& photo = corruption.photo;
    photo.share = 1;
    f.read("share", photo.share, 0, 1);
    f.read("each", photo.each, 0, 1);
    f.read("shot", photo.shot, 0, 255);
    f.read("read", photo.read, 0, 255);
    f.read("correlated", photo.correlated, 0, 255);
    f.read("grain", photo.grain, 0.1, 16);
    f.read("chroma", photo.chroma, 0, 255);
    f.read("jpeg", photo.jpeg, 1, 100);
    f.read("level_error", photo.level_error, 0, 0.9);
  });
}

void read_holes(Fields& fields, CorruptionRecipe& corruption) {
  if (fields.has("masks")) corruption.masks.clear();
  double shares = 0;
  fields.list("masks", [&](Fields& m) {
    std::string kind = "random";
    MaskShare mask{1, holes::MaskKind::random};
    m.read("share", mask.share, 0, 1);
    m.read("kind", kind, {holes::mask_kind_names.begin(), holes::mask_kind_names.end()});
    for (std::size_t i = 0; i < holes::mask_kind_names.size(); ++i)
      if (kind == holes::mask_kind_names[i]) mask.kind = static_cast<holes::MaskKind>(i);
    if (mask.kind == holes::MaskKind::random) m.read("amount", mask.amount, 0.01, 0.99);
    if (mask.kind == holes::MaskKind::box) mask.amount = {8, 64}, m.read("amount", mask.amount, 1, 1024);
    corruption.masks.push_back(mask);
  });
  for (const MaskShare& mask : corruption.masks) shares += mask.share;
  check_shares(fields, "masks", shares);
  fields.read("hole_weight", corruption.hole_weight, 0.01, 1000);
  fields.read("band_weight", corruption.band_weight, 0, 1000);
  fields.read("band", corruption.band, 1, 64);
}

/// A number of grey levels or the word "measured".
void read_pair_level(Fields& fields, Recipe& recipe) {
  if (!fields.has("sigma")) return;
  std::string text;
  fields.read("sigma", text);
  DataRecipe& data = recipe.data;
  data.level = text == "measured" ? PairLevel::measured : PairLevel::given;
  if (data.level == PairLevel::given) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), data.sigma);
    if (failure != std::errc() || end != text.data() + text.size() || !(data.sigma >= 0 && data.sigma <= 255))
      fields.problem(fmt::format("sigma is \"{}\", allowed are 0 to 255 and measured", text));
  }
  if (!data.graph) fields.problem("sigma is the level of pairs that a graph delivers, and there is no graph");
  if (!recipe.network.noise_map) fields.problem("sigma is given, and network.noise_map is false: nothing takes it");
}

void read_pictures(Fields& fields, Recipe& recipe) {
  std::string start_from;
  fields.read("start_from", start_from);
  recipe.start_from = start_from;
  fields.mapping("network", [&](Fields& f) { read_network(f, recipe.network, recipe.task); });
  fields.mapping("data", [&](Fields& f) {
    read_graph(f, recipe.data.graph);
    if (recipe.task == Task::denoise) read_pair_level(f, recipe);
    for (const char* key : {"scaled_share", "scale", "permute_channels", "gain"})
      recipe.data.changes_pictures = recipe.data.changes_pictures || f.has(key);
    f.read("scaled_share", recipe.data.scaled_share, 0, 1);
    f.read("scale", recipe.data.scale, 0.1, 1);
    f.read("flips", recipe.data.flips);
    f.read("permute_channels", recipe.data.permute_channels);
    f.read("gain", recipe.data.gain, 0.1, 4);
  });
  recipe.corruption.named = fields.has("corruption");
  fields.mapping("corruption", [&](Fields& f) {
    recipe.task == Task::inpaint ? read_holes(f, recipe.corruption) : read_noise(f, recipe.corruption);
  });
  if (fields.has("phases")) recipe.phases.clear();
  fields.list("phases", [&](Fields& f) { read_phase(f, recipe.phases); });
  if (!recipe.phases.empty() && recipe.phases.back().until != 1)
    fields.problem(fmt::format("the last of the phases ends at {}, it has to end at 1", recipe.phases.back().until));
  fields.mapping("validation", [&](Fields& f) {
    if (recipe.task == Task::denoise) f.read("sigma", recipe.validation.sigma, 0, 255);
    f.read("held_out", recipe.validation.held_out, 0, 0.5);
    f.read("crop", recipe.validation.crop, 16, 4096);
    f.read("every", recipe.validation.every, 1, many);
  });
  fields.read("shard", recipe.shard, 1, 65536);
  fields.read("restarts", recipe.restarts, 1, many);
}

void read_all(Fields& fields, Recipe& recipe) {
  std::string task = "denoise";
  fields.read("model", recipe.model);
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
  if (recipe.model.empty()) fields.problem("model is missing: the name of what is trained");
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
  Fields fields(tree, "", problems);
  read_all(fields, recipe);
  fields.finish();
  return recipe;
}

/// The one of `sets` that is to blame: without it nothing is wrong. All of them where that is none or more than one.
std::string culprit(const std::string& text, const std::vector<std::string>& sets) {
  std::vector<std::string> guilty;
  for (std::size_t left_out = 0; left_out < sets.size(); ++left_out) {
    Problems problems("");
    try {
      const YAML::Node tree = YAML::Load(text);
      for (std::size_t i = 0; i < sets.size(); ++i)
        if (i != left_out && !override_key(tree, sets[i]).empty()) problems.add({}, sets[i]);
      read_tree(tree, problems);
    } catch (const YAML::Exception&) { continue; }
    if (problems.empty()) guilty.push_back(sets[left_out]);
  }
  return fmt::format("--set {}", fmt::join(guilty.size() == 1 ? guilty : sets, " --set "));
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
    tree = YAML::Load(text);
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
  Problems with_sets("", false);
  recipe = read_tree(tree, with_sets);
  if (!with_sets.empty()) {
    Problems named(culprit(text, sets), false);
    read_tree(tree, named);
    return invalid_argument(named.text());
  }
  recipe.text = text_with_sets;
  return recipe;
}

Result<Recipe> load_recipe(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    return not_found(fmt::format("{}: the recipe cannot be read: {}", file.string(), std::strerror(errno)));
  Result<Recipe> recipe = parse_recipe(text.str(), file.string(), sets);
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

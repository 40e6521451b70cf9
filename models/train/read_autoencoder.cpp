// read_autoencoder.cpp: the YAML form of the part of a recipe that is for autoencoders; see read_sections.h.
#include <fmt/format.h>

#include <algorithm>

#include "read_sections.h"

namespace latentflow::train {
namespace {

constexpr double least_share = 1e-6;  // of rho: its logarithm is taken

/// One of an enumeration whose values count through `names`.
template <class Choice, std::size_t count>
void read_choice(Fields& fields, const char* key, const std::array<std::string_view, count>& names, Choice& choice) {
  std::string name(names[static_cast<std::size_t>(choice)]);
  fields.read(key, name, {names.begin(), names.end()});
  choice = static_cast<Choice>(std::find(names.begin(), names.end(), name) - names.begin());
}

void read_noise(Fields& fields, AutoencoderRecipe& recipe) {
  std::string kind = "none";
  fields.read("kind", kind, {"none", "masking", "gaussian", "salt_and_pepper"});
  if (kind == "masking") recipe.noise = InputNoise::masking;
  if (kind == "salt_and_pepper") recipe.noise = InputNoise::salt_and_pepper;
  if (kind == "gaussian") recipe.noise = InputNoise::gaussian;
  if (recipe.noise != InputNoise::none)
    fields.read("amount", recipe.noise_amount, 0, recipe.noise == InputNoise::gaussian ? 10 : 1);
}

void read_penalties(Fields& entry, AutoencoderRecipe& recipe) {
  const std::size_t before = recipe.penalties.size();
  for (std::size_t i = 0; i < penalty_names.size(); ++i)
    entry.mapping(penalty_names[i], [&](Fields& f) {
      Penalty penalty{static_cast<Penalty::Kind>(i)};
      if (penalty.kind == Penalty::Kind::kl_sparse) {
        f.read("rho", penalty.rho, least_share, 1 - least_share);
        f.read("beta", penalty.beta, 0, 1e6);
      } else {
        f.read("lambda", penalty.lambda, 0, 1e6);
      }
      if (penalty.kind == Penalty::Kind::stochastic_contractive) f.read("s", penalty.s, least_share, 10);
      recipe.penalties.push_back(penalty);
    });
  if (recipe.penalties.size() == before)
    entry.problem(fmt::format("an entry names one of {}", fmt::join(penalty_names, ", ")));
}

void read_k_sparse(Fields& fields, AutoencoderRecipe& recipe) {
  KSparse sparse;
  fields.read("k", sparse.k, 1, many);
  if (!recipe.layers.empty()) sparse.first = std::min(sparse.first, recipe.layers.back());
  sparse.first = std::max(sparse.first, sparse.k);
  fields.read("first", sparse.first, 1, many);
  fields.read("until", sparse.until, 0, 1);
  fields.read("test_factor", sparse.test_factor, 1, 100);
  fields.read("centred", sparse.centred);
  if (sparse.first < sparse.k)
    fields.problem(fmt::format("first is {}, below k, {}; the number falls to k", sparse.first, sparse.k));
  recipe.k_sparse = sparse;
}

void read_features(Fields& fields, FeatureRecipe& features) {
  fields.mapping("logistic", [&](Fields& f) {
    LogisticRecipe recipe;
    f.read("decay", recipe.decay, 0, 1e3);
    read_choice(f, "scale", feature_scale_names, recipe.scale);
    features.logistic = recipe;
  });
  fields.mapping("fine_tune", [&](Fields& f) {
    FineTuneRecipe recipe;
    f.read("steps", recipe.steps, 1, many);
    f.read("rate", recipe.rate, least_rate, 10);
    f.read("weight_decay", recipe.weight_decay, 0, 1);
    features.fine_tune = recipe;
  });
}

void read_count(Fields& fields, const char* key, std::optional<std::int64_t>& count, std::int64_t least = 1) {
  std::int64_t number = least;
  fields.read(key, number, least, many);
  if (fields.has(key)) count = number;
}

void read_digits(Fields& fields, DigitData& data) {
  std::string digits = "idx";
  fields.read("digits", digits, {"idx", "synthetic"});
  data.synthetic = digits == "synthetic";
  fields.read("rotated", data.rotated);
  fields.read("background", data.background);
  read_count(fields, "train", data.train);
  read_count(fields, "validation", data.validation, 0);
  read_count(fields, "test", data.test);
  if (data.synthetic) fields.read("size", data.size, 8, 1024);
  fields.mapping("augment", [&](Fields& f) {
    f.read("shift", data.augmentation.shift, 0, 100);
    f.read("turn", data.augmentation.turn, 0, 180);
    f.read("scale", data.augmentation.scale, 0, 0.9);
    f.read("shear", data.augmentation.shear, 0, 2);
  });
}

void read_data(Fields& fields, AutoencoderRecipe& recipe) {
  read_graph(fields, recipe.graph);
  if (recipe.graph && !fields.has("patches")) {
    read_count(fields, "train", recipe.graph->train);
    read_count(fields, "test", recipe.graph->test);
    return;
  }
  if (!fields.has("patches")) return read_digits(fields, recipe.digits);
  recipe.patches.emplace();
  fields.mapping("patches", [&](Fields& f) {
    f.read("size", recipe.patches->size, 2, 64);
    f.read("train", recipe.patches->train, 2, many);
    f.read("test", recipe.patches->test, 1, many);
    f.read("whiten", recipe.patches->whiten);
    f.read("floor", recipe.patches->floor, 0, 1e3);
  });
}

void read_layers(Fields& fields, std::vector<std::int64_t>& layers) {
  constexpr const char* needs = "needs the numbers of units of input, hidden layers and code";
  fields.read("layers", layers, 1, 1 << 20);
  if (!fields.has("layers"))
    fields.problem(fmt::format("layers is missing, {}", needs));
  else if (layers.size() == 1)
    fields.problem_of("layers", fmt::format("layers has one number, {}: at least two", needs));
}

/// What is wrong with the parts together.
void check(Fields& fields, const AutoencoderRecipe& recipe) {
  if (recipe.layers.size() < 2) return;  // read_layers() says so
  const auto penalised = [&](Penalty::Kind kind) {
    return std::any_of(recipe.penalties.begin(), recipe.penalties.end(),
                       [&](const Penalty& penalty) { return penalty.kind == kind; });
  };
  if (recipe.loss == Reconstruction::cross_entropy && recipe.output != Activation::sigmoid)
    fields.problem("loss is cross_entropy, which needs network.output sigmoid");
  if (recipe.patches && recipe.patches->size * recipe.patches->size != recipe.layers.front())
    fields.problem(fmt::format("network: layers begins with {}, patches of {}x{} have {} numbers",
                               recipe.layers.front(), recipe.patches->size, recipe.patches->size,
                               recipe.patches->size * recipe.patches->size));
  if (recipe.patches && recipe.patches->whiten && recipe.output != Activation::linear)
    fields.problem("data: patches: whiten gives numbers of any size, which needs network.output linear");
  if (recipe.patches && (recipe.features.logistic || recipe.features.fine_tune))
    fields.problem("features needs labels, which patches do not have");
  const bool hidden_sigmoid =
      recipe.layers.size() == 2 || recipe.stacked_steps == 0 || recipe.encoder == Activation::sigmoid;
  if (penalised(Penalty::Kind::kl_sparse) && (recipe.code != Activation::sigmoid || !hidden_sigmoid))
    fields.problem(
        "the penalty kl_sparse needs network.code sigmoid (and network.encoder, too, with stacked): units between 0 "
        "and 1");
  if (recipe.digits.augmentation.any() && recipe.stacked_steps > 0)
    fields.problem("data.augment and stacked do not go together: upper layers are trained on codes");
  if (penalised(Penalty::Kind::unused_units) &&
      (!recipe.k_sparse || !recipe.tied || recipe.layers.size() != 2 || recipe.output != Activation::linear))
    fields.problem(
        "the penalty unused_units needs k_sparse, two numbers in network.layers, network.tied true and network.output "
        "linear");
  if (!recipe.k_sparse) return;
  if (recipe.k_sparse->k > recipe.layers.back())
    fields.problem(fmt::format("k_sparse: k is {}, the code has {} units; allowed up to as many", recipe.k_sparse->k,
                               recipe.layers.back()));
  else if (recipe.k_sparse->first > recipe.layers.back())
    fields.problem(fmt::format("k_sparse: first is {}, the code has {} units; allowed {} to as many",
                               recipe.k_sparse->first, recipe.layers.back(), recipe.k_sparse->k));
  if (recipe.code != Activation::linear) fields.problem("k_sparse needs network.code linear");
  if (recipe.k_sparse->centred && recipe.output != Activation::linear)
    fields.problem("k_sparse: centred needs network.output linear");
  if (recipe.stacked_steps > 0) fields.problem("k_sparse and stacked do not go together");
  if (std::any_of(recipe.penalties.begin(), recipe.penalties.end(), [](const Penalty& penalty) {
        return penalty.kind != Penalty::Kind::weight_decay && penalty.kind != Penalty::Kind::unused_units;
      }))
    fields.problem("k_sparse goes with no penalties but weight_decay and unused_units");
}

}  // namespace

void read_autoencoder(Fields& fields, Recipe& recipe) {
  AutoencoderRecipe& autoencoder = recipe.autoencoder;
  fields.mapping("network", [&](Fields& f) {
    read_layers(f, autoencoder.layers);
    read_choice(f, "encoder", activation_names, autoencoder.encoder);
    read_choice(f, "code", activation_names, autoencoder.code);
    read_choice(f, "output", activation_names, autoencoder.output);
    f.read("tied", autoencoder.tied);
  });
  if (!fields.has("network")) fields.problem("network is missing, and with it its layers: [INPUT, ..., CODE]");
  std::string loss = "squared";
  fields.read("loss", loss, {"squared", "cross_entropy"});
  if (loss == "cross_entropy") autoencoder.loss = Reconstruction::cross_entropy;
  fields.mapping("data", [&](Fields& f) { read_data(f, autoencoder); });
  fields.mapping("corruption", [&](Fields& f) { read_noise(f, autoencoder); });
  fields.list("penalties", [&](Fields& f) { read_penalties(f, autoencoder); });
  fields.mapping("k_sparse", [&](Fields& f) { read_k_sparse(f, autoencoder); });
  fields.mapping("stacked", [&](Fields& f) { f.read("steps", autoencoder.stacked_steps, 1, many); });
  fields.mapping("features", [&](Fields& f) { read_features(f, autoencoder.features); });
  read_choice(fields, "precision", training_precision_names, autoencoder.precision);
  fields.mapping("validation", [&](Fields& f) { f.read("every", recipe.validation.every, 1, many); });
  check(fields, autoencoder);
}

}  // namespace latentflow::train

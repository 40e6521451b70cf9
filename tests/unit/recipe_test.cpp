// recipe_test.cpp: recipes are read strictly, with every problem at its place.
#include <gtest/gtest.h>

#include <filesystem>

#include "support/temporary_folder.h"
#include "train/recipe.h"

namespace latentflow::train {
namespace {

std::string problems(const std::string& text) {
  const Result<Recipe> recipe = parse_recipe(text, "r.yaml");
  return recipe.ok() ? "" : recipe.error().message;
}

TEST(Recipe, ReadsEveryField) {
  const Result<Recipe> recipe = parse_recipe(R"(model: test
start_from: other.onnx
network: {type: dncnn, color: gray, noise_map: false, channels: [64], depth: 9}
data: {scaled_share: 0.25, scale: [0.6, 0.9], flips: false, permute_channels: false, gain: [1, 1]}
corruption: {gaussian: [{share: 1, sigma: [5, 15]}], clipped_share: 0.25, photo: {each: 0.5, jpeg: [40, 80]}}
phases: [{until: 0.5, patch: 40, loss: mse}, {until: 1, patch: 80, loss: l1}]
optimiser: {betas: [0.8, 0.95], weight_decay: 0.01, rate: 0.002, final_rate: 0.0001, warm_up: 7, clip: 2, average: 0.9}
validation: {sigma: [15, 50], held_out: 0.1, crop: 128, every: 50}
batch: 16
shard: 4
steps: 300
seed: 9
)",
                                             "r.yaml");
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_EQ(recipe->start_from, "other.onnx");
  EXPECT_EQ(recipe->network.type, "dncnn");
  EXPECT_FALSE(recipe->network.color);
  EXPECT_EQ(recipe->network.depth, 9);
  EXPECT_EQ(recipe->data.scale[1], 0.9);
  EXPECT_EQ(recipe->corruption.gaussian.size(), 1u);
  EXPECT_EQ(recipe->corruption.photo.share, 1);
  EXPECT_EQ(recipe->corruption.photo.jpeg[1], 80);
  EXPECT_EQ(recipe->phase(0.49).patch, 40);
  EXPECT_EQ(recipe->phase(0.5).patch, 80);
  EXPECT_EQ(recipe->phase(1.0).loss, Loss::l1);
  EXPECT_EQ(recipe->optimiser.warm_up, 7);
  EXPECT_EQ(recipe->validation.sigma[1], 50);
  EXPECT_EQ(recipe->seed, 9u);
}

TEST(Recipe, NamesTheNearestKeyForAnUnknownOne) {
  EXPECT_EQ(problems("model: m\nstpes: 5\n"), "r.yaml:2:1: error: unknown key \"stpes\"; did you mean \"steps\"?");
}

TEST(Recipe, ReportsEveryProblemAtOnce) {
  const std::string text = problems("model: m\nbatch: 0\noptimiser:\n  rate: fast\n  betas: [0.9]\n");
  EXPECT_NE(text.find("r.yaml:2:8: error: batch is 0, allowed 1 to 65536"), std::string::npos) << text;
  EXPECT_NE(text.find("r.yaml:4:9: error: optimiser: rate needs a number"), std::string::npos) << text;
  EXPECT_NE(text.find("r.yaml:5:10: error: optimiser: betas needs two numbers"), std::string::npos) << text;
}

TEST(Recipe, RefusesARepeatedKey) {
  EXPECT_EQ(problems("model: m\nseed: 1\nseed: 2\n"), "r.yaml:3:1: error: key \"seed\" is there twice");
}

TEST(Recipe, RefusesSharesThatDoNotSumToOne) {
  EXPECT_NE(problems("model: m\ncorruption: {gaussian: [{share: 0.4, sigma: [0, 5]}]}\n").find("sum to 0.4"),
            std::string::npos);
}

TEST(Recipe, RefusesPhasesAndRestartsThatDoNotFit) {
  EXPECT_NE(problems("model: m\nsteps: 9\nrestarts: [5, 3]\n").find("have to rise"), std::string::npos);
  EXPECT_NE(problems("model: m\nsteps: 9\nrestarts: [9]\n").find("below steps, 9"), std::string::npos);
  EXPECT_NE(problems("model: m\nphases: [{until: 0.5, patch: 64}]\n").find("has to end at 1"), std::string::npos);
}

TEST(Recipe, RefusesABatchThatShardsDoNotDivide) {
  EXPECT_NE(problems("model: m\nbatch: 10\nshard: 4\n").find("no multiple of shard"), std::string::npos);
}

TEST(Recipe, ShippedOnesAreInOrder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LATENTFLOW_RECIPES)) {
    if (entry.path().filename() == "gallery.yaml") continue;  // the list of what is shown of them
    const Result<Recipe> recipe = load_recipe(entry.path());
    ASSERT_TRUE(recipe.ok()) << recipe.error().message;
    EXPECT_EQ(recipe->model, entry.path().stem());
    ++count;
  }
  EXPECT_GT(count, 10);
}

TEST(Recipe, TakesOverridesFromOutside) {
  const std::string text = "model: m\nphases: [{until: 0.5, patch: 40}, {until: 1, patch: 80}]\n";
  const Result<Recipe> changed =
      parse_recipe(text, "r.yaml", {"phases.1.patch=96", "network.channels=[16, 32]", "network.blocks=[1, 1]"});
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  EXPECT_EQ(changed->phases[1].patch, 96);
  EXPECT_EQ(changed->network.channels, (std::vector<std::int64_t>{16, 32}));
  EXPECT_EQ(changed->text, text +
                               "# --set phases.1.patch=96\n# --set network.channels=[16, 32]\n"
                               "# --set network.blocks=[1, 1]\n");
}

TEST(Recipe, SaysWhatIsWrongWithAnOverride) {
  const auto refusal = [](const std::string& set) {
    const Result<Recipe> recipe = parse_recipe("model: m\nbatch: 32\n", "r.yaml", {set});
    return recipe.ok() ? "" : recipe.error().message;
  };
  EXPECT_EQ(refusal("batch"), "--set batch: error: needs KEY=VALUE, such as k_sparse.k=70");
  EXPECT_EQ(refusal("batch=many"), "--set batch=many: error: batch needs a whole number");
  EXPECT_EQ(refusal("optimiser.rat=1"),
            "--set optimiser.rat=1: error: optimiser: unknown key \"rat\"; did you mean \"rate\"?");
  EXPECT_EQ(refusal("batch.size=1"), "--set batch.size=1: error: there is a value and no mapping above \"size\"");
}

TEST(Recipe, NamesTheOneOfSeveralOverridesThatIsWrong) {
  const auto refusal = [](const std::vector<std::string>& sets) {
    const Result<Recipe> recipe = parse_recipe("model: m\n", "r.yaml", sets);
    return recipe.ok() ? "" : recipe.error().message;
  };
  EXPECT_EQ(refusal({"seed=2", "optimiser.rate=0", "steps=9"}),
            "--set optimiser.rate=0: error: optimiser: rate is 0, allowed 1e-09 to 10");
  EXPECT_EQ(refusal({"seed=-2", "steps=0", "batch=32"}),
            "--set steps=0: error: steps is 0, allowed 1 to 1099511627776\n"
            "--set seed=-2: error: seed is -2, allowed 0 to 1099511627776");
  EXPECT_EQ(refusal({"seed=2", "shard=4", "batch=6"}),
            "--set shard=4 --set batch=6: error: batch is 6, which is no multiple of shard, 4")
      << "it takes two";
  EXPECT_EQ(refusal({"steps=0", "seed=2", "steps=0"}),
            "--set steps=0 --set steps=0: error: steps is 0, allowed 1 to 1099511627776")
      << "each alone is wrong";
}

TEST(Recipe, TakesNoOverrideForAMapping) {
  const std::string text =
      "model: m\ntask: autoencoder\nnetwork: {layers: [784, 9]}\noptimiser: {rate: 0.1}\n"
      "penalties: [{weight_decay: {}}]\n";
  const auto refusal = [&](const std::string& set) {
    const Result<Recipe> recipe = parse_recipe(text, "r.yaml", {set});
    return recipe.ok() ? "" : recipe.error().message;
  };
  for (const std::string key : {"data", "optimiser", "validation", "k_sparse", "features", "network", "corruption"})
    for (const std::string value : {"=5", "=[]", "="})
      EXPECT_EQ(refusal(key + value), "--set " + key + value + ": error: " + key + ": a mapping is needed here");
  EXPECT_EQ(refusal("penalties.0=5"), "--set penalties.0=5: error: penalties: a mapping is needed here");
  EXPECT_EQ(refusal("network.layers=[784]"),
            "--set network.layers=[784]: error: network: layers has one number, needs the numbers of units of input, "
            "hidden layers and code: at least two");
  const Result<Recipe> phases = parse_recipe("model: m\nphases: [{patch: 64}]\n", "r.yaml", {"phases.0=5"});
  ASSERT_FALSE(phases.ok());
  EXPECT_EQ(phases.error().message, "--set phases.0=5: error: phases: a mapping is needed here");
}

TEST(Recipe, HasOnePlaceForEachProblem) {
  EXPECT_EQ(problems("- a\n"), "r.yaml:1:1: error: a mapping is needed here");
  EXPECT_EQ(problems(""), "r.yaml: error: the recipe is empty, needs a mapping with model: NAME");
  EXPECT_EQ(problems("# nothing\n"), problems(""));
  EXPECT_EQ(problems("model: m\ndata: 5\n"), "r.yaml:2:7: error: data: a mapping is needed here");
  EXPECT_EQ(problems("model: m\n---\nmodel: n\n"),
            "r.yaml:3:1: error: one document is read here, and a second one begins");
  const test::TemporaryFolder folder;
  const Result<Recipe> empty = load_recipe(folder.write("empty.yaml", std::string()));
  ASSERT_FALSE(empty.ok());
  EXPECT_NE(empty.error().message.find("empty.yaml: error: the recipe is empty"), std::string::npos)
      << empty.error().message;
  const Result<Recipe> a_folder = load_recipe(folder.path());
  ASSERT_FALSE(a_folder.ok());
  EXPECT_NE(a_folder.error().message.find("the recipe cannot be read: Is a directory"), std::string::npos)
      << a_folder.error().message;
}

TEST(Recipe, IsNamedAsAFileCanBe) {
  for (const std::string name : {"mnist_deep", "a-1.5+b", "my model (2)", "gr\u00f6\u00dfe"})
    EXPECT_EQ(problems("model: " + name + "\n"), "") << name;
  for (const std::string name : {"../x", "a/b", "..", ".hidden", "\"a\\nb\"", "\"\""})
    EXPECT_NE(problems("seed: 1\nmodel: " + name + "\n").find("which names files; allowed are 1 to 200 bytes"),
              std::string::npos)
        << name;
  EXPECT_EQ(problems("model: \"a\\nb\"\n").rfind("r.yaml:1:8: error: model is \"a\\x0ab\", which", 0), 0u)
      << problems("model: \"a\\nb\"\n");
  EXPECT_NE(problems("model: " + std::string(201, 'a') + "\n"), "");
  EXPECT_EQ(problems("seed: 1\n"), "r.yaml:1:1: error: model is missing: the name of what is trained");
}

TEST(Recipe, SaysWhereWhatAGraphIsToldComesFrom) {
  const std::string text = "model: m\ndata:\n  graph: g.yaml\n  set: {a: 1, b: 2}\n";
  const Result<Recipe> recipe = parse_recipe(text, "r.yaml");
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_EQ(recipe->data.graph->places, (std::vector<std::string>{"r.yaml:4:9", "r.yaml:4:15"}));
  const Result<Recipe> changed = parse_recipe(text, "r.yaml", {"data.set.a=5", "seed=3"});
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  EXPECT_EQ(changed->data.graph->places, (std::vector<std::string>{"--set data.set.a=5", "r.yaml:4:15"}));
}

TEST(Recipe, SaysWhereYamlItselfIsBroken) {
  EXPECT_EQ(problems("model: [1\n").rfind("r.yaml:2:", 0), 0u) << problems("model: [1\n");
}

/// Of a recipe for an autoencoder that goes on with `rest`.
std::string problems_of_autoencoder(const std::string& rest) {
  return problems("model: m\ntask: autoencoder\n" + rest);
}

TEST(AutoencoderRecipe, RefusesWhatDoesNotGoTogether) {
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30], output: linear}\nloss: cross_entropy\n")
                .find("loss is cross_entropy, which needs network.output sigmoid"),
            std::string::npos);
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30]}\npenalties: [{kl_sparse: {rho: 1.5}}]\n")
                .find("r.yaml:4:31: error: "),
            std::string::npos);
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30]}\npenalties: [{kl_sparse: {}}]\n")
                .find("needs network.code sigmoid"),
            std::string::npos);
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30]}\nk_sparse: {k: 31}\n")
                .find("k is 31, the code has 30 units"),
            std::string::npos);
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30]}\nk_sparse: {k: 20, first: 31}\n")
                .find("k_sparse: first is 31, the code has 30 units; allowed 20 to as many"),
            std::string::npos);
  EXPECT_EQ(problems_of_autoencoder("network: {layers: [784, 30]}\nk_sparse: {k: 20}\n"), "");
  EXPECT_NE(problems_of_autoencoder(
                "network: {layers: [784, 30], code: linear, output: sigmoid}\nk_sparse: {centred: true}\n")
                .find("centred needs network.output linear"),
            std::string::npos);
  EXPECT_EQ(
      problems_of_autoencoder("network: {layers: [784]}\n"),
      "r.yaml:3:19: error: network: layers has one number, needs the numbers of units of input, hidden layers and "
      "code: at least two");
  EXPECT_NE(problems_of_autoencoder("network: {}\n").find("network: layers is missing"), std::string::npos);
  EXPECT_NE(problems_of_autoencoder("").find("network is missing"), std::string::npos);
  EXPECT_EQ(problems_of_autoencoder("network: {layers: [784, 30]}\npenalties: [kl_sparse]\n"),
            "r.yaml:4:13: error: penalties: a mapping is needed here");
  EXPECT_NE(
      problems_of_autoencoder("network: {layers: [784, 30], encoder: sigmod}\n").find("did you mean \"sigmoid\"?"),
      std::string::npos);
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30]}\npenalties: [{}]\n")
                .find("an entry names one of kl_sparse"),
            std::string::npos);
  const std::string revived = "penalties: [{unused_units: {}}]\nk_sparse: {k: 20}\nnetwork: {output: linear, layers: ";
  EXPECT_EQ(problems_of_autoencoder(revived + "[784, 30], tied: true}\n"), "");
  for (const char* network : {"[784, 30]}\n", "[784, 50, 30], tied: true}\n"})
    EXPECT_NE(problems_of_autoencoder(revived + network).find("the penalty unused_units needs k_sparse, two numbers"),
              std::string::npos);
  const std::string stacked = "network: {layers: [784, 30]}\nstacked: {steps: 5}\n";
  EXPECT_NE(problems_of_autoencoder(stacked + "optimiser: {weight_decay: 0.01}\n")
                .find("optimiser: weight_decay shrinks all layers"),
            std::string::npos);
  EXPECT_EQ(problems_of_autoencoder(stacked + "penalties: [{weight_decay: {}}]\n"), "");
  const std::string moved = "data: {digits: idx, augment: {shift: 1, turn: 10, scale: 0.1, shear: 0.1}}\n";
  EXPECT_EQ(problems_of_autoencoder("network: {layers: [784, 30]}\n" + moved), "");
  EXPECT_NE(problems_of_autoencoder(stacked + moved).find("data.augment and stacked do not go together"),
            std::string::npos);
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30]}\ndata: {augment: {turn: 200}}\n")
                .find("turn is 200, allowed 0 to 180"),
            std::string::npos);
  EXPECT_NE(problems_of_autoencoder("network: {layers: [784, 30]}\nphases: []\n").find("unknown key \"phases\""),
            std::string::npos);
}

}  // namespace
}  // namespace latentflow::train

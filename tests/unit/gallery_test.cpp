// gallery_test.cpp: the gallery's list, its measures and pages, on models trained within a second.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "gallery/numbers.h"
#include "gallery/pages.h"
#include "gallery/pictures.h"
#include "nn/onnx_export.h"
#include "show/bands.h"
#include "show/gnuplot.h"
#include "support/gallery_list.h"
#include "support/temporary_folder.h"
#include "train/random.h"

namespace latentflow::gallery {
namespace {

using test::TemporaryFolder;

std::string problems(const std::string& rows) {
  return test::problems_of_list("sections:\n  - title: t\n    rows:\n      - " + rows + "\n");
}

constexpr nn::CodeItem patch{nn::CodeItem::Kind::patch, 12, 12, 1};

std::vector<float> gabor(double angle, double frequency) {
  std::vector<float> filter;
  for (int y = 0; y < 12; ++y)
    for (int x = 0; x < 12; ++x) {
      const double along = (x - 5.5) * std::cos(angle) + (y - 5.5) * std::sin(angle);
      const double away = (std::pow(x - 5.5, 2) + std::pow(y - 5.5, 2)) / (2 * 9.0);
      filter.push_back(static_cast<float>(std::exp(-away) * std::sin(2 * std::numbers::pi * frequency * along)));
    }
  return filter;
}

TEST(Bands, OrientedEdgesAreOneBandAndSpotsAndNoiseAreNot) {
  for (const double degrees : {0.0, 20.0, 45.0, 90.0, 135.0, 170.0})
    EXPECT_GT(show::band_share(gabor(degrees * std::numbers::pi / 180, 0.2), patch), 0.8) << degrees;
  std::vector<float> spot;
  for (int y = 0; y < 12; ++y)
    for (int x = 0; x < 12; ++x)
      spot.push_back(static_cast<float>(std::exp(-(std::pow(x - 5.5, 2) + std::pow(y - 5.5, 2)) / 4)));
  EXPECT_LT(show::band_share(spot, patch), 0.45);
  std::vector<float> both = gabor(0, 0.2);
  const std::vector<float> across = gabor(std::numbers::pi / 2, 0.2);
  for (std::size_t i = 0; i < both.size(); ++i) both[i] += across[i];
  EXPECT_LT(show::band_share(both, patch), show::one_band);
  std::vector<show::Filter> noise(200);
  for (std::size_t i = 0; i < noise.size(); ++i) {
    noise[i].row.resize(144);
    train::fill_normal(noise[i].row, i);
  }
  EXPECT_LT(show::oriented_share(noise, patch), 0.02);
  EXPECT_EQ(show::band_share(std::vector<float>(144, 3.0f), patch), 0);
}

TEST(GalleryList, RefusesWhatItCannotMeasure) {
  EXPECT_EQ(problems(R"({what: w, models: ["pca:3"], measure: test_error, at_most: 1})"), "");
  EXPECT_NE(problems("{what: w, models: [a], measure: test_eror}").find("did you mean \"test_error\"?"),
            std::string::npos);
  EXPECT_NE(problems("{what: w, models: [a], measure: card}").find("needs a score"), std::string::npos);
  EXPECT_NE(problems("{what: w, models: [a], measure: order, score: s}").find("compares 2 models"), std::string::npos);
  EXPECT_NE(problems("{what: w, models: [a], measure: identity, apart: true}").find("is for measure order"),
            std::string::npos);
  EXPECT_NE(problems("{what: w, measure: identity}").find("are needed"), std::string::npos);
  EXPECT_NE(problems("{what: w, models: [a], measure: identity, at_most: 1, target: 2}").find("exclude one another"),
            std::string::npos);
  EXPECT_NE(problems("{what: w, models: [a], measure: identity, colour: 1}").find("g.yaml:4:"), std::string::npos);
  EXPECT_FALSE(parse_plan("title: t\n", "g.yaml").ok());
  EXPECT_FALSE(parse_plan("sections: [", "g.yaml").ok());
  for (const auto& [text, message] :
       {std::pair("", "g.yaml: error: a mapping is needed here"),
        std::pair("title: t\n---\ntitle: u\n",
                  "g.yaml:3:1: error: one document is read here, and a second one begins")}) {
    const Result<Plan> plan = parse_plan(text, "g.yaml");
    ASSERT_FALSE(plan.ok());
    EXPECT_EQ(plan.error().message.substr(0, plan.error().message.find('\n')), message);
  }
}

TEST(GalleryList, TheShippedOneIsWellFormed) {
  const Result<Plan> plan = load_plan(LATENTFLOW_SOURCE_DIR "/models/recipes/gallery.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_TRUE(plan->models().contains("mnist_deep"));
  EXPECT_FALSE(plan->models().contains("pca:30"));
}

TEST(Measures, ReadTheNumberBehindTheWords) {
  const std::string scores =
      "test squared error 2.9412, train 2.7, logistic regression on codes 1.52 % error (1.30 to 1.78)";
  EXPECT_EQ(*number_behind(scores, "test squared error"), 2.9412);
  EXPECT_EQ(*number_behind(scores, "logistic regression on codes"), 1.52);
  EXPECT_FALSE(number_behind(scores, "fine-tuned with a softmax layer").ok());
}

TEST(Measures, AngleIsThatBetweenTheSubspaces) {
  // A plane of space, and the same one turned about its first axis; the decoder's columns are another basis of it.
  const std::vector<float> components{1, 0, 0, 0, 1, 0};
  for (const double degrees : {0.0, 0.01, 30.0, 90.0}) {
    const double turn = degrees * std::numbers::pi / 180;
    const auto c = static_cast<float>(std::cos(turn)), s = static_cast<float>(std::sin(turn));
    const std::vector<float> decoder{2, 1, c, -3 * c, s, -3 * s};
    EXPECT_NEAR(principal_angle(decoder, components, 3), degrees, 1e-3);
  }
}

TEST(Measures, SmallNoiseCostsTheContractivePenalty) {
  train::AutoencoderRecipe recipe;
  recipe.layers = {20, 30}, recipe.code = train::Activation::sigmoid, recipe.tied = true;
  const train::Autoencoder network = train::make_autoencoder(recipe);
  const std::vector<float> parameters = train::initial_parameters(network, 3);
  nn::CodeItem item;
  item.width = 20;
  const show::DenseModel model = *show::dense_model(*train::autoencoder_network(network, parameters, item), "m");
  std::vector<float> rows(20 * 1000);
  train::fill_normal(rows, 1);
  EXPECT_NEAR(stochastic_ratio(model, rows, 1), 1, 0.01);
}

TEST(Measures, AnOrderMayAskForIntervalsThatDoNotHoldTheOther) {
  const TemporaryFolder folder;
  Collection collection({folder / "models", folder.path(), folder.path(), {}, [](const std::string&) {}, nullptr});
  const auto add = [&](const std::string& name, const std::string& error) {
    train::AutoencoderRecipe recipe;
    recipe.layers = {4, 2};
    const train::Autoencoder network = train::make_autoencoder(recipe);
    nn::CodeItem item;
    item.width = 4;
    nn::Graph graph = *train::autoencoder_network(network, train::initial_parameters(network, 1), item);
    nn::ModelCard card;
    card.task = "autoencoder";
    card.scores = "test squared error 1, fine-tuned " + error;
    nn::write_card(graph, card);
    std::filesystem::create_directories(folder / "models" / name);
    ASSERT_TRUE(nn::save_onnx(graph, folder / "models" / name / (name + ".onnx")).ok());
  };
  add("low", "1.40 % error (1.20 to 1.60)");
  add("near", "1.50 % error (1.30 to 1.70)");
  add("high", "1.80 % error (1.55 to 2.10)");
  add("bare", "1.90");
  const auto outcome = [&](std::vector<std::string> models, bool apart) {
    Row row;
    row.what = "w", row.models = std::move(models), row.measure = "order", row.score = "fine-tuned", row.apart = apart;
    return measure(row, collection);
  };
  EXPECT_EQ(outcome({"low", "near"}, false).passed, true);
  EXPECT_EQ(outcome({"low", "near"}, true).passed, false);
  EXPECT_EQ(outcome({"low", "near", "high"}, true).passed, true) << "intervals may overlap";
  EXPECT_EQ(outcome({"high", "near", "low"}, true).passed, false);
  EXPECT_FALSE(outcome({"low", "bare"}, true).passed.has_value());
  EXPECT_NE(outcome({"low", "bare"}, true).measured.find("no interval behind \"fine-tuned\""), std::string::npos);
}

const std::string small_recipe = test::small_recipe + "steps: 40\nfeatures: {logistic: {decay: 1.0e-3}}\n";

const char* const small_plan = R"(title: Small
text: words
sections:
  - title: One
    text: "more | words"
    rows:
      - {what: "error | of one", models: [small], measure: test_error, at_most: 1000}
      - {what: another, models: [small], measure: card, score: "test squared error", at_least: 1000}
      - {what: absent, models: [small, nowhere], measure: order, score: "test squared error"}
    pictures:
      - {kind: reconstructions, models: [small, nowhere], caption: strip}
      - {kind: filters, models: [nowhere], caption: filters}
      - {kind: curves, models: [small], caption: curve}
)";

TEST(Gallery, TrainsMeasuresDrawsAndSaysWhatIsMissing) {
  if (!show::check_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const TemporaryFolder folder;
  folder.write("recipes/small.yaml", small_recipe);
  std::vector<std::string> notes;
  Collection collection({folder / "models",
                         folder / "recipes",
                         folder.path(),
                         {},
                         [&](const std::string& line) { notes.push_back(line); },
                         nullptr});
  EXPECT_EQ(collection.member("small").why, "not trained yet");
  EXPECT_EQ(collection.member("nowhere").why, "there is no recipe nowhere yet");
  EXPECT_FALSE(collection.train("nowhere").ok());
  const Status trained = collection.train("small");
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  ASSERT_EQ(collection.member("small").state, Member::State::finished);
  EXPECT_EQ(collection.member("small").seed, "1");
  const std::size_t before = notes.size();
  ASSERT_TRUE(collection.train("small").ok());
  EXPECT_EQ(notes.size(), before) << "a finished model was trained again";

  const Plan plan = *parse_plan(small_plan, "g.yaml");
  SectionOutcome outcome;
  for (const Row& row : plan.sections[0].rows) outcome.rows.push_back(measure(row, collection));
  EXPECT_EQ(outcome.rows[0].passed, true);
  EXPECT_EQ(outcome.rows[1].passed, false);
  EXPECT_EQ(outcome.rows[0].measured, outcome.rows[1].measured) << "the card and the measurement disagree";
  Row rate{.what = "errors", .models = {"small"}, .measure = "card", .score = "logistic regression on codes"};
  const std::string in_card = measure(rate, collection).measured;
  rate.measure = "code_class_error", rate.score = "";
  EXPECT_EQ(measure(rate, collection).measured, in_card) << "the card and the measurement disagree";
  EXPECT_NE(in_card.find(" to "), std::string::npos) << "no interval: " << in_card;
  rate.measure = "pixel_class_error";
  EXPECT_NE(measure(rate, collection).measured, in_card) << "pixels are no codes";
  EXPECT_FALSE(outcome.rows[2].passed.has_value());
  EXPECT_NE(outcome.rows[2].measured.find("nowhere: there is no recipe nowhere yet"), std::string::npos);
  for (const Picture& picture : plan.sections[0].pictures) {
    Result<Drawn> drawn = draw(picture, collection, folder / "out");
    ASSERT_TRUE(drawn.ok()) << drawn.error().message;
    outcome.pictures.push_back(*drawn);
  }
  EXPECT_EQ(outcome.pictures[0].files, std::vector<std::string>{"reconstructions_small.png"});
  EXPECT_EQ(outcome.pictures[0].missing.size(), 1u);
  EXPECT_TRUE(outcome.pictures[1].files.empty());
  EXPECT_TRUE(std::filesystem::exists(folder / "out/curves_small.svg"));

  const std::string page = gallery_page(plan, {&outcome, 1}), results = results_page(plan, {&outcome, 1});
  EXPECT_NE(page.find("![strip](reconstructions_small.png)"), std::string::npos) << page;
  EXPECT_NE(page.find("Missing: nowhere: there is no recipe nowhere yet."), std::string::npos);
  EXPECT_NE(results.find("| error \\| of one | "), std::string::npos) << results;
  EXPECT_NE(results.find("`latentflow train models/recipes/small.yaml --out small.onnx`"), std::string::npos)
      << results;
  EXPECT_NE(results.find("Passed: 1. Not passed: 1. Without a mark, or waiting for their models: 1."),
            std::string::npos);
  EXPECT_EQ(results.find(folder.path().string()), std::string::npos) << "a path of this machine";
}

TEST(Gallery, FormerPagesGiveBackWhatTheyWereWrittenFrom) {
  const TemporaryFolder folder;
  const Plan plan = *parse_plan(small_plan, "g.yaml");
  SectionOutcome outcome;
  outcome.rows = {{"2 | 3", true, "at most 1000", "1", "17", "`make small`"},
                  {"1", false, "at least 1000", "1", "17", "`make small`"},
                  {"4, 5", std::nullopt, "stated", "1, 2", "17, 18", "`make small`; `make nowhere`"}};
  outcome.pictures = {{{"strip.png", "other.png"}, {}}, {{}, {"nowhere: not trained yet"}}, {{"curve.svg"}, {}}};
  folder.write("results.md", results_page(plan, {&outcome, 1}));
  folder.write("README.md", gallery_page(plan, {&outcome, 1}));
  folder.write("strip.png", "");
  folder.write("other.png", "");
  const FormerPages former(folder.path());
  const std::vector<Row>& rows = plan.sections[0].rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Outcome now = outcome.rows[i];
    now.measured = "not trained yet", now.passed = std::nullopt, now.seed = "", now.seconds = "";
    const std::optional<Outcome> kept = former.outcome(rows[i], now);
    ASSERT_TRUE(kept.has_value()) << rows[i].what;
    EXPECT_EQ(kept->measured, outcome.rows[i].measured);
    EXPECT_EQ(kept->passed, outcome.rows[i].passed);
    EXPECT_EQ(kept->seed, outcome.rows[i].seed);
    EXPECT_EQ(kept->seconds, outcome.rows[i].seconds);
    now.mark = "at most 2";
    EXPECT_FALSE(former.outcome(rows[i], now)) << "a number that was held against another mark";
  }
  const std::vector<Picture>& pictures = plan.sections[0].pictures;
  ASSERT_TRUE(former.drawn(pictures[0]).has_value());
  EXPECT_EQ(former.drawn(pictures[0])->files, outcome.pictures[0].files);
  EXPECT_FALSE(former.drawn(pictures[1])) << "nothing was drawn";
  EXPECT_FALSE(former.drawn(pictures[2])) << "its file is gone";
  EXPECT_FALSE(FormerPages().outcome(rows[0], outcome.rows[0]));
}

TEST(Gallery, CommandsNameTheDataThatARecipeNeeds) {
  const TemporaryFolder folder;
  const auto recipe = [&](const std::string& name, const std::string& data) {
    folder.write("recipes/" + name + ".yaml",
                 "model: " + name + "\ntask: autoencoder\nnetwork: {layers: [784, 9]}\ndata: " + data + "\n");
  };
  recipe("drawn", "{digits: synthetic}");
  recipe("plain", "{digits: idx}");
  recipe("before", "{digits: idx, background: true}");
  recipe("patches", "{patches: {size: 28}}");
  Collection collection({folder / "models", folder / "recipes", folder.path(), {}, [](const std::string&) {}, nullptr});
  const auto command = [&](const char* name) { return collection.command(name); };
  EXPECT_EQ(command("drawn"), "`latentflow train models/recipes/drawn.yaml --out drawn.onnx`");
  EXPECT_EQ(command("plain"), "`latentflow train models/recipes/plain.yaml --data mnist/ --out plain.onnx`");
  EXPECT_EQ(command("before"),
            "`latentflow train models/recipes/before.yaml --data mnist/ --photographs photographs/ --out before.onnx`");
  EXPECT_EQ(command("patches"),
            "`latentflow train models/recipes/patches.yaml --data photographs/ --out patches.onnx`");
}

TEST(Gallery, NeedsTheDigitsThatItsModelsAreOf) {
  const TemporaryFolder folder;
  folder.write("recipes/small.yaml", small_recipe);
  folder.write("recipes/plain.yaml", std::string("model: plain\ntask: autoencoder\nnetwork: {layers: [784, 9]}\n"));
  Collection collection({folder / "models", folder / "recipes", folder.path(), {}, [](const std::string&) {}, nullptr});
  const auto refusal = [&](const std::string& model) {
    const Result<Plan> plan = parse_plan(
        "sections:\n  - rows: [{what: w, models: [small, \"" + model + "\"], measure: test_error}]\n", "g.yaml");
    const Status status = plan ? collection.check_data(*plan) : Status(plan.error());
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_EQ(refusal("small"), "");
  EXPECT_EQ(refusal("nowhere"), "") << "a recipe that is not there yet";
  const std::string file = "train-images-idx3-ubyte";
  EXPECT_EQ(refusal("plain"), folder.path().string() + " has no file " + file + " (or " + file +
                                  ".gz), which plain is trained on and measured with");
  EXPECT_NE(refusal("pca:3").find("which pca:3 is"), std::string::npos);
  for (const char* name : {"train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"})
    folder.write(std::string(name) + "-ubyte", "");
  EXPECT_EQ(refusal("plain"), "");
}

TEST(Gallery, AModelInTrainingIsNotMeasured) {
  const TemporaryFolder folder;
  folder.write("recipes/small.yaml", small_recipe);
  const std::atomic<bool> stop{true};
  Collection collection({folder / "models", folder / "recipes", folder.path(), {}, [](const std::string&) {}, &stop});
  EXPECT_EQ(collection.train("small").error().code, Code::cancelled);
  ASSERT_TRUE(std::filesystem::exists(folder / "models/small/small.onnx"));
  EXPECT_EQ(collection.member("small").state, Member::State::in_training);
  const Outcome outcome = measure({"w", {"small"}, "test_error", "", "", "", 1.0, {}, {}}, collection);
  EXPECT_EQ(outcome.measured, "in training");
  EXPECT_FALSE(outcome.passed.has_value());
}

}  // namespace
}  // namespace latentflow::gallery

// gallery_collection_test.cpp: the models of a gallery: its list, variants of recipes, drawn data, the zoo.
#include "gallery/collection.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "gallery/measures.h"
#include "gallery/pictures.h"
#include "support/gallery_list.h"
#include "support/small_autoencoder.h"
#include "support/temporary_folder.h"

namespace latentflow::gallery {
namespace {

using test::TemporaryFolder;

std::string problems_of_picture(const std::string& picture) {
  return test::problems_of_list("sections:\n  - title: t\n    pictures:\n      - " + picture + "\n");
}

std::string problems_of_models(const std::string& models) {
  return test::problems_of_list("models: [" + models + "]\nsections: [{title: t}]\n");
}

TEST(GalleryList, RefusesPicturesThatCannotBeDrawn) {
  const auto graphs = [](const std::string& set, const std::string& files) {
    return problems_of_picture("{kind: graphs, models: [m], graphs: [{graph: g, set: {" + set + "}}], files: [" +
                               files + "]}");
  };
  EXPECT_EQ(graphs("model: '{m}', output: '{output}'", "a.png, b/c"), "");
  EXPECT_NE(graphs("model: '{n}', output: '{output}'", "a.png").find("{n}, which is neither {output} nor one of"),
            std::string::npos);
  EXPECT_NE(graphs("model: '{m}'", "a.png").find("no value of set has {output}"), std::string::npos);
  EXPECT_NE(graphs("output: '{output}'", "../a.png").find("within {output}"), std::string::npos);
  EXPECT_NE(graphs("output: '{output}'", "/a.png").find("within {output}"), std::string::npos);
  EXPECT_NE(graphs("output: '{output}'", "").find("needs both"), std::string::npos);
  EXPECT_NE(problems_of_picture("{kind: filters, models: [m], files: [a.png]}").find("go with kind graphs"),
            std::string::npos);
  EXPECT_EQ(problems_of_picture("{kind: variance, models: ['pca:3', 'patches:9']}"), "");
  EXPECT_NE(problems_of_picture("{kind: whitening, models: ['pca:3', m]}").find("and m is none"), std::string::npos);
  EXPECT_EQ(problems_of_models("{name: a, recipe: r}, {name: b, recipe: r, set: {k_sparse.k: 3}}"), "");
  EXPECT_NE(problems_of_models("{name: a, recipe: r}, {name: a, recipe: s}").find("the name a is taken"),
            std::string::npos);
  EXPECT_NE(problems_of_models("{name: a}").find("name and recipe are needed"), std::string::npos);
  EXPECT_NE(problems_of_models("{name: ../a, recipe: r}").find("letters, digits and _"), std::string::npos);
}

TEST(GalleryList, NamesComponentsAndPlaces) {
  EXPECT_EQ(components_in("pca:30")->count, 30);
  EXPECT_FALSE(components_in("pca:30")->patches);
  EXPECT_TRUE(components_in("patches:9")->patches);
  for (const char* other : {"pca", "pca:", "pca:x", "pca:3x", "pca:0", "patches:-1", "mnist_deep"})
    EXPECT_FALSE(components_in(other)) << other;
  const auto twice = [](const std::string& name) { return name + name; };
  EXPECT_EQ(filled("{a}/b{c}", twice), "aa/bcc");
  EXPECT_EQ(filled("no place, {not one}", twice), "no place, {not one}");
}

TEST(GalleryList, EveryVariantOfTheShippedOneIsARecipe) {
  const std::filesystem::path recipes = LATENTFLOW_SOURCE_DIR "/models/recipes";
  const Result<Plan> plan = load_plan(recipes / "gallery.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_FALSE(plan->variants.empty());
  Collection collection({"models", recipes, "data", {}, {}, nullptr, plan->variants});
  for (const std::string& name : plan->models()) {
    const Result<const train::Recipe*> recipe = collection.recipe(name);
    ASSERT_TRUE(recipe.ok()) << recipe.error().message;
    EXPECT_EQ((*recipe)->model, name);
  }
  const train::Recipe& ten = **collection.recipe("mnist_k_sparse_10");
  EXPECT_EQ(ten.autoencoder.k_sparse->k, 10);
  EXPECT_FALSE(ten.autoencoder.features.logistic) << "a setting that takes away";
  EXPECT_EQ((*collection.recipe("mnist_undamaged"))->autoencoder.noise, train::InputNoise::none);
  const std::string command = collection.command("mnist_salt_pepper_40");
  EXPECT_NE(command.find("`latentflow train models/recipes/mnist_denoising.yaml --set model=mnist_salt_pepper_40 "),
            std::string::npos)
      << command;
  EXPECT_NE(command.find(" --set corruption.amount=0.4 --set steps=4000 --set 'features={}' --data mnist/ "),
            std::string::npos)
      << command;
}

const std::string small_recipe = test::small_recipe + "steps: 20\n";

TEST(GalleryCollection, AVariantIsTrainedWithItsSettingsAndItsCardSaysSo) {
  const TemporaryFolder folder;
  folder.write("recipes/small.yaml", small_recipe);
  CollectionOptions options{
      folder / "models", folder / "recipes", folder.path(), {}, [](const std::string&) {}, nullptr};
  options.variants = {{"smaller", "small", {"network.layers=[144, 4]", "summary=four units"}},
                      {"broken", "small", {"network.layers=[1"}}};
  Collection collection(options);
  EXPECT_EQ(collection.member("smaller").why, "not trained yet");
  const Status trained = collection.train("smaller");
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  const Member& member = collection.member("smaller");
  ASSERT_EQ(member.state, Member::State::finished) << member.why;
  EXPECT_EQ(member.model->codes(), 4);
  EXPECT_EQ(member.file, folder / "models/smaller/smaller.onnx");
  EXPECT_NE(member.card.trained_with.find("recipe small --set model=smaller --set 'network.layers=[144, 4]' --set "
                                          "'summary=four units'"),
            std::string::npos)
      << member.card.trained_with;
  EXPECT_NE(member.card.recipe.find("# --set network.layers=[144, 4]"), std::string::npos) << member.card.recipe;
  EXPECT_FALSE(collection.train("broken").ok());
}

TEST(GalleryCollection, DrawnDigitsStandForFilesAndDrawnPicturesForPhotographs) {
  const TemporaryFolder folder;
  const auto recipe = [&](const std::string& name, const std::string& layers, const std::string& data) {
    folder.write("recipes/" + name + ".yaml",
                 "model: " + name + "\ntask: autoencoder\nnetwork: {layers: " + layers + "}\ndata: " + data + "\n");
  };
  recipe("plain", "[784, 9]", "{digits: idx, train: 50, test: 20}");
  recipe("patches", "[144, 9]", "{patches: {size: 12, train: 40, test: 10}}");
  CollectionOptions options{folder / "models", folder / "recipes", "synthetic", {}, {}, nullptr};
  options.synthetic = true;
  Collection collection(options);
  EXPECT_EQ(collection.command("plain"),
            "`latentflow train models/recipes/plain.yaml --set data.digits=synthetic --out plain.onnx`");
  EXPECT_EQ(collection.command("patches"),
            "`latentflow train models/recipes/patches.yaml --set data.graph=drawn_pictures --out patches.onnx`");
  const Result<const train::ItemSet*> digits = collection.items("plain");
  ASSERT_TRUE(digits.ok()) << digits.error().message;
  EXPECT_EQ((*digits)->train.values, test::load(test::drawn_digits(50, 20, 28)).train.values);
  const Result<const train::ItemSet*> patches = collection.items("patches");
  ASSERT_TRUE(patches.ok()) << patches.error().message;
  EXPECT_EQ((*patches)->train.count(), 40);
  const Result<Plan> plan = parse_plan(
      "sections: [{rows: [{what: a, models: [plain], measure: test_error, at_most: 3, published: '3'}, {what: b, "
      "models: "
      "[plain], measure: identity, at_most: 1}, {what: c, models: ['pca:3', 'patches:3'], measure: test_error}]}]\n",
      "g.yaml");
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_TRUE(collection.check_data(*plan).ok());
  const Plan drawn = for_drawn_digits(*plan);
  EXPECT_EQ(measure(drawn.sections[0].rows[0], collection).mark, "stated") << "a mark of MNIST";
  EXPECT_EQ(measure(drawn.sections[0].rows[1], collection).mark, "at most 1") << "a mark of any data";
}

TEST(GalleryCollection, ConvolutionalNetworksComeFromTheZooWithTheirCardsAlone) {
  const TemporaryFolder folder;
  Collection collection({folder / "models", LATENTFLOW_SOURCE_DIR "/models/recipes", folder.path(), {}, {}, nullptr});
  const Member& member = collection.member("image_codes");
  ASSERT_EQ(member.state, Member::State::finished) << member.why;
  EXPECT_FALSE(member.model.has_value());
  Row row;
  row.what = "w", row.models = {"image_codes"}, row.measure = "card", row.score = "reconstruction:", row.unit = "dB";
  EXPECT_GT(std::atof(measure(row, collection).measured.c_str()), 25);
  row.measure = "filter_spread", row.score = "";
  EXPECT_EQ(measure(row, collection).measured, member.why) << "layers that it does not have";
  Picture filters;
  filters.models = {"image_codes"};
  const Result<Drawn> drawn = draw(filters, collection, folder / "out");
  ASSERT_TRUE(drawn.ok()) << drawn.error().message;
  EXPECT_TRUE(drawn->files.empty());
  EXPECT_EQ(drawn->missing.size(), 1u);
}

}  // namespace
}  // namespace latentflow::gallery

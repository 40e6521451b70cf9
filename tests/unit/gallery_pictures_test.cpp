// gallery_pictures_test.cpp: the gallery's variants of recipes, drawn data, components and graphs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <optional>

#include "gallery/component_pictures.h"
#include "gallery/graph_pictures.h"
#include "gallery/pages.h"
#include "gallery/shown.h"
#include "show/filters.h"
#include "show/gnuplot.h"
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

const char* const small_recipe = R"(model: small
task: autoencoder
network: {layers: [144, 10], code: linear, output: linear}
data: {digits: synthetic, train: 300, test: 100, size: 12}
optimiser: {rate: 0.01, warm_up: 5}
batch: 50
steps: 20
)";

TEST(GalleryCollection, AVariantIsTrainedWithItsSettingsAndItsCardSaysSo) {
  const TemporaryFolder folder;
  folder.write("recipes/small.yaml", std::string(small_recipe));
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

/// Drawn digits of 12x12 pixels in files as of MNIST.
class GalleryComponents : public testing::Test {
 protected:
  GalleryComponents() {
    const train::ItemSet digits = test::load(test::drawn_digits(300, 50));
    for (const auto& [part, rows] : {std::pair("train", &digits.train), std::pair("t10k", &digits.test)}) {
      const auto count = static_cast<std::uint8_t>(rows->count() % 256),
                 more = static_cast<std::uint8_t>(rows->count() / 256);
      std::vector<std::uint8_t> images{0, 0, 8, 3, 0, 0, more, count, 0, 0, 0, 12, 0, 0, 0, 12},
          labels{0, 0, 8, 1, 0, 0, more, count};
      for (const float value : rows->values) images.push_back(static_cast<std::uint8_t>(std::lround(255 * value)));
      labels.insert(labels.end(), rows->labels.begin(), rows->labels.end());
      folder_.write(std::string(part) + "-images-idx3-ubyte", images);
      folder_.write(std::string(part) + "-labels-idx1-ubyte", labels);
    }
    collection_.emplace(CollectionOptions{folder_ / "models", folder_ / "recipes", folder_.path(), {}, {}, nullptr});
  }
  double measured(const std::string& model, const std::string& name) {
    Row row;
    row.what = "w", row.models = {model}, row.measure = name;
    const std::string text = measure(row, *collection_).measured;
    EXPECT_NE(text.find_first_of("0123456789"), std::string::npos) << text;
    return std::atof(text.c_str());
  }

  TemporaryFolder folder_;
  std::optional<Collection> collection_;
};

TEST_F(GalleryComponents, WhatTheyDoNotKeepIsTheError) {
  const train::ItemRows& rows = (*collection_->items("pca:12"))->train;
  double total = 0;
  for (std::int64_t j = 0; j < rows.features(); ++j) {
    double sum = 0, squares = 0;
    for (std::int64_t i = 0; i < rows.count(); ++i) {
      const auto x = static_cast<double>(rows.values[static_cast<std::size_t>(i * rows.features() + j)]);
      sum += x, squares += x * x;
    }
    const auto count = static_cast<double>(rows.count());
    total += squares / count - sum / count * (sum / count);
  }
  const double share = measured("pca:12", "variance_share"), error = measured("pca:12", "train_error");
  EXPECT_NEAR(share, 100 * (1 - error / total), 0.05);
  EXPECT_GT(share, measured("pca:5", "variance_share") + 1);
  // Nothing with as many components is better than the exact ones.
  EXPECT_GT(measured("pca:12", "randomized_excess"), -1e-3);
  EXPECT_LT(measured("pca:12", "randomized_excess"), 0.5);
}

TEST_F(GalleryComponents, AreDrawnBesideWhitenedItems) {
  const Status whitened = draw_whitening({"pca:5"}, *collection_, folder_ / "w.png");
  ASSERT_TRUE(whitened.ok()) << whitened.error().message;
  EXPECT_FALSE(cv::imread((folder_ / "w.png").string()).empty());
  if (!show::check_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  const Status plotted = draw_variance({"pca:5"}, *collection_, folder_ / "v.svg");
  ASSERT_TRUE(plotted.ok()) << plotted.error().message;
  EXPECT_NE(TemporaryFolder::text(folder_ / "v.svg").find("digits of 12x12"), std::string::npos);
}

TEST(GalleryShown, AreDrawnDigitsAndPatchesOfDrawnPictures) {
  const Result<std::vector<float>> digits = shown_items({nn::CodeItem::Kind::image, 12, 12, 1}, 10);
  ASSERT_TRUE(digits.ok()) << digits.error().message;
  ASSERT_EQ(digits->size(), 10u * 144);
  const nn::CodeItem patch{nn::CodeItem::Kind::patch, 8, 8, 1};
  const Result<std::vector<float>> patches = shown_items(patch, 5);
  ASSERT_TRUE(patches.ok()) << patches.error().message;
  ASSERT_EQ(patches->size(), 5u * 64);
  for (const float number : *patches) ASSERT_TRUE(number >= 0 && number <= 1) << number;
  EXPECT_EQ(*shown_items(patch, 5), *patches) << "the same every time";
}

TEST(Measures, SpreadIsHowFarWeightsLieFromTheirCentre) {
  const nn::CodeItem item{nn::CodeItem::Kind::image, 28, 28, 1}, color{nn::CodeItem::Kind::patch, 2, 3, 3};
  std::vector<float> filter(784);
  EXPECT_EQ(filter_spread(filter, item), 0);
  filter[5 * 28 + 3] = -2;
  EXPECT_NEAR(filter_spread(filter, item), 0, 1e-6);
  filter[5 * 28 + 9] = 2;
  EXPECT_NEAR(filter_spread(filter, item), 3, 1e-9) << "two pixels, 6 apart";
  EXPECT_NEAR(filter_spread(std::vector<float>(784, 0.1f), item), std::sqrt(2 * (784 - 1) / 12.0), 1e-6);
  std::vector<float> planes(18);
  planes[0] = planes[6 + 2] = 1;
  EXPECT_NEAR(filter_spread(planes, color), 1, 1e-9) << "x = 0 in one plane, x = 2 in the next";
}

/// A graph of drawn digits through a model, and a collection that has one.
class GalleryGraphs : public testing::Test {
 protected:
  GalleryGraphs() {
    folder_.write("digits.yaml", std::string(R"(graph: digits
params:
  model: {type: text}
  output: {type: path}
  count: {type: integer, default: 12}
  size: {type: integer, default: 12}
nodes:
  digits: {node: draw_digits, count: $count, size: $size}
  codes:  {node: encode, image: digits, model: $model}
  back:   {node: decode, codes: codes, model: $model, depth: "8"}
  scores: {node: compare, image: back, reference: digits, ssim: false}
  saved:  {node: write_images, image: digits, path: "${output}/digits", pattern: "{name}.png"}
  table:  {node: write_table, record: scores, path: "${output}/scores.md"}
  sheet:  {node: write_sheet, a: digits, b: back, path: "${output}/sheet.png"}
)"));
    std::filesystem::create_directories(folder_ / "models/small");
    test::SmallAutoencoder({144, 10}).write(folder_ / "models/small/small.onnx");
    collection_.emplace(CollectionOptions{folder_ / "models", folder_ / "recipes", folder_.path(), {}, {}, nullptr});
    picture_.kind = PictureKind::graphs;
    picture_.caption = "codes";
    picture_.models = {"small"};
    picture_.graphs = {{folder_ / "digits.yaml", {"model={small}", "output={output}/here"}}};
    picture_.files = {"here/sheet.png", "here/digits", "here/scores.md"};
  }

  TemporaryFolder folder_;
  std::optional<Collection> collection_;
  Picture picture_;
};

TEST_F(GalleryGraphs, GiveTheirFilesToThePage) {
  const Result<Drawn> drawn = draw(picture_, *collection_, folder_ / "out");
  ASSERT_TRUE(drawn.ok()) << drawn.error().message;
  EXPECT_EQ(drawn->missing, std::vector<std::string>());
  EXPECT_EQ(drawn->files, (std::vector<std::string>{"digits_here_sheet.png", "digits_here_digits.png"}));
  EXPECT_FALSE(cv::imread((folder_ / "out/digits_here_sheet.png").string()).empty());
  // Twelve digits in rows of ten, five times as large, with a line around each.
  EXPECT_EQ(cv::imread((folder_ / "out/digits_here_digits.png").string()).size(), cv::Size(10 * 61 + 1, 2 * 61 + 1));
  EXPECT_NE(drawn->table.find("| mean"), std::string::npos) << drawn->table;
  EXPECT_EQ(std::count(drawn->table.begin(), drawn->table.end(), '\n'), 2 + 12 + 1) << drawn->table;

  Plan plan;
  plan.title = "t";
  plan.sections = {{"s", "words", {}, {picture_}}, {"next", "| no table of the picture |", {}, {}}};
  const std::vector<SectionOutcome> outcomes{{{}, {*drawn}}, {}};
  const std::string page = gallery_page(plan, outcomes);
  EXPECT_NE(page.find("\n\n" + drawn->table + "\nMade by `latentflow run "), std::string::npos) << page;
  EXPECT_NE(page.find("digits.yaml --set model=small.onnx --set output=output/here`."), std::string::npos) << page;
  folder_.write("out/README.md", page);
  const std::optional<Drawn> former = FormerPages(folder_ / "out").drawn(picture_);
  ASSERT_TRUE(former.has_value());
  EXPECT_EQ(former->files, drawn->files);
  EXPECT_EQ(former->table, drawn->table);
}

TEST_F(GalleryGraphs, SayWhatIsMissing) {
  const auto missing = [&] {
    const Result<Drawn> drawn = draw(picture_, *collection_, folder_ / "out");
    EXPECT_TRUE(drawn.ok()) << drawn.error().message;
    return drawn && drawn->missing.size() == 1 ? drawn->missing[0] : std::string();
  };
  const std::vector<std::string> files = picture_.files;
  picture_.files = {"here/absent.png"};
  EXPECT_EQ(missing(), "digits: it wrote no here/absent.png");
  picture_.files = files;
  picture_.graphs[0].sets.push_back("size=13");
  EXPECT_NE(missing().find("00000: codes: "), std::string::npos) << "the model takes 12x12: " << missing();
  picture_.graphs[0].sets.back() = "sise=13";
  EXPECT_NE(missing().find("sise"), std::string::npos) << missing();
  picture_.graphs[0].graph = "nowhere";
  EXPECT_NE(missing().find("nowhere"), std::string::npos) << missing();
  picture_.models = {"absent"};
  EXPECT_EQ(missing(), "absent: there is no recipe absent yet");
}

TEST_F(GalleryGraphs, FiltersOfSeveralModelsShareAStrip) {
  std::filesystem::create_directories(folder_ / "models/other");
  test::SmallAutoencoder({144, 7}).write(folder_ / "models/other/other.onnx");
  Picture strip;
  strip.models = {"small", "absent", "other"}, strip.strip = true, strip.units = 5;
  const Result<Drawn> drawn = draw(strip, *collection_, folder_ / "out");
  ASSERT_TRUE(drawn.ok()) << drawn.error().message;
  EXPECT_EQ(drawn->files, std::vector<std::string>{"filters_small_to_other.png"});
  EXPECT_EQ(drawn->missing.size(), 1u);
  // Two rows of tiles of 60 pixels, 4 pixels between and around them.
  EXPECT_EQ(cv::imread((folder_ / "out/filters_small_to_other.png").string()).rows, 2 * 64 + 4);
}

TEST(GalleryFilters, ByActivityAreThoseThatTheTestItemsExciteMost) {
  const TemporaryFolder folder;
  folder.write("recipes/small.yaml",
               "model: small\ntask: autoencoder\nnetwork: {layers: [144, 9]}\ndata: {digits: synthetic, train: 20, "
               "test: 30, size: 12}\n");
  std::filesystem::create_directories(folder / "models/small");
  test::SmallAutoencoder({144, 9}).write(folder / "models/small/small.onnx");
  CollectionOptions options{folder / "models", folder / "recipes", "synthetic", {}, {}, nullptr};
  options.synthetic = true;
  Collection collection(options);
  Picture picture;
  picture.models = {"small"}, picture.units = 1, picture.sort = "activity";
  const Result<Drawn> drawn = draw(picture, collection, folder / "out");
  ASSERT_TRUE(drawn.ok()) << drawn.error().message;
  ASSERT_EQ(drawn->files.size(), 1u) << (drawn->missing.empty() ? "" : drawn->missing[0]);

  const Result<show::DenseModel> model = show::load_dense_model(folder / "models/small/small.onnx");
  const Result<const train::ItemSet*> items = collection.items("small");
  ASSERT_TRUE(model.ok() && items.ok());
  const Result<std::vector<show::Filter>> all = show::filters_of(*model, (*items)->test.values, {.units = 0});
  ASSERT_TRUE(all.ok()) << all.error().message;
  const auto most = std::max_element(
      all->begin(), all->end(), [](const show::Filter& a, const show::Filter& b) { return a.activity < b.activity; });
  ASSERT_NE(most->unit, 0) << "the order of units would pass, too";
  const cv::Mat tile = show::draw({&*most, 1}, model->item, 0);
  EXPECT_EQ(cv::norm(cv::imread((folder / "out" / drawn->files[0]).string(), cv::IMREAD_UNCHANGED), tile, cv::NORM_INF),
            0);
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

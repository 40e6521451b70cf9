// gallery_pictures_test.cpp: the gallery's pictures: components, items, filters, and what graphs write.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <optional>

#include "gallery/component_pictures.h"
#include "gallery/graph_pictures.h"
#include "gallery/numbers.h"
#include "gallery/pages.h"
#include "gallery/shown.h"
#include "show/filters.h"
#include "show/gnuplot.h"
#include "support/idx_file.h"
#include "support/small_autoencoder.h"
#include "support/temporary_folder.h"

namespace latentflow::gallery {
namespace {

using test::TemporaryFolder;

/// Drawn digits of 12x12 pixels in files as of MNIST.
class GalleryComponents : public testing::Test {
 protected:
  GalleryComponents() {
    const train::ItemSet digits = test::load(test::drawn_digits(300, 50));
    for (const auto& [part, rows] : {std::pair("train", &digits.train), std::pair("t10k", &digits.test)}) {
      const auto count = static_cast<std::uint32_t>(rows->count());
      std::vector<std::uint8_t> grey;
      for (const float value : rows->values) grey.push_back(static_cast<std::uint8_t>(std::lround(255 * value)));
      folder_.write(std::string(part) + "-images-idx3-ubyte", test::idx_file({count, 12, 12}, grey));
      folder_.write(std::string(part) + "-labels-idx1-ubyte", test::idx_file({count}, rows->labels));
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

}  // namespace
}  // namespace latentflow::gallery

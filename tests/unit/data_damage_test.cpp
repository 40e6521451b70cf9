// data_damage_test.cpp: nodes that damage pictures, as data of recipes: noise of many levels, JPEG and holes.
#include <gtest/gtest.h>

#include <algorithm>
#include <opencv2/core.hpp>

#include "support/pictures.h"
#include "support/temporary_folder.h"
#include "train/data_graph.h"
#include "train/photo_damage.h"
#include "train/trainer.h"

namespace latentflow::train {
namespace {

using test::TemporaryFolder;

const std::filesystem::path shipped_pairs =
    std::filesystem::path(LATENTFLOW_SOURCE_DIR) / "graphs" / "damaged_pairs.yaml";

std::vector<Photograph> pictures_of(const DataGraph& graph, bool color) {
  Result<std::vector<Photograph>> made = photographs_of_graph(graph, color, 16, nullptr);
  EXPECT_TRUE(made.ok()) << (made ? "" : made.error().message);
  return made ? std::move(*made) : std::vector<Photograph>();
}

/// In grey levels.
double damage_of(const Photograph& pair) {
  cv::Mat clean, damaged;
  pair.pixels.convertTo(clean, CV_32F, 1.0 / 255), pair.damaged.convertTo(damaged, CV_32F, 1.0 / 255);
  return 255 * deviation(damaged, clean);
}

TEST(DamagedPairs, HaveNoiseOfManyLevelsTheSameInEveryRun) {
  const TemporaryFolder folder;
  for (const char* name : {"a", "b", "c", "d", "e"})
    folder.write("p/" + std::string(name) + ".png", test::encoded(".png", cv::Mat(96, 96, CV_8UC1, cv::Scalar(128))));
  const std::string input = "input=" + (folder / "p").string();
  const DataGraph graph{shipped_pairs, {input, "color=gray", "sigma=[10, 40]", "quality=100"}};
  const std::vector<Photograph> pairs = pictures_of(graph, false), again = pictures_of(graph, false),
                                fixed = pictures_of({shipped_pairs, {input, "color=gray", "sigma=20", "quality=100"}},
                                                    false);
  ASSERT_EQ(pairs.size(), 5u);
  ASSERT_EQ(again.size(), 5u);
  ASSERT_EQ(fixed.size(), 5u);
  std::vector<double> levels;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(cv::norm(pairs[i].pixels - 128), 0);
    EXPECT_TRUE(test::same_pixels(pairs[i].damaged, again[i].damaged));
    levels.push_back(damage_of(pairs[i]));
    // 9216 pixels: the deviation is within 3 % of the level, and JPEG of quality 100 rounds by less than a grey level.
    EXPECT_GT(levels.back(), 9.7);
    EXPECT_LT(levels.back(), 41.3);
    EXPECT_NEAR(damage_of(fixed[i]), 20, 0.8);
  }
  std::sort(levels.begin(), levels.end());
  EXPECT_GT(levels.back() - levels.front(), 5);
}

TEST(DamagedPairs, LoseMoreAtLowerQuality) {
  const TemporaryFolder folder;
  folder.write("p/a.png", test::encoded(".png", test::soft_picture(64, 48, CV_8UC3)));
  const auto lost = [&](const std::string& quality) {
    const std::vector<Photograph> pairs =
        pictures_of({shipped_pairs, {"input=" + (folder / "p").string(), "sigma=0", "quality=" + quality}}, true);
    return pairs.size() == 1 ? damage_of(pairs[0]) : 0.0;
  };
  EXPECT_GT(lost("90"), 0.1);
  EXPECT_GT(lost("10"), 1.5 * lost("90"));
}

TEST(DamagedPairs, TrainADenoiserThatIsToldTheirDeviation) {
  const TemporaryFolder folder;
  for (int i = 0; i < 3; ++i)
    folder.write("p/" + std::to_string(i) + ".png",
                 test::encoded(".png", test::soft_picture(48, 40, CV_8UC3, static_cast<std::uint64_t>(i) + 1)));
  const Result<Recipe> recipe = parse_recipe(
      "model: m\nnetwork: {channels: [16, 16], blocks: [1, 1]}\nphases: [{until: 1, patch: 32}]\n"
      "validation: {held_out: 0.34, crop: 40}\nbatch: 4\nshard: 2\nsteps: 3\n"
      "data:\n  graph: " +
          shipped_pairs.string() + "\n  sigma: measured\n  set:\n    input: " + (folder / "p").string() +
          "\n    sigma: [5, 30]\n    quality: [40, 90]\n",
      "r.yaml");
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  ASSERT_TRUE(recipe->data.graph.has_value());
  EXPECT_EQ(recipe->data.graph->sets,
            (std::vector<std::string>{"input=" + (folder / "p").string(), "sigma=[5, 30]", "quality=[40, 90]"}));
  TrainingJob job;
  job.recipe = *recipe, job.model = folder / "m.onnx", job.report_seconds = 1e9;
  const Result<TrainingSummary> summary = train(job);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  ASSERT_EQ(summary->scores.size(), 1u);
  EXPECT_EQ(summary->scores[0].what, "pairs");
  EXPECT_LT(summary->scores[0].before, 40) << "noise and JPEG were there";
}

TEST(DamagedPairs, MayHaveHoles) {
  const TemporaryFolder folder;
  folder.write("holes.yaml", R"(graph: holes
nodes:
  photos: {node: draw_samples, count: 4, width: 64, height: 48, kinds: [hills, marble]}
  masks:  {node: make_mask, image: photos, kind: random, share: [0.2, 0.8]}
  holed:  {node: apply_mask, image: photos, mask: masks, color: [255, 0, 255]}
  items:  {node: deliver, image: holed, target: photos}
)");
  std::vector<double> shares;
  for (const Photograph& pair : pictures_of({folder / "holes.yaml", {}}, true)) {
    int missing = 0;
    for (int y = 0; y < pair.pixels.rows; ++y)
      for (int x = 0; x < pair.pixels.cols; ++x) {
        const cv::Vec3b was = pair.pixels.at<cv::Vec3b>(y, x), is = pair.damaged.at<cv::Vec3b>(y, x);
        if (was == is) continue;
        ++missing;
        EXPECT_EQ(is, cv::Vec3b(255, 0, 255));
      }
    shares.push_back(missing / (64.0 * 48));
    EXPECT_GT(shares.back(), 0.15);
    EXPECT_LT(shares.back(), 0.85);
  }
  ASSERT_EQ(shares.size(), 4u);
  EXPECT_GT(*std::max_element(shares.begin(), shares.end()) - *std::min_element(shares.begin(), shares.end()), 0.05);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "|") + text;
  return all;
}

TEST(DataGraphSets, TakeListsInRecipes) {
  const auto sets = [](const std::string& set) {
    const Result<Recipe> recipe = parse_recipe("model: m\ndata: {graph: g.yaml, set: " + set + "}\n", "r.yaml");
    return recipe ? joined(recipe->data.graph->sets) : recipe.error().message;
  };
  EXPECT_EQ(sets("{a: 1, b: [2, 3.5], c: [-1]}"), "a=1|b=[2, 3.5]|c=[-1]");
  EXPECT_EQ(sets("{a: ['x, y', \"it's\", '']}"), "a=['x, y', 'it''s', '']");
  EXPECT_EQ(sets("{a: [[1], 2]}"), "r.yaml:2:29: error: data: set needs single values, or lists of them");
  EXPECT_EQ(sets("{a: {b: 1}}"), "r.yaml:2:29: error: data: set needs single values, or lists of them");
}

}  // namespace
}  // namespace latentflow::train

// data_graph_test.cpp: graphs of the pipeline as data of recipes, and what is refused before training starts.
#include <gtest/gtest.h>

#include <limits>
#include <opencv2/imgcodecs.hpp>

#include "nn/npy.h"
#include "support/data_graphs.h"
#include "support/pictures.h"
#include "support/small_autoencoder.h"
#include "support/temporary_folder.h"
#include "train/autoencoder/graph_rows.h"
#include "train/trainer.h"

namespace latentflow::train {
namespace {

using test::graph_in;
using test::TemporaryFolder;

const std::string twelve = "  digits: {node: draw_digits, count: 40, size: 12}\n";

/// Why rows cannot be made.
std::string refusal(const std::string& nodes, std::int64_t train = 1) {
  const TemporaryFolder folder;
  DataGraph graph = graph_in(folder, nodes);
  graph.train = train;
  const Result<ItemSet> set = rows_of_graph(graph, nullptr);
  return set ? "" : test::shortened(set.error().message, folder);
}

TEST(DataGraph, GivesTheRowsThatThePicturesAre) {
  const TemporaryFolder folder;
  DataGraph graph = graph_in(folder, twelve + "  items: {node: deliver, image: digits, record: digits.label}\n");
  graph.sets = {"digits.seed=5"};
  const Result<ItemSet> set = rows_of_graph(graph, nullptr);
  ASSERT_TRUE(set.ok()) << set.error().message;
  const ItemSet drawn = test::load(test::drawn_digits(36, 4), 5);
  EXPECT_EQ(set->train.labels, drawn.train.labels);
  ASSERT_EQ(set->train.values.size(), drawn.train.values.size());
  for (std::size_t i = 0; i < set->train.values.size(); ++i)
    ASSERT_NEAR(set->train.values[i], drawn.train.values[i], 1e-6);
  EXPECT_EQ(set->test.labels, drawn.test.labels);
  EXPECT_EQ(to_string(set->train.item), "image 12x12x1");
}

TEST(DataGraph, IsToldWhatItKnows) {
  const TemporaryFolder folder;
  graph_in(folder, twelve + "  items: {node: deliver, image: digits}\n");
  folder.write("r.yaml",
               "model: m\ntask: autoencoder\nnetwork: {layers: [144, 8]}\n"
               "data: {graph: data.yaml, set: {nowhere: 1}}\n");
  const Result<Recipe> recipe = load_recipe(folder / "r.yaml");
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  const Result<ItemSet> rows = rows_of_graph(*recipe->autoencoder.graph, nullptr);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().message.rfind((folder / "r.yaml").string() + ":4:32: error: data.set.nowhere: ", 0), 0u)
      << rows.error().message;
}

TEST(DataGraph, TrainsARecipeAndLeavesItsNameInTheCard) {
  const TemporaryFolder folder;
  graph_in(folder, twelve + "  items: {node: deliver, image: digits, record: digits.label}\n");
  folder.write("r.yaml", R"(model: m
task: autoencoder
network: {layers: [144, 8]}
data: {graph: data.yaml, set: {digits.count: 60}, train: 50, test: 10}
features: {logistic: {}}
batch: 10
steps: 5
)");
  const Result<Recipe> recipe = load_recipe(folder / "r.yaml");
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  EXPECT_TRUE(recipe->draws_its_data());
  TrainingJob job;
  job.recipe = *recipe, job.model = folder / "m.onnx";
  std::string notes;
  job.note = [&](const std::string& line) { notes += line; };
  const Result<TrainingSummary> summary = train(job);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_NE(notes.find("graph data: 50 items to train on, 10 to test"), std::string::npos) << notes;
  EXPECT_NE(summary->result.find("logistic regression on codes"), std::string::npos) << summary->result;
}

TEST(DataGraph, TakesTensorsAndColourPictures) {
  const TemporaryFolder folder;
  const DataGraph graph = graph_in(folder, R"(  photos: {node: draw_samples, count: 4, width: 64, height: 48}
  items: {node: deliver, image: photos}
)");
  const Result<ItemSet> set = rows_of_graph(graph, nullptr);
  ASSERT_TRUE(set.ok()) << set.error().message;
  EXPECT_EQ(to_string(set->train.item), "image 48x64x3");
  const Result<std::vector<Photograph>> grey = photographs_of_graph(graph, false, 48, nullptr);
  ASSERT_TRUE(grey.ok()) << grey.error().message;
  EXPECT_EQ(grey->size(), 4u);
  EXPECT_EQ((*grey)[0].pixels.type(), CV_8UC1);
  const Result<std::vector<Photograph>> color = photographs_of_graph(graph, true, 48, nullptr);
  // Colours R, G, B: the first plane of the row is the first channel.
  EXPECT_NEAR((*color)[0].pixels.at<cv::Vec3b>(10, 20)[0] / 255.0, set->train.values[10 * 64 + 20], 1e-6);
  const Result<std::vector<Photograph>> large = photographs_of_graph(graph, true, 50, nullptr);
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.error().message.find("is 64x48, at least 50x50 is needed"), std::string::npos);
}

TEST(DataGraph, IsRefusedWithTheReason) {
  EXPECT_NE(refusal(twelve).find("the graph has no sink"), std::string::npos) << refusal(twelve);
  const std::string written = refusal(twelve + "  t: {node: write_table, record: digits.label, path: t.csv}\n");
  EXPECT_EQ(written,
            "G: no node hands its items to the trainer; add one such as items: {node: deliver, image: digits}");
  const std::string items = "  items: {node: deliver, image: digits}\n";
  EXPECT_EQ(refusal(twelve + items, 50), "G: 50 items to train on and 4 to test are needed, the graph delivered 40");
  EXPECT_EQ(refusal(twelve + "  items: {node: deliver, record: digits.label}\n")
                .substr(0, std::string("G: 40 of 40 items failed, and data to train on have to be whole: 00000: items: "
                                       "training takes a picture or a tensor per item")
                               .size()),
            "G: 40 of 40 items failed, and data to train on have to be whole: 00000: items: training takes a picture "
            "or a tensor per item");
  const TemporaryFolder folder;
  const Result<ItemSet> missing = rows_of_graph({folder / "none.yaml", {}}, nullptr);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("there is no file"), std::string::npos) << missing.error().message;
}

TEST(DataGraph, IsRefusedWhenItemsFailOrDiffer) {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) {
    const std::string name = "p/" + std::to_string(i) + ".png";
    if (i % 2 == 0)
      folder.write(name, test::encoded(".png", test::soft_picture(20, 20, CV_8UC1, 1)));
    else
      folder.write(name, std::string("no picture"));
  }
  const DataGraph broken = graph_in(folder, "  photos: {node: read_images, path: " + (folder / "p").string() +
                                                "}\n  items: {node: deliver, image: photos}\n");
  const Result<ItemSet> half = rows_of_graph(broken, nullptr);
  ASSERT_FALSE(half.ok());
  EXPECT_NE(half.error().message.find("2 of 4 items failed, and data to train on have to be whole: 1.png: photos: "),
            std::string::npos)
      << half.error().message;
  for (int i = 0; i < 4; ++i)
    folder.write("p/" + std::to_string(i) + ".png",
                 test::encoded(".png", test::soft_picture(i == 3 ? 24 : 20, 20, CV_8UC1, 1)));
  const Result<ItemSet> differing = rows_of_graph(broken, nullptr);
  ASSERT_FALSE(differing.ok());
  EXPECT_NE(
      differing.error().message.find("3.png: items: is image 20x24x1, the first item ('0.png') image 20x20x1; all "
                                     "have to be of one shape"),
      std::string::npos)
      << differing.error().message;
}

/// Three tensors of five numbers of 0 to 1, but for one number of the second.
DataGraph tensors_in(const TemporaryFolder& folder, float odd) {
  for (int i = 0; i < 3; ++i) {
    Tensor numbers = Tensor::filled({5}, 0.25f);
    if (i == 1) numbers.mutable_data()[2] = odd;
    const std::filesystem::path file = folder.write("t/" + std::to_string(i) + ".npy", std::string());
    EXPECT_TRUE(nn::write_npy(file, numbers).ok());
  }
  return graph_in(folder, "  numbers: {node: read_tensor, path: " + (folder / "t").string() +
                              "}\n  items: {node: deliver, tensor: numbers}\n");
}

TEST(DataGraph, IsRefusedForNumbersThatAreNotFinite) {
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const TemporaryFolder folder;
    const Result<ItemSet> set = rows_of_graph(tensors_in(folder, odd), nullptr);
    ASSERT_FALSE(set.ok());
    EXPECT_NE(set.error().message.find("1 of 3 items failed"), std::string::npos) << set.error().message;
    EXPECT_NE(set.error().message.find("1.npy: items: row 0, column 2 is "), std::string::npos) << set.error().message;
    EXPECT_NE(set.error().message.find("; needs finite numbers"), std::string::npos) << set.error().message;
  }
}

TEST(DataGraph, OfCrossEntropyHasNumbersFromZeroToOne) {
  const TemporaryFolder folder;
  const DataGraph graph = tensors_in(folder, 1.5f);
  EXPECT_TRUE(rows_of_graph(graph, nullptr).ok());
  const Result<ItemSet> set = rows_of_graph(graph, nullptr, Reconstruction::cross_entropy);
  ASSERT_FALSE(set.ok());
  EXPECT_NE(set.error().message.find("1.npy: items: number 2 of 5 is 1.5, the loss cross_entropy needs numbers of 0 to "
                                     "1; loss: squared takes all"),
            std::string::npos)
      << set.error().message;
  EXPECT_TRUE(rows_of_graph(tensors_in(folder, 1), nullptr, Reconstruction::cross_entropy).ok());
}

TEST(DataGraph, OfARunWithoutTakerIsRefused) {
  const TemporaryFolder folder;
  const DataGraph graph = graph_in(folder, twelve + "  items: {node: deliver, image: digits}\n");
  const Host host;
  const Graph loaded = Graph::load(host, graph.file);
  EXPECT_TRUE(loaded.ok());
  EXPECT_TRUE(loaded.problems_with_models().empty());
  const Report report = loaded.run();
  ASSERT_TRUE(report.refused());
  EXPECT_NE(report.problems[0].message.find("this one takes none"), std::string::npos) << report.problems[0].text();
}

}  // namespace
}  // namespace latentflow::train

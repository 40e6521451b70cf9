// data_pairs_test.cpp: graphs that deliver damaged and clean items, as data of recipes.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "nn/model_card.h"
#include "nn/npy.h"
#include "nn/onnx_import.h"
#include "support/data_graphs.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"
#include "train/autoencoder/autoencoder.h"
#include "train/autoencoder/graph_rows.h"
#include "train/data_pairs.h"
#include "train/photo_damage.h"
#include "train/random.h"
#include "train/trainer.h"

namespace latentflow::train {
namespace {

using test::graph_in;
using test::refusal;
using test::TemporaryFolder;

const std::string clean_digits = "  digits: {node: draw_digits, count: 60, size: 12}\n";
const std::string noisy_digits = clean_digits + "  noisy: {node: add_noise, image: digits, sigma: 90}\n";
const std::string noisy_photos =
    "  photos: {node: draw_samples, count: 6, width: 64, height: 48}\n"
    "  noisy: {node: add_noise, image: photos, sigma: 25}\n";
const std::string pair_of_pictures = "  items: {node: deliver, image: noisy, target: ";

ItemSet rows_in(const DataGraph& graph) {
  Result<ItemSet> set = rows_of_graph(graph, nullptr);
  EXPECT_TRUE(set.ok()) << (set ? "" : set.error().message);
  return set ? std::move(*set) : ItemSet();
}

TEST(DataPairs, AreWhatTheGraphMakesOfTheSameItems) {
  const TemporaryFolder folder;
  const ItemSet pairs = rows_in(graph_in(
      folder, noisy_digits + "  items: {node: deliver, image: noisy, target: digits, record: digits.label}\n"));
  const ItemSet clean = rows_in(graph_in(folder, clean_digits + "  items: {node: deliver, image: digits}\n"));
  const ItemSet damaged = rows_in(graph_in(folder, noisy_digits + "  items: {node: deliver, image: noisy}\n"));
  for (const auto part : {&ItemSet::train, &ItemSet::test}) {
    EXPECT_EQ((pairs.*part).values, (clean.*part).values);
    EXPECT_EQ((pairs.*part).damaged, (damaged.*part).values);
    EXPECT_NE((pairs.*part).values, (pairs.*part).damaged);
    EXPECT_TRUE((clean.*part).damaged.empty());
  }
  EXPECT_EQ(pairs.train.labels.size(), 54u);
  EXPECT_EQ(pairs.test.seen().data(), pairs.test.damaged.data());
  EXPECT_EQ(clean.test.seen().data(), clean.test.values.data());
}

/// Writes arrays of `numbers`, named so that number i is i-th in order.
void write_array(const TemporaryFolder& folder, const std::string& where, int i, const std::vector<float>& numbers) {
  const std::filesystem::path file =
      folder.write(where + "/" + std::string(1, static_cast<char>('a' + i)) + ".npy", std::string());
  ASSERT_TRUE(nn::write_npy(file, Tensor::from({static_cast<std::int64_t>(numbers.size())}, numbers)).ok());
}

TEST(DataPairs, StayTogetherWhereItemsAreDropped) {
  const TemporaryFolder folder;
  for (int i = 0; i < 12; ++i) {
    const auto own = static_cast<float>(i);
    write_array(folder, "damaged", i, {own + 0.25f, own + 0.5f});
    // What the way from the item before to this one has at its ends, before damage.
    write_array(folder, "clean", i, {own - 1, own - 1, own, own});
  }
  // The first item is dropped on one branch alone.
  const std::string nodes = "  damaged: {node: read_tensor, path: " + (folder / "damaged").string() +
                            "}\n  clean: {node: read_tensor, path: " + (folder / "clean").string() +
                            "}\n  ways: {node: interpolate_codes, from: damaged, steps: 2}\n"
                            "  items: {node: deliver, tensor: ways, target_tensor: clean}\n";
  ItemSet first;
  for (const std::string threads : {"1", "4"}) {
    const ItemSet set = rows_in(graph_in(folder, nodes, "settings: {threads: " + threads + "}\n"));
    EXPECT_EQ(set.train.count() + set.test.count(), 11);
    for (const ItemRows* rows : {&set.train, &set.test}) {
      ASSERT_EQ(rows->damaged.size(), rows->values.size());
      for (std::size_t i = 0; i < rows->values.size(); ++i)
        EXPECT_EQ(rows->damaged[i] - rows->values[i], i % 2 == 0 ? 0.25f : 0.5f) << i;
    }
    if (threads == "1") first = set;
    EXPECT_EQ(set.train.values, first.train.values);
    EXPECT_EQ(set.train.damaged, first.train.damaged);
  }
}

TEST(DataPairs, AreRefusedWhereOneOfThemFails) {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) {
    write_array(folder, "clean", i, {1, 2});
    if (i != 2) write_array(folder, "damaged", i, {1, 2});
  }
  const DataGraph graph =
      graph_in(folder, "  clean: {node: read_tensor, path: " + (folder / "clean").string() +
                           "}\n  damaged: {node: read_tensor, path: " + (folder / "damaged").string() +
                           "}\n  items: {node: deliver, tensor: damaged, target_tensor: clean}\n");
  const Result<ItemSet> set = rows_of_graph(graph, nullptr);
  ASSERT_FALSE(set.ok());
  EXPECT_NE(set.error().message.find("1 of 4 items failed, and data to train on have to be whole: c.npy: damaged: "),
            std::string::npos)
      << set.error().message;
}

TEST(DataPairs, OfTwoSizesAreRefused) {
  const TemporaryFolder folder;
  const std::string half = noisy_photos + "  half: {node: resize, image: noisy, scale: 0.5}\n" +
                           "  items: {node: deliver, image: half, target: photos}\n";
  const Result<ItemSet> rows = rows_of_graph(graph_in(folder, half), nullptr);
  ASSERT_FALSE(rows.ok());
  EXPECT_NE(rows.error().message.find("is image 24x32x3, its target image 48x64x3; the two of a pair have one shape"),
            std::string::npos)
      << rows.error().message;
  const Result<std::vector<Photograph>> pictures = photographs_of_graph(graph_in(folder, half), true, 16, nullptr);
  ASSERT_FALSE(pictures.ok());
  EXPECT_NE(pictures.error().message.find("image is 32x24, target 64x48; the two of a pair have one size"),
            std::string::npos)
      << pictures.error().message;
}

TEST(DataPairs, DoNotGoWithEveryRecipe) {
  const std::string photos = noisy_photos + pair_of_pictures + "photos}\n",
                    digits = noisy_digits + pair_of_pictures + "digits}\n",
                    vectors = "task: autoencoder\nnetwork: {layers: [144, 8]}\ndata: {graph: data.yaml}\n";
  EXPECT_EQ(refusal(photos, "data: {graph: data.yaml, sigma: 25}\n"), "");
  EXPECT_EQ(refusal(photos, "data: {graph: data.yaml}\nnetwork: {noise_map: false}\n"), "");
  EXPECT_EQ(refusal(photos, "task: image_codes\ndata: {graph: data.yaml}\n"), "");
  EXPECT_EQ(refusal(digits, vectors), "");
  EXPECT_EQ(refusal(digits, vectors + "corruption: {kind: none}\n"), "");
  const std::string twice =
      "G: the graph delivers pairs, and the recipe has a corruption: damage would be done twice; leave corruption out, "
      "or target of node deliver";
  EXPECT_EQ(refusal(digits, vectors + "corruption: {kind: masking}\n"), twice);
  EXPECT_EQ(refusal(photos, "data: {graph: data.yaml, sigma: 25}\ncorruption: {clipped_share: 0}\n"), twice);
  EXPECT_NE(refusal(photos, "data: {graph: data.yaml}\n").find("takes a map of noise levels that nothing gives"),
            std::string::npos);
  EXPECT_NE(refusal(photos, "data: {graph: data.yaml, sigma: 25, gain: [1, 1]}\n")
                .find("would change pictures that the graph has damaged"),
            std::string::npos);
  EXPECT_NE(refusal(photos, "task: inpaint\ndata: {graph: data.yaml}\n").find("makes holes itself"), std::string::npos);
  EXPECT_NE(refusal(photos,
                    "task: autoencoder\nnetwork: {layers: [64, 8]}\n"
                    "data: {graph: data.yaml, patches: {size: 8}}\n")
                .find("cuts patches of single pictures"),
            std::string::npos);
  EXPECT_EQ(
      refusal(noisy_photos + "  items: {node: deliver, image: noisy}\n", "data: {graph: data.yaml, sigma: measured}\n"),
      "G: data.sigma is the level of pairs, and the graph delivers pictures alone; wire target of node deliver "
      "to the clean ones, or leave sigma out");
}

TEST(DataPairs, AreTwoOfAKindFromOneSink) {
  const std::string denoise = "data: {graph: data.yaml, sigma: 25}\n";
  const std::string alone =
      "G: node 'items' (deliver) has one of a pair alone; a pair is image and target, or tensor and target_tensor";
  const std::string label = "  digits: {node: draw_digits, count: 6}\n";
  EXPECT_EQ(refusal(label + "  items: {node: deliver, target: digits, record: digits.label}\n", denoise), alone);
  EXPECT_EQ(refusal(noisy_photos + "  items: {node: deliver, image: noisy}\n"
                                   "  clean: {node: deliver, image: photos}\n",
                    denoise),
            "G: 'items' and 'clean' both hand items to the trainer; one node does, also for pairs: {node: deliver, "
            "image: DAMAGED, target: CLEAN}");
}

TEST(DataPairs, OfPicturesKeepTheDepthOfTheDamage) {
  const TemporaryFolder folder;
  const auto pictures = [&](const std::string& more, bool color) {
    const Result<std::vector<Photograph>> made = photographs_of_graph(
        graph_in(folder,
                 "  photos: {node: draw_samples, count: 3, width: 64, height: 48}\n  noisy: {node: add_noise, image: "
                 "photos, sigma: 40" +
                     more + "}\n" + pair_of_pictures + "photos}\n"),
        color, 16, nullptr);
    EXPECT_TRUE(made.ok()) << (made ? "" : made.error().message);
    return made ? *made : std::vector<Photograph>(1);
  };
  const Photograph bytes = pictures("", true)[0], floats = pictures(", keep_float: true", true)[0],
                   grey = pictures(", keep_float: true", false)[0];
  EXPECT_EQ(bytes.damaged.type(), CV_8UC3);
  EXPECT_EQ(floats.damaged.type(), CV_32FC3);
  EXPECT_EQ(grey.damaged.type(), CV_32FC1);
  EXPECT_TRUE(test::same_pixels(bytes.pixels, floats.pixels));
  cv::Mat clean;
  floats.pixels.convertTo(clean, CV_32F, 1.0 / 255);
  EXPECT_NEAR(deviation(floats.damaged, clean) * 255, 40, 2);
  // Neither clipped nor rounded.
  double low = 0, high = 0;
  cv::minMaxLoc(floats.damaged.reshape(1), &low, &high);
  EXPECT_LT(low, -0.05);
  EXPECT_GT(high, 1.05);
}

TEST(DataPairs, AreCutAndTurnedTogether) {
  // Damaged and clean add up to 1 at every pixel, and at no other two.
  Photograph pair{"p", test::soft_picture(40, 36, CV_8UC3)};
  pair.pixels.convertTo(pair.damaged, CV_32F, -1.0 / 255, 1);
  Recipe recipe;
  recipe.data.level = PairLevel::measured;
  const std::vector<Photograph> pairs{pair};
  constexpr std::int64_t patch = 16;
  std::vector<float> input(3 * patch * patch), map(patch * patch), clean(input.size()), before;
  for (std::uint64_t sample = 0; sample < 30; ++sample) {
    SampleMaker(recipe, pairs).make(0, sample, Phase{1.0, patch, Loss::l1}, {input.data(), map.data(), clean.data()});
    double squares = 0;
    for (std::size_t i = 0; i < input.size(); ++i) {
      ASSERT_NEAR(input[i] + clean[i], 1, 1e-6) << sample;
      squares += std::pow(static_cast<double>(input[i]) - static_cast<double>(clean[i]), 2);
    }
    EXPECT_NEAR(map.front(), std::sqrt(squares / static_cast<double>(input.size())), 1e-5);
    EXPECT_EQ(map.front(), map.back());
    EXPECT_NE(clean, before);
    before = clean;
  }
  recipe.data.level = PairLevel::given, recipe.data.sigma = 51;
  SampleMaker(recipe, pairs).make(0, 0, Phase{1.0, patch, Loss::l1}, {input.data(), map.data(), clean.data()});
  EXPECT_NEAR(map.back(), 0.2, 1e-7);
}

TrainingJob job_in(const TemporaryFolder& folder, const std::string& recipe) {
  folder.write("r.yaml", "model: m\n" + recipe);
  const Result<Recipe> read = load_recipe(folder / "r.yaml");
  EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
  TrainingJob job;
  if (read) job.recipe = *read;
  job.model = folder / "m.onnx";
  job.report_seconds = 1e9;
  return job;
}

TrainingSummary trained(const TrainingJob& job) {
  const Result<TrainingSummary> summary = train(job);
  EXPECT_TRUE(summary.ok()) << (summary ? "" : summary.error().message);
  return summary ? *summary : TrainingSummary();
}

TEST(DataPairs, TrainAnAutoencoderToUndoTheDamage) {
  const TemporaryFolder folder;
  // Rows of eight numbers that three decide; what is damaged is their order.
  constexpr std::size_t count = 240, width = 8;
  std::vector<float> causes(3 * count), mixing(3 * width), clean(count * width), reversed(count * width);
  fill_normal(causes, 1);
  fill_normal(mixing, 2);
  for (std::size_t i = 0; i < count * width; ++i) {
    for (std::size_t k = 0; k < 3; ++k) clean[i] += causes[i / width * 3 + k] * mixing[k * width + i % width];
    reversed[i / width * width + width - 1 - i % width] = clean[i];
  }
  for (const auto& [name, numbers] : {std::pair("clean", &clean), std::pair("damaged", &reversed)})
    ASSERT_TRUE(nn::write_npy(folder.write(std::string(name) + "/rows.npy", std::string()),
                              Tensor::from({count, width}, *numbers))
                    .ok());
  const auto source = [&](const std::string& name) {
    return "  " + name + ": {node: read_tensor, rows: true, path: " + (folder / (name + "/rows.npy")).string() + "}\n";
  };
  for (const std::string stacked : {"", "stacked: {steps: 40}\n"}) {
    const std::string recipe =
        "task: autoencoder\nnetwork: {layers: [8, 6, 4], encoder: linear, code: linear, output: linear}\n"
        "data: {graph: data.yaml, train: 200, test: 40}\n"
        "optimiser: {rate: 0.01, warm_up: 10, average: 0.9, clip: 0}\nbatch: 40\nsteps: 400\n" +
        stacked;
    const ItemRows tested =
        rows_in(graph_in(folder, source("clean") + source("damaged") +
                                     "  items: {node: deliver, tensor: damaged, target_tensor: clean}\n"))
            .test;
    const TrainingSummary undoing = trained(job_in(folder, recipe));
    EXPECT_EQ(trained(job_in(folder, recipe)).average, undoing.average);
    graph_in(folder, source("clean") + "  items: {node: deliver, tensor: clean}\n");
    const TrainingJob plain_job = job_in(folder, recipe);
    const TrainingSummary plain = trained(plain_job);
    const Autoencoder shape = make_autoencoder(plain_job.recipe.autoencoder);
    const auto error = [&](const TrainingSummary& summary) {
      return squared_error(shape, summary.average, tested.seen(), tested.values, 0);
    };
    EXPECT_LT(error(undoing), 0.2 * error(plain));
    EXPECT_NE(undoing.result.find(" (damaged "), std::string::npos) << undoing.result;
    EXPECT_EQ(plain.result.find("damaged"), std::string::npos) << plain.result;
  }
}

const std::string small_network =
    "network: {channels: [16, 16], blocks: [1, 1]}\nphases: [{until: 1, patch: 32}]\n"
    "validation: {held_out: 0.34, crop: 48}\nbatch: 4\nshard: 2\nsteps: 4\n";

TEST(DataPairs, TrainADenoiserAndLeaveTheirLevelsInTheCard) {
  const TemporaryFolder folder;
  graph_in(folder, noisy_photos + pair_of_pictures + "photos}\n");
  for (const std::string sigma : {"20", "measured"}) {
    const TrainingJob job = job_in(folder, small_network + "data: {graph: data.yaml, sigma: " + sigma + "}\n");
    const TrainingSummary summary = trained(job);
    ASSERT_EQ(summary.scores.size(), 1u);
    EXPECT_EQ(summary.scores[0].what, "pairs");
    // 20.17 dB are noise of 25 grey levels, of which clipping takes some.
    EXPECT_GT(summary.scores[0].before, 20);
    EXPECT_LT(summary.scores[0].before, 22.5);
    EXPECT_EQ(trained(job).average, summary.average);
    const Result<nn::Graph> graph = nn::load_onnx(job.model);
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    const nn::ModelCard card = *nn::read_card(*graph);
    EXPECT_EQ(card.data, "graph data: 4 pairs of pictures to train on, 2 held out");
    ASSERT_TRUE(card.noise_min && card.noise_max);
    if (sigma == "20") {
      EXPECT_EQ(*card.noise_min, 20.0f);
      EXPECT_EQ(*card.noise_max, 20.0f);
    } else {
      EXPECT_GT(*card.noise_min, 15.0f);
      EXPECT_LT(*card.noise_max, 25.5f);
      EXPECT_LT(*card.noise_min, *card.noise_max);
    }
  }
}

TEST(DataPairs, TrainCodesOfPictures) {
  const TemporaryFolder folder;
  graph_in(folder, noisy_photos + pair_of_pictures + "photos}\n");
  const TrainingSummary summary =
      trained(job_in(folder,
                     "task: image_codes\nnetwork: {channels: [16, 16], blocks: [1, 1], codes: 16}\n"
                     "phases: [{until: 1, patch: 32}]\nvalidation: {held_out: 0.34, crop: 48}\nbatch: 4\nshard: 2\n"
                     "steps: 4\ndata: {graph: data.yaml}\n"));
  ASSERT_EQ(summary.scores.size(), 1u);
  EXPECT_EQ(summary.scores[0].what, "pairs");
  EXPECT_GT(summary.scores[0].before, 20);
  EXPECT_LT(summary.scores[0].before, 22.5);
}

TEST(DataPairs, HaveALevelThatIsANumberOrMeasured) {
  const auto problem = [](const std::string& data, const std::string& more = "") {
    const Result<Recipe> recipe = parse_recipe("model: m\n" + more + "data: " + data + "\n", "r.yaml");
    return recipe ? "" : recipe.error().message;
  };
  EXPECT_EQ(problem("{graph: g.yaml, sigma: 12.5}"), "");
  EXPECT_EQ(problem("{graph: g.yaml, sigma: measured}"), "");
  EXPECT_NE(problem("{graph: g.yaml, sigma: 256}").find("sigma is \"256\", allowed are 0 to 255 and measured"),
            std::string::npos);
  EXPECT_NE(problem("{graph: g.yaml, sigma: loud}").find("sigma is \"loud\", allowed"), std::string::npos);
  EXPECT_NE(problem("{sigma: 25}").find("there is no graph"), std::string::npos);
  EXPECT_NE(problem("{graph: g.yaml, sigma: 25}", "network: {noise_map: false}\n").find("nothing takes it"),
            std::string::npos);
}

}  // namespace
}  // namespace latentflow::train

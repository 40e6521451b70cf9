// inpaint_training_test.cpp: recipes, samples, loss and whole runs of the task inpaint.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgcodecs.hpp>

#include "holes/fill.h"
#include "nn/model_card.h"
#include "nn/network.h"
#include "support/temporary_folder.h"
#include "train/losses.h"
#include "train/networks.h"
#include "train/samples.h"
#include "train/trainer.h"

namespace latentflow::train {
namespace {

cv::Mat wavy(int width, int height, int phase) {
  cv::Mat pixels(height, width, CV_8UC3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      pixels.at<cv::Vec3b>(y, x) = cv::Vec3b(static_cast<uchar>(128 + 90 * std::sin(0.5 * x + phase)),
                                             static_cast<uchar>(128 + 80 * std::sin(0.4 * (x + y))),
                                             static_cast<uchar>(100 + 60 * std::cos(0.6 * y + phase)));
  return pixels;
}

Recipe small_recipe(const std::string& more = "") {
  const Result<Recipe> recipe = parse_recipe(R"(model: small
task: inpaint
network: {channels: [16, 16], blocks: [1, 1]}
data: {scaled_share: 0, gain: [1, 1]}
phases: [{until: 0.7, patch: 16, loss: l1}, {until: 1, patch: 16, loss: mse}]
optimiser: {warm_up: 5, rate: 3.0e-3}
validation: {held_out: 0.125, every: 1000}
batch: 4
shard: 2
)" + more,
                                             "small.yaml");
  EXPECT_TRUE(recipe) << (recipe ? "" : recipe.error().message);
  return *recipe;
}

TEST(InpaintRecipe, ReadsMasksAndKnowsNothingOfNoise) {
  const Recipe recipe = small_recipe(R"(corruption:
  masks: [{share: 0.25, kind: text}, {share: 0.75, kind: box, amount: [4, 9]}]
  hole_weight: 3
  band_weight: 0.5
  band: 2
)");
  EXPECT_EQ(recipe.task, Task::inpaint);
  EXPECT_TRUE(recipe.network.mask);
  EXPECT_FALSE(recipe.network.noise_map);
  ASSERT_EQ(recipe.corruption.masks.size(), 2u);
  EXPECT_EQ(recipe.corruption.masks[1].kind, holes::MaskKind::box);
  EXPECT_EQ(recipe.corruption.masks[1].amount[1], 9);
  EXPECT_EQ(recipe.corruption.band, 2);
  const auto problems = [](const std::string& text) {
    const auto read = parse_recipe("model: m\n" + text, "r.yaml");
    return read ? "" : read.error().message;
  };
  EXPECT_NE(problems("task: inpaint\ncorruption: {gaussian: []}\n").find("unknown key \"gaussian\""),
            std::string::npos);
  EXPECT_NE(problems("task: inpaint\nnetwork: {noise_map: true}\n").find("unknown key \"noise_map\""),
            std::string::npos);
  EXPECT_NE(problems("corruption: {masks: []}\n").find("unknown key \"masks\""), std::string::npos);
  EXPECT_NE(problems("task: inpaint\ncorruption: {masks: [{share: 0.5, kind: txt}]}\n").find("did you mean \"text\"?"),
            std::string::npos);
  EXPECT_NE(problems("task: inpaint\ncorruption: {masks: [{share: 0.5, kind: text}]}\n")
                .find("the shares of masks sum to 0.5"),
            std::string::npos);
  EXPECT_NE(problems("task: paint\n").find("did you mean \"inpaint\"?"), std::string::npos);
}

class InpaintSamples : public testing::Test {
 protected:
  void make(Loss loss, std::uint64_t sample) {
    SampleMaker(recipe_, photographs_)
        .make(7, sample, Phase{1, side, loss}, {input_.data(), map_.data(), clean_.data(), weight_.data()});
  }
  static constexpr std::int64_t side = 40;
  static constexpr std::size_t area = side * side;
  Recipe recipe_ = small_recipe();
  std::vector<Photograph> photographs_{{"one.png", wavy(60, 50, 0)}};
  std::vector<float> input_ = std::vector<float>(3 * area), clean_ = input_, map_ = std::vector<float>(area),
                     weight_ = map_;
};

TEST_F(InpaintSamples, DifferFromThePatchInHolesAlone) {
  for (std::uint64_t sample = 0; sample < 30; ++sample) {
    make(Loss::l1, sample);
    std::size_t missing = 0, apart = 0;
    for (std::size_t i = 0; i < area; ++i) {
      ASSERT_TRUE(map_[i] == 0 || map_[i] == 1);
      missing += map_[i] == 1;
      for (std::size_t c = 0; c < 3; ++c) {
        ASSERT_TRUE(map_[i] == 1 || input_[c * area + i] == clean_[c * area + i]);
        apart += input_[c * area + i] != clean_[c * area + i];
      }
    }
    EXPECT_GT(missing, 0u);
    EXPECT_LT(missing, area);
    EXPECT_GT(apart, 0u);
  }
}

TEST_F(InpaintSamples, WeightsLookAtHolesAndTheirBandAndHaveTheMeanOne) {
  recipe_.corruption.masks = {{1.0, holes::MaskKind::box, {6, 6}}};
  recipe_.corruption.band = 3;
  for (const Loss loss : {Loss::l1, Loss::mse}) {
    make(loss, 1);
    double sum = 0, hole = 0, band = 0;
    std::size_t holes = 0, bands = 0;
    for (std::size_t i = 0; i < area; ++i) {
      sum += weight_[i];
      if (map_[i] == 1)
        hole = weight_[i], ++holes;
      else if (weight_[i] > 0)
        band = weight_[i], ++bands;
    }
    EXPECT_NEAR(sum / area, 1, 1e-5);
    EXPECT_EQ(holes, 36u);
    if (loss == Loss::l1) {
      EXPECT_NEAR(hole / band, 6, 1e-4);
      EXPECT_GT(bands, 36u);
      EXPECT_LE(bands, 144u - 36u);
    } else {
      EXPECT_EQ(bands, 0u);
    }
  }
}

TEST_F(InpaintSamples, DependOnStepAndSampleAlone) {
  make(Loss::l1, 5);
  const std::vector<float> input = input_, map = map_, weight = weight_;
  make(Loss::l1, 6);
  EXPECT_NE(map, map_);
  make(Loss::l1, 5);
  EXPECT_EQ(input, input_);
  EXPECT_EQ(map, map_);
  EXPECT_EQ(weight, weight_);
}

TEST(WeightedLoss, AgreesWithDifferencesAndWithTheFormula) {
  // Two samples of two channels of three pixels.
  const std::vector<float> output{0.1f, 0.5f, -0.2f, 0.9f, 0.3f, 0.2f, 0.6f, 0.7f, 0.1f, 0.4f, 0.0f, 0.8f};
  const std::vector<float> target{0.3f, 0.4f, -0.6f, 0.5f, 0.6f, 0.1f, 0.5f, 0.1f, 0.3f, 0.7f, 0.2f, 0.5f};
  const std::vector<float> weights{0, 2, 0.5f, 3, 0, 1};
  std::vector<float> gradient(12), unused(12);
  for (const Loss loss : {Loss::l1, Loss::mse}) {
    const auto value = [&](const std::vector<float>& at, std::vector<float>& slope) {
      return weighted_loss_and_gradient(loss, at, target, weights, 2, 3, 12, slope);
    };
    double expected = 0;
    for (std::size_t i = 0; i < 12; ++i) {
      const double apart = std::abs(static_cast<double>(output[i]) - static_cast<double>(target[i]));
      expected += static_cast<double>(weights[i / 6 * 3 + i % 3]) * (loss == Loss::l1 ? apart : apart * apart) / 12;
    }
    EXPECT_NEAR(value(output, gradient), expected, 1e-7);
    for (std::size_t i = 0; i < 12; ++i) {
      std::vector<float> up = output, down = output;
      up[i] += 0.01f, down[i] -= 0.01f;
      EXPECT_NEAR(
          gradient[i],
          (value(up, unused) - value(down, unused)) / (static_cast<double>(up[i]) - static_cast<double>(down[i])),
          1e-5);
    }
  }
}

TEST(InpaintNetwork, StartsAsThePictureItGetsAndNeedsTheMultipleOfItsLevels) {
  NetworkRecipe recipe;
  recipe.noise_map = false, recipe.mask = true, recipe.last_gain = 0;
  recipe.channels = {32, 48, 64, 96, 128}, recipe.blocks = {1, 1, 1, 2, 2};
  EXPECT_EQ(extent_multiple(recipe), 32);
  Result<nn::Graph> graph = build_network(recipe, 1);
  ASSERT_TRUE(graph);
  ASSERT_EQ(graph->inputs.size(), 2u);
  EXPECT_EQ(graph->value(graph->inputs[1]).name, "mask");
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "filled");
  const auto network = nn::Network::create(std::move(*graph));
  ASSERT_TRUE(network) << network.error().message;
  const std::vector<Tensor> inputs{Tensor::filled({1, 3, 32, 64}, 0.3f), Tensor::filled({1, 1, 32, 64}, 1.0f)};
  const auto outputs = (*network)->run(inputs);
  ASSERT_TRUE(outputs) << outputs.error().message;
  for (const float value : (*outputs)[0].span()) ASSERT_EQ(value, 0.3f);
}

cv::Mat box(cv::Size size, const cv::Rect& hole) {
  cv::Mat mask = cv::Mat::zeros(size, CV_8UC1);
  mask(hole).setTo(255);
  return mask;
}

/// Of the pixels in the hole of a picture, filled smoothly.
double smooth_psnr(const Photograph& picture, const cv::Rect& hole) {
  const cv::Mat smooth = holes::fill_smoothly(picture.pixels, picture.mask);
  return cv::PSNR(smooth(hole), picture.pixels(hole), 255);
}

TEST(InpaintValidation, ScoresPicturesWithTheHolesTheyCameWith) {
  Recipe recipe = small_recipe();
  recipe.network.last_gain = 0;  // gives back what it gets
  const Result<nn::Graph> graph = build_network(recipe.network, 1);
  ASSERT_TRUE(graph) << graph.error().message;
  const cv::Rect first{5, 6, 7, 8}, second{20, 4, 12, 9};
  std::vector<Photograph> pictures{{"a", wavy(40, 36, 0), {}, box({40, 36}, first)},
                                   {"b", wavy(46, 30, 1), {}, box({46, 30}, second)}};
  const Result<std::vector<Score>> own = validate_holes(*graph, recipe, pictures);
  ASSERT_TRUE(own) << own.error().message;
  ASSERT_EQ(own->size(), 1u);
  const Score& score = own->front();
  EXPECT_EQ(score.what, "holes");
  ASSERT_TRUE(score.hole);
  EXPECT_NEAR((*score.hole)[0], (smooth_psnr(pictures[0], first) + smooth_psnr(pictures[1], second)) / 2, 1e-6);
  EXPECT_NEAR((*score.hole)[1], (*score.hole)[0], 1e-9);
  // All of the error is in the holes.
  EXPECT_NEAR(score.before - (*score.hole)[0], -5 * std::log10(56.0 / (40 * 36)) - 5 * std::log10(108.0 / (46 * 30)),
              1e-6);
  EXPECT_EQ(describe(*own).find("holes: "), 0u) << describe(*own);
  EXPECT_NE(describe(*own).find(" dB (smooth "), std::string::npos) << describe(*own);

  for (Photograph& picture : pictures) picture.mask = cv::Mat();
  recipe.corruption.masks = {{1.0, holes::MaskKind::text}};
  const Result<std::vector<Score>> drawn = validate_holes(*graph, recipe, pictures);
  ASSERT_TRUE(drawn) << drawn.error().message;
  ASSERT_EQ(drawn->size(), 1u);
  EXPECT_EQ(drawn->front().what, "text");
}

class InpaintTraining : public testing::Test {
 protected:
  InpaintTraining() {
    std::filesystem::create_directories(folder_ / "data");
    for (int i = 0; i < 8; ++i)
      cv::imwrite((folder_ / "data" / (std::to_string(i) + ".png")).string(), wavy(96, 80, i));
  }
  Result<TrainingSummary> run(Recipe recipe, std::int64_t steps, const std::filesystem::path& validation = {}) {
    recipe.steps = steps, recipe.text = "small";
    TrainingJob job;
    job.recipe = std::move(recipe);
    job.data = folder_ / "data";
    job.validation = validation;
    job.model = folder_ / "model.onnx";
    return train(job);
  }
  /// Holes are those of a shipped graph: of every picture the same three fifths of the pixels all the time.
  Recipe masked_recipe() const {
    Recipe recipe = small_recipe();
    recipe.data = DataRecipe();
    recipe.data.graph = DataGraph{std::filesystem::path(LATENTFLOW_SOURCE_DIR) / "graphs" / "masked_pictures.yaml",
                                  {"input=" + (folder_ / "data").string(), "kind=random", "share=0.6"}};
    return recipe;
  }
  test::TemporaryFolder folder_;
};

TEST_F(InpaintTraining, FillsHeldOutPicturesBetterThanWhatItStartsFrom) {
  Recipe recipe = small_recipe();
  recipe.corruption.masks = {{1.0, holes::MaskKind::random, {0.6, 0.6}}};
  const Result<TrainingSummary> summary = run(recipe, 300);
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(summary->scores.size(), 1u);
  const Score& score = summary->scores[0];
  EXPECT_EQ(score.what, "random");
  ASSERT_TRUE(score.hole);
  EXPECT_GT((*score.hole)[1], (*score.hole)[0] + 1) << describe(summary->scores);
  EXPECT_GT(score.after, score.before + 1);
  EXPECT_NEAR(score.before - (*score.hole)[0], -10 * std::log10(0.6), 0.1);

  const auto network = nn::Network::load(folder_ / "model.onnx");
  ASSERT_TRUE(network) << network.error().message;
  const auto card = nn::read_card((*network)->graph());
  ASSERT_TRUE(card);
  EXPECT_EQ(card->task, "inpaint");
  EXPECT_EQ(card->multiple, 4);
  EXPECT_EQ(card->noise_input, "");
  EXPECT_FALSE(card->noise_max);
  EXPECT_NE(card->scores.find("in holes"), std::string::npos);
}

TEST_F(InpaintTraining, LearnsFromTheHolesThatAGraphDelivers) {
  const Result<TrainingSummary> summary = run(masked_recipe(), 300);
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(summary->scores.size(), 1u);
  const Score& score = summary->scores[0];
  EXPECT_EQ(score.what, "holes");
  ASSERT_TRUE(score.hole);
  EXPECT_GT((*score.hole)[1], (*score.hole)[0] + 0.5) << describe(summary->scores);
  EXPECT_NEAR(score.before - (*score.hole)[0], -10 * std::log10(0.6), 0.1);
  const auto network = nn::Network::load(folder_ / "model.onnx");
  ASSERT_TRUE(network) << network.error().message;
  const auto card = nn::read_card((*network)->graph());
  ASSERT_TRUE(card);
  EXPECT_EQ(card->data, "graph masked_pictures: 7 pictures with masks to train on, 1 held out");
  EXPECT_NE(card->scores.find("holes: "), std::string::npos) << card->scores;
}

TEST_F(InpaintTraining, DrawsHolesIntoAFolderForValidation) {
  const Result<TrainingSummary> summary = run(masked_recipe(), 2, folder_ / "data");
  ASSERT_TRUE(summary) << summary.error().message;
  std::vector<std::string> kinds;
  for (const Score& score : summary->scores) kinds.push_back(score.what);
  EXPECT_EQ(kinds, (std::vector<std::string>{"random", "thin", "scratches", "text", "medium", "box"}));
}

TEST_F(InpaintTraining, GivesTheSameWeightsTwice) {
  for (const Recipe& recipe : {small_recipe(), masked_recipe()}) {
    const Result<TrainingSummary> first = run(recipe, 6), second = run(recipe, 6);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->weights, second->weights);
  }
}

}  // namespace
}  // namespace latentflow::train

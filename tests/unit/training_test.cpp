// training_test.cpp: training runs of networks on pictures: what they learn, their files, refusals.
#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <cmath>

#include "nn/model_card.h"
#include "nn/network.h"
#include "nn/onnx_import.h"
#include "support/small_training.h"
#include "train/networks.h"

namespace latentflow::train {
namespace {

class TrainingTest : public test::SmallTraining {};

TEST_F(TrainingTest, LossFallsAndTheModelDenoisesHeldOutPictures) {
  Recipe recipe = small_recipe(400);
  recipe.corruption.gaussian = {{1.0, {25, 25}}};
  const Result<TrainingSummary> summary = train(job(recipe));
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->steps, 400);
  ASSERT_EQ(summary->scores.size(), 1u);
  EXPECT_NEAR(summary->scores[0].before, 20.17, 0.3);
  EXPECT_GT(summary->scores[0].after, summary->scores[0].before + 2);
}

TEST_F(TrainingTest, CardsNameTheFolderHoweverItIsSpelt) {
  for (const char* spelling : {"data", "data/", "data/inner/.."}) {
    TrainingJob one = job(small_recipe(1));
    one.data = folder_ / spelling;
    ASSERT_TRUE(train(one).ok());
    const auto graph = nn::load_onnx(one.model);
    ASSERT_TRUE(graph);
    EXPECT_EQ(nn::read_card(*graph)->data, "data: 7 pictures to train on, 1 held out") << spelling;
  }
}

TEST_F(TrainingTest, LearnsToLeaveNoiselessPicturesAlone) {
  Recipe recipe = small_recipe(100);
  recipe.corruption.gaussian = {{1.0, {0, 0}}};
  recipe.corruption.clipped_share = 0;
  recipe.phases = {{1.0, 32, Loss::mse}};
  const Result<TrainingSummary> summary = train(job(recipe));
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_LT(summary->last_loss, 0.1 * summary->first_loss);
}

TEST_F(TrainingTest, GivesTheSameWeightsForAnyNumberOfThreads) {
  std::vector<std::vector<float>> weights;
  for (const std::size_t threads : {1, 2, 3}) {
    const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, threads);
    const Result<TrainingSummary> summary = train(job(small_recipe(12)));
    ASSERT_TRUE(summary.ok()) << summary.error().message;
    weights.push_back(summary->weights);
  }
  EXPECT_EQ(weights[0], weights[1]);
  EXPECT_EQ(weights[0], weights[2]);
}

TEST_F(TrainingTest, GivesOtherWeightsForAnotherSeed) {
  Recipe recipe = small_recipe(3);
  const Result<TrainingSummary> first = train(job(recipe));
  recipe.seed = 2;
  const Result<TrainingSummary> second = train(job(recipe));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->weights, second->weights);
}

TEST_F(TrainingTest, ATimeLimitEndsTheRunWithTheRateAtItsEnd) {
  TrainingJob limited = job(small_recipe(1000000));
  limited.time_limit = 1.0;
  limited.report_seconds = 0;
  double last_rate = 1;
  limited.report = [&](const Progress& progress) { last_rate = progress.rate; };
  const Result<TrainingSummary> summary = train(limited);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_LT(summary->steps, 1000000);
  EXPECT_LT(last_rate, limited.recipe.optimiser.rate / 2);
}

TEST_F(TrainingTest, WritesAModelWithItsCardThatTheEngineLoads) {
  TrainingJob saved = job(small_recipe(4));
  saved.command = "latentflow train small.yaml";
  const Result<TrainingSummary> summary = train(saved);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  const auto network = nn::Network::load(saved.model);
  ASSERT_TRUE(network.ok()) << network.error().message;
  const auto card = nn::read_card((*network)->graph());
  ASSERT_TRUE(card.ok()) << card.error().message;
  EXPECT_EQ(card->task, "denoise");
  EXPECT_EQ(card->color, "rgb");
  EXPECT_EQ(card->noise_max, 55.0f);
  EXPECT_EQ(card->noise_input, "sigma");
  EXPECT_EQ(card->multiple, 4);
  EXPECT_NE(card->trained_with.find("4 steps"), std::string::npos);
  EXPECT_NE(card->scores.find("sigma 25"), std::string::npos);
}

TEST_F(TrainingTest, RefusesAFolderThatDoesNotExist) {
  TrainingJob missing = job(small_recipe(1));
  missing.data = folder_ / "nowhere";
  const Result<TrainingSummary> summary = train(missing);
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, Code::not_found);
}

TEST_F(TrainingTest, RefusesPicturesThatDoNotDecodeOrAreTooSmallAllAtOnce) {
  write_picture("tiny.png", 40, 90, 0);
  folder_.write("data/broken.jpg", std::string("no picture"));
  const Result<TrainingSummary> summary = train(job(small_recipe(1)));
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, Code::bad_input);
  EXPECT_NE(summary.error().message.find("broken.jpg does not decode"), std::string::npos) << summary.error().message;
  EXPECT_NE(summary.error().message.find("tiny.png is 40x90, at least 64x64"), std::string::npos)
      << summary.error().message;
}

TEST_F(TrainingTest, TrainsAPlainGrayDenoiserWithoutNoiseMap) {
  Recipe recipe = small_recipe(6);
  recipe.network.type = "dncnn", recipe.network.channels = {16}, recipe.network.depth = 4;
  recipe.network.color = false, recipe.network.noise_map = false;
  const Result<TrainingSummary> summary = train(job(recipe));
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_GT(summary->scores[0].after, 15);
}

TEST(Networks, ScaleWithTheirInputs) {
  NetworkRecipe recipe;
  recipe.last_gain = 1;
  const auto network = nn::Network::create(*build_network(recipe, 3));
  ASSERT_TRUE(network.ok());
  std::vector<Tensor> inputs{Tensor({1, 3, 32, 32}), Tensor::filled({1, 1, 32, 32}, 0.1f)};
  float at = 0;
  for (float& value : inputs[0].mutable_span()) value = 0.5f + 0.5f * std::sin(at += 0.7f);
  const Tensor once = (*(*network)->run(inputs))[0];
  for (Tensor& input : inputs)
    for (float& value : input.mutable_span()) value *= 2;
  const Tensor twice = (*(*network)->run(inputs))[0];
  double largest = 0, difference = 0;
  for (std::int64_t i = 0; i < once.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(twice.data()[i])));
    difference = std::max(difference,
                          std::abs(2.0 * static_cast<double>(once.data()[i]) - static_cast<double>(twice.data()[i])));
  }
  EXPECT_GT(largest, 0.1);
  EXPECT_LT(difference, 1e-4 * largest);
}

}  // namespace
}  // namespace latentflow::train

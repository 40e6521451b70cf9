// training_test.cpp: training runs: loss, repeatability, resuming, refusals.
#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include <filesystem>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "nn/model_card.h"
#include "nn/network.h"
#include "nn/onnx_import.h"
#include "train/checkpoint.h"
#include "train/networks.h"
#include "train/trainer.h"
#include "train/training_run.h"

namespace latentflow::train {
namespace {

namespace fs = std::filesystem;

/// A folder of eight smooth coloured pictures and recipes for a few steps on them.
class TrainingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("latentflow_training_" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "data" / "inner");
    for (int picture = 0; picture < 8; ++picture)
      write_picture("inner/" + std::to_string(picture) + ".png", 80, 72, picture);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write_picture(const std::string& name, int width, int height, int phase) {
    cv::Mat pixels(height, width, CV_8UC3);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        pixels.at<cv::Vec3b>(y, x) =
            cv::Vec3b(static_cast<uchar>(128 + 90 * std::sin(0.2 * x + phase)),
                      static_cast<uchar>((x + 10 * phase) * 2 % 256), static_cast<uchar>(y / 8 % 2 == 0 ? 40 : 200));
    cv::imwrite((folder_ / "data" / name).string(), pixels);
  }

  static Recipe small_recipe(std::int64_t steps) {
    Recipe recipe;
    recipe.model = "small";
    recipe.network.channels = {16, 16};
    recipe.network.blocks = {1, 1};
    recipe.phases = {{0.5, 32, Loss::l1}, {1.0, 48, Loss::mse}};
    recipe.optimiser.warm_up = 5;
    recipe.optimiser.rate = 3e-3;
    recipe.batch = 8, recipe.shard = 2;
    recipe.steps = steps;
    recipe.validation.held_out = 0.125;
    recipe.validation.every = 1000;
    recipe.text = "small";
    return recipe;
  }

  TrainingJob job(Recipe recipe, const std::string& name = "model") const {
    TrainingJob job;
    job.recipe = std::move(recipe);
    job.data = folder_ / "data";
    job.model = folder_ / (name + ".onnx");
    job.checkpoint_seconds = 1e9;
    return job;
  }

  fs::path folder_;
};

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

TEST_F(TrainingTest, AResumedRunEndsWithTheBitsOfAStraightOne) {
  const Result<TrainingSummary> straight = train(job(small_recipe(14)));
  ASSERT_TRUE(straight.ok()) << straight.error().message;

  TrainingJob interrupted = job(small_recipe(14), "resumed");
  interrupted.checkpoints = folder_ / "checkpoints";
  interrupted.report_seconds = 0;
  std::atomic<bool> stop{false};
  interrupted.stop = &stop;
  interrupted.report = [&](const Progress& progress) { stop = progress.step >= 5; };
  const Result<TrainingSummary> stopped = train(interrupted);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::cancelled);
  EXPECT_TRUE(fs::exists(interrupted.model));

  TrainingJob rest = job(small_recipe(14), "resumed");
  rest.checkpoints = interrupted.checkpoints;
  rest.resume = true;
  const Result<TrainingSummary> resumed = train(rest);
  ASSERT_TRUE(resumed.ok()) << resumed.error().message;
  EXPECT_EQ(resumed->steps, 14);
  EXPECT_EQ(resumed->weights, straight->weights);
  EXPECT_EQ(resumed->average, straight->average);
}

TEST_F(TrainingTest, AFinishedRunGoesOnWithTheBitsOfOneThatRestartsThere) {
  const std::string head = "model: small\nsteps: ";
  const auto recipe = [&](std::int64_t steps, std::vector<std::int64_t> restarts) {
    Recipe made = small_recipe(steps);
    made.restarts = std::move(restarts);
    made.text = head + std::to_string(steps) + "\nseed: 1\n" +
                (made.restarts.empty() ? "" : "restarts: [" + std::to_string(made.restarts[0]) + "]\n");
    return made;
  };
  std::vector<double> rates;
  TrainingJob at_once = job(recipe(13, {8}));
  at_once.report_seconds = 0;
  at_once.report = [&](const Progress& progress) { rates.push_back(progress.rate); };
  const Result<TrainingSummary> straight = train(at_once);
  ASSERT_TRUE(straight.ok()) << straight.error().message;
  ASSERT_EQ(rates.size(), 14u);  // and one at the end
  EXPECT_LT(rates[7], 0.2 * rates[5]);
  EXPECT_GT(rates[10], 5 * rates[7]);
  EXPECT_LT(rates[12], rates[10]);

  TrainingJob shorter = job(recipe(8, {}), "again"), longer = job(recipe(13, {8}), "again");
  shorter.checkpoints = longer.checkpoints = folder_ / "checkpoints";
  longer.resume = true;
  ASSERT_TRUE(train(shorter).ok());
  const Result<TrainingSummary> resumed = train(longer);
  ASSERT_TRUE(resumed.ok()) << resumed.error().message;
  EXPECT_EQ(resumed->steps, 13);
  EXPECT_EQ(resumed->weights, straight->weights);
  EXPECT_EQ(resumed->average, straight->average);

  fs::remove_all(shorter.checkpoints);
  ASSERT_TRUE(train(shorter).ok());
  TrainingJob from_model = job(recipe(13, {8}), "from_model");
  from_model.finished = shorter.model;
  const Result<TrainingSummary> continued = train(from_model);
  ASSERT_TRUE(continued.ok()) << continued.error().message;
  EXPECT_EQ(continued->steps, 13);
  EXPECT_EQ(continued->weights, straight->weights);
  EXPECT_EQ(continued->average, straight->average);
  const auto graph = nn::load_onnx(from_model.model);
  ASSERT_TRUE(graph);
  EXPECT_NE(nn::read_card(*graph)->trained_with.find("again.onnx"), std::string::npos);
  from_model.recipe = recipe(13, {7});
  const Result<TrainingSummary> of_another = train(from_model);
  ASSERT_FALSE(of_another.ok());
  EXPECT_NE(of_another.error().message.find("another recipe"), std::string::npos);

  TrainingJob elsewhere = longer;
  elsewhere.recipe = recipe(13, {7});
  EXPECT_FALSE(train(elsewhere).ok());
  TrainingJob limited = job(recipe(13, {8}));
  limited.time_limit = 100;
  EXPECT_FALSE(train(limited).ok());
}

TEST_F(TrainingTest, ResumingUnderAnotherRecipeIsRefused) {
  TrainingJob first = job(small_recipe(3));
  first.checkpoints = folder_ / "checkpoints";
  ASSERT_TRUE(train(first).ok());
  first.resume = true;
  first.recipe.text = "another";
  const Result<TrainingSummary> second = train(first);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("another recipe"), std::string::npos);
}

TEST_F(TrainingTest, ACheckpointIsNotOverwrittenByARunThatDoesNotResume) {
  TrainingJob first = job(small_recipe(2));
  first.checkpoints = folder_ / "checkpoints";
  first.resume = true;
  ASSERT_TRUE(train(first).ok()) << "there is none yet";
  first.resume = false;
  const Result<TrainingSummary> second = train(first);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message,
            (first.checkpoints / "small.checkpoint").string() +
                " is there from an earlier run, and this one would overwrite it; --resume goes on from it, or "
                "--checkpoints names another folder");
  first.recipe.model = "other";
  EXPECT_TRUE(train(first).ok());
}

TEST(UnusedFolders, AreNamedWithTheReason) {
  const auto unused = [](const std::string& recipe, const char* data, const char* photographs, const char* validation) {
    TrainingJob job;
    const Result<Recipe> read = parse_recipe("model: m\n" + recipe, "r.yaml");
    EXPECT_TRUE(read.ok()) << (read ? "" : read.error().message);
    if (read) job.recipe = *read;
    job.data = data, job.photographs = photographs, job.validation = validation;
    return unused_folders(job);
  };
  const std::string vectors = "task: autoencoder\nnetwork: {layers: [784, 3]}\ndata: ";
  EXPECT_EQ(unused("", "d", "", "v"), "");
  EXPECT_EQ(unused(vectors + "{digits: idx, background: true}\n", "d", "p", ""), "");
  EXPECT_EQ(unused(vectors + "{digits: synthetic}\n", "d", "", ""),
            "--data is not read by the recipe m: it draws its digits (data.digits)");
  EXPECT_EQ(unused(vectors + "{digits: idx}\n", "d", "p", "v"),
            "--photographs is not read by the recipe m: only data.background=true puts digits before some\n"
            "--validate is not read by the recipe m: autoencoders on vectors are validated on a part of their data");
  EXPECT_EQ(unused("data: {graph: g}\n", "d", "", "v"),
            "--data is not read by the recipe m: a graph makes its data (data.graph)");
  EXPECT_EQ(unused("", "d", "p", ""),
            "--photographs is not read by the recipe m: they are for digits; photographs to train on are those of "
            "--data");
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

TEST_F(TrainingTest, ARunawayRateStopsWithTheStepAndKeepsTheCheckpoint) {
  TrainingJob good = job(small_recipe(4));
  good.checkpoints = folder_ / "checkpoints";
  ASSERT_TRUE(train(good).ok());
  const Result<Checkpoint> before = load_checkpoint(good.checkpoints / "small.checkpoint");
  ASSERT_TRUE(before.ok());

  TrainingJob wild = good;
  wild.resume = true;
  wild.recipe.steps = 1000;
  wild.recipe.optimiser.rate = 1e6, wild.recipe.optimiser.final_rate = 1e6;
  const Result<TrainingSummary> summary = train(wild);
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().message.rfind("step ", 0), 0u) << summary.error().message;
  EXPECT_NE(summary.error().message.find("; the last checkpoint is kept"), std::string::npos);
  const Result<Checkpoint> after = load_checkpoint(good.checkpoints / "small.checkpoint");
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->state.step, before->state.step);
  EXPECT_EQ(after->state.weights, before->state.weights);
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
  std::ofstream(folder_ / "data" / "broken.jpg") << "no picture";
  const Result<TrainingSummary> summary = train(job(small_recipe(1)));
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, Code::bad_input);
  EXPECT_NE(summary.error().message.find("broken.jpg does not decode"), std::string::npos) << summary.error().message;
  EXPECT_NE(summary.error().message.find("tiny.png is 40x90, at least 64x64"), std::string::npos)
      << summary.error().message;
}

TEST_F(TrainingTest, RefusesADamagedCheckpoint) {
  TrainingJob first = job(small_recipe(2));
  first.checkpoints = folder_ / "checkpoints";
  ASSERT_TRUE(train(first).ok());
  const fs::path file = first.checkpoints / "small.checkpoint";
  fs::resize_file(file, fs::file_size(file) - 100);
  first.resume = true;
  const Result<TrainingSummary> second = train(first);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::bad_input);
}

TEST_F(TrainingTest, ACheckpointComesBackAsItWasWritten) {
  Checkpoint checkpoint;
  checkpoint.state = start_state({0.1f, -2.5f, 3e-30f});
  checkpoint.state.first_moment[1] = 7, checkpoint.state.second_moment[2] = 8, checkpoint.state.average[0] = 9;
  checkpoint.state.step = 123;
  checkpoint.seconds = 4.5, checkpoint.seed = 6, checkpoint.recipe = "two\nlines";
  checkpoint.algorithms = {{"forward", "winograd 4x4"}, {"data", "direct"}};
  ASSERT_TRUE(save_checkpoint(checkpoint, folder_ / "file").ok());
  const Result<Checkpoint> loaded = load_checkpoint(folder_ / "file");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->state.weights, checkpoint.state.weights);
  EXPECT_EQ(loaded->state.average, checkpoint.state.average);
  EXPECT_EQ(loaded->state.first_moment, checkpoint.state.first_moment);
  EXPECT_EQ(loaded->state.second_moment, checkpoint.state.second_moment);
  EXPECT_EQ(loaded->state.step, 123);
  EXPECT_EQ(loaded->seconds, 4.5);
  EXPECT_EQ(loaded->seed, 6u);
  EXPECT_EQ(loaded->recipe, checkpoint.recipe);
  EXPECT_EQ(loaded->algorithms, checkpoint.algorithms);
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

// autoencoder_training_test.cpp: training runs of autoencoders on drawn digits: results, repeatability, refusals.
#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include <atomic>
#include <cmath>
#include <opencv2/core.hpp>

#include "nn/model_card.h"
#include "nn/onnx_import.h"
#include "nn/pca.h"
#include "nn/quantization.h"
#include "support/autoencoder_runs.h"
#include "train/autoencoder/autoencoder.h"
#include "train/autoencoder/digit_rows.h"
#include "train/features/fine_tune.h"

namespace latentflow::train {
namespace {

using test::digit_recipe;
using test::job_in;
using test::TemporaryFolder;
using test::train_in;

const char* const stacked =
    R"(network: {layers: [144, 40, 10], encoder: sigmoid, code: sigmoid, output: sigmoid, tied: true}
loss: cross_entropy
corruption: {kind: masking, amount: 0.2}
penalties: [{kl_sparse: {rho: 0.1, beta: 0.1}}, {weight_decay: {lambda: 1.0e-5}}]
stacked: {steps: 15}
optimiser: {rate: 0.005, warm_up: 3}
batch: 40
steps: 15
)";

TEST(AutoencoderTraining, WritesAModelOfCodesWithItsCard) {
  const TemporaryFolder folder;
  const TrainingSummary summary = train_in(folder, digit_recipe(stacked));
  EXPECT_EQ(summary.steps, 45);
  const Result<nn::Graph> graph = nn::load_onnx(folder / "model.onnx");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Result<nn::ModelCard> card = nn::read_card(*graph);
  ASSERT_TRUE(card.ok()) << card.error().message;
  EXPECT_EQ(card->task, "autoencoder");
  EXPECT_EQ(graph->metadata.at("item"), "image 12x12x1");
  EXPECT_NE(card->recipe.find("stacked: {steps: 15}"), std::string::npos);
  EXPECT_EQ(card->scores, summary.result);
  EXPECT_EQ(card->scores.find("test squared error "), 0u) << card->scores;
  EXPECT_NE(card->trained_with.find("45 steps of 40 items"), std::string::npos) << card->trained_with;
  EXPECT_NE(card->trained_with.find("seed 1: the command"), std::string::npos) << card->trained_with;
  EXPECT_TRUE(nn::encoder_of(*graph).ok());
  EXPECT_TRUE(nn::decoder_of(*graph).ok());
}

TEST(AutoencoderTraining, TheLinearOneSpansThePrincipalSubspace) {
  const TemporaryFolder folder;
  const Recipe recipe = digit_recipe(R"(network: {layers: [144, 3], code: linear, output: linear}
optimiser: {rate: 0.01, final_rate: 1.0e-6, warm_up: 20}
batch: 400
steps: 1200
)");
  const TrainingSummary summary = train_in(folder, recipe);
  const Result<ItemSet> digits = load_digits(recipe.autoencoder.digits, "", recipe.seed);
  ASSERT_TRUE(digits.ok());
  nn::Moments moments(144);
  ASSERT_TRUE(moments.add(digits->train.values).ok());
  const Result<nn::Pca> pca = nn::fit_pca(moments, {3, 0, false});
  ASSERT_TRUE(pca.ok());
  const Autoencoder shape = make_autoencoder(recipe.autoencoder);
  EXPECT_NEAR(squared_error(shape, summary.average, digits->train.values) / pca->mean_squared_error(), 1, 1e-3);
  // The decoder's columns against the components: cosines of the principal angles are singular values.
  cv::Mat_<double> decoder(144, 3), components(144, 3);
  for (int i = 0; i < 144; ++i)
    for (int j = 0; j < 3; ++j) {
      decoder(i, j) =
          static_cast<double>(summary.average[shape.layers[1].weight + static_cast<std::size_t>(i * 3 + j)]);
      components(i, j) = static_cast<double>(pca->components.data()[j * 144 + i]);
    }
  const cv::Mat basis = cv::SVD(decoder).u;
  const cv::Mat_<double> cosines = cv::SVD(basis.t() * components, cv::SVD::NO_UV).w;
  const double cosine = cosines(2);
  EXPECT_LT(std::acos(std::min(1.0, cosine)) * 180 / M_PI, 1);
}

TEST(AutoencoderTraining, KlSparseBringsTheMeanActivationToRho) {
  const TemporaryFolder folder;
  const Recipe recipe = digit_recipe(R"(network: {layers: [144, 30], code: sigmoid, output: sigmoid}
penalties: [{kl_sparse: {rho: 0.1, beta: 3}}]
optimiser: {rate: 0.01, warm_up: 10}
batch: 100
steps: 300
)");
  const TrainingSummary summary = train_in(folder, recipe);
  const Result<ItemSet> digits = load_digits(recipe.autoencoder.digits, "", recipe.seed);
  double mean = 0;
  const std::vector<float> codes = encode(make_autoencoder(recipe.autoencoder), summary.average, digits->train.values);
  for (const float code : codes) mean += static_cast<double>(code) / static_cast<double>(codes.size());
  EXPECT_NEAR(mean, 0.1, 0.02);
  EXPECT_NE(summary.result.find(", mean activation 0.1"), std::string::npos) << summary.result;
}

TEST(AutoencoderTraining, KSparseModelsSayHowManyActivationsCount) {
  const TemporaryFolder folder;
  train_in(folder, digit_recipe(R"(network: {layers: [144, 50], code: linear, output: linear, tied: true}
k_sparse: {k: 5, first: 30, until: 0.5, test_factor: 2}
optimiser: {method: sgd, momentum: 0.9, rate: 0.002, warm_up: 3}
batch: 40
steps: 20
)"));
  const Result<nn::Graph> graph = nn::load_onnx(folder / "model.onnx");
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(*nn::code_keep(*graph, 50), 10);
}

TEST(AutoencoderTraining, GivesTheSameBitsForAnyNumberOfThreadsAndOthersForAnotherSeed) {
  Recipe recipe = digit_recipe(stacked);
  std::vector<std::vector<float>> weights;
  for (const std::size_t threads : {1, 2, 3}) {
    const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, threads);
    const TemporaryFolder folder;
    weights.push_back(train_in(folder, recipe).average);
  }
  EXPECT_EQ(weights[0], weights[1]);
  EXPECT_EQ(weights[0], weights[2]);
  recipe.seed = 2;
  const TemporaryFolder folder;
  EXPECT_NE(weights[0], train_in(folder, recipe).average);
}

TEST(AutoencoderTraining, InBfloat16EndsWhereFloatDoes) {
  if (const Status possible = nn::check_bfloat("f32"); !possible) GTEST_SKIP() << possible.error().message;
  const auto recipe_in = [](const std::string& precision) {
    return digit_recipe("precision: " + precision + R"(
network: {layers: [144, 200, 100], encoder: sigmoid, code: sigmoid, output: sigmoid}
optimiser: {rate: 0.003, warm_up: 5}
batch: 100
steps: 300
)");
  };
  const auto trained = [&](const std::string& precision, std::size_t threads) {
    const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, threads);
    const TemporaryFolder folder;
    return train_in(folder, recipe_in(precision)).average;
  };
  const std::vector<float> in_float = trained("f32", 2), rounded = trained("bf16", 2);
  EXPECT_NE(in_float, rounded);
  EXPECT_EQ(rounded, trained("bf16", 1)) << "the same bits for any number of threads";
  const Recipe recipe = recipe_in("f32");
  const Autoencoder shape = make_autoencoder(recipe.autoencoder);
  const Result<ItemSet> digits = load_digits(recipe.autoencoder.digits, "", recipe.seed);
  ASSERT_TRUE(digits.ok()) << digits.error().message;
  const auto error = [&](const std::vector<float>& weights) {
    return squared_error(shape, weights, digits->test.values);
  };
  const double before = error(initial_parameters(shape, 1));
  EXPECT_LT(error(in_float), before / 2) << "something was learned";
  EXPECT_NEAR(error(rounded) / error(in_float), 1, 0.03);
  const FineTuneRecipe tuning{60, 3e-3, 0};
  FineTuning options{tuning, nullptr, 100};
  const Result<Classifier> plain = fine_tune(shape, in_float, *digits, options);
  options.precision = TrainingPrecision::bf16;
  const Result<Classifier> tuned = fine_tune(shape, in_float, *digits, options);
  ASSERT_TRUE(plain.ok() && tuned.ok());
  EXPECT_NE(tuned->parameters, plain->parameters);
  EXPECT_NEAR(held_out_errors(*tuned, *digits).test.rate(), held_out_errors(*plain, *digits).test.rate(), 0.05);
}

TEST(AutoencoderTraining, AResumedRunEndsWithTheBitsOfAnUninterruptedOne) {
  const TemporaryFolder folder;
  const std::vector<float> straight = train_in(folder, digit_recipe(stacked)).average;
  // Stopped within the first level, at its end, within the second and within the last stage.
  for (const int wanted : {7, 15, 22, 38}) {
    TrainingJob job = job_in(folder, digit_recipe(stacked));
    job.checkpoints = folder / ("checkpoints" + std::to_string(wanted));
    std::atomic<bool> stop{false};
    job.stop = &stop;
    job.report_seconds = 0;
    job.report = [&](const Progress& progress) {
      if (progress.step >= wanted) stop = true;
    };
    const Result<TrainingSummary> stopped = train(job);
    ASSERT_FALSE(stopped.ok());
    EXPECT_EQ(stopped.error().code, Code::cancelled);
    EXPECT_EQ(stopped.error().message, "stopped at step " + std::to_string(wanted) + "; resume goes on from there");
    stop = false;
    job.report = {};
    job.resume = true;
    const Result<TrainingSummary> resumed = train(job);
    ASSERT_TRUE(resumed.ok()) << resumed.error().message;
    EXPECT_EQ(resumed->steps, 45);
    EXPECT_EQ(resumed->average, straight) << "stopped at step " << wanted;
  }
}

TEST(AutoencoderTraining, ATimeLimitEndsEveryStageInItsShare) {
  const TemporaryFolder folder;
  Recipe recipe = digit_recipe(stacked);
  recipe.autoencoder.stacked_steps = recipe.steps = 1'000'000'000;
  TrainingJob job = job_in(folder, recipe);
  job.time_limit = 0.3;
  std::vector<std::string> notes;
  job.note = [&](const std::string& line) { notes.push_back(line); };
  const Result<TrainingSummary> summary = train(job);
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_LT(summary->steps, 1'000'000);  // those that were made
  EXPECT_EQ(std::count_if(notes.begin(), notes.end(), [](const std::string& line) { return line.find("stage ") == 0; }),
            3);
}

TEST(AutoencoderTraining, ADivergingRunNamesTheStep) {
  const TemporaryFolder folder;
  const Result<TrainingSummary> summary =
      train(job_in(folder, digit_recipe(R"(network: {layers: [144, 20], code: linear, output: linear}
optimiser: {method: sgd, rate: 10, warm_up: 0, clip: 0}
batch: 40
steps: 2000
)")));
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, Code::internal);
  EXPECT_EQ(summary.error().message.find("step "), 0u) << summary.error().message;
}

TEST(AutoencoderTraining, ARunThatIsThrownOffAtOnceIsNoResult) {
  const TemporaryFolder folder;
  const Result<TrainingSummary> summary =
      train(job_in(folder, digit_recipe(R"(network: {layers: [144, 20], code: linear, output: linear}
optimiser: {rate: 3, warm_up: 0, clip: 0}
batch: 40
steps: 60
)")));
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, Code::internal);
  EXPECT_NE(summary.error().message.find("the loss runs away"), std::string::npos) << summary.error().message;
  EXPECT_EQ(summary.error().message.find("checkpoint"), std::string::npos) << "there is none";
  EXPECT_FALSE(std::filesystem::exists(folder / "model.onnx"));
}

TEST(AutoencoderTraining, RefusesDataThatDoNotFit) {
  const TemporaryFolder folder;
  const auto refusal = [&](const Recipe& recipe) {
    const Result<TrainingSummary> summary = train(job_in(folder, recipe));
    return summary ? "" : summary.error().message;
  };
  EXPECT_EQ(refusal(digit_recipe("network: {layers: [100, 5]}\n")),
            "layers begins with 100, the data have 144 numbers per item (image 12x12x1)");
  EXPECT_EQ(refusal(digit_recipe("network: {layers: [144, 5]}\nbatch: 401\n")),
            "batch is 401, there are 400 items to train on (data.train); allowed 1 to as many");
  Recipe recipe = digit_recipe("network: {layers: [144, 5]}\n");
  recipe.autoencoder.digits.synthetic = false;
  TrainingJob job = job_in(folder, recipe);
  job.data = folder / "nothing";
  EXPECT_EQ(train(job).error().message.find((folder / "nothing").string() + " has no file train-images-idx3-ubyte"),
            0u);
}

}  // namespace
}  // namespace latentflow::train

// checkpoint_test.cpp: training that goes on from a checkpoint or a finished model, and what protects them.
#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "nn/model_card.h"
#include "nn/onnx_import.h"
#include "support/small_training.h"

namespace latentflow::train {
namespace {

namespace fs = std::filesystem;

class CheckpointTest : public test::SmallTraining {};

TEST_F(CheckpointTest, AResumedRunEndsWithTheBitsOfAStraightOne) {
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

TEST_F(CheckpointTest, AFinishedRunGoesOnWithTheBitsOfOneThatRestartsThere) {
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

TEST_F(CheckpointTest, ResumingUnderAnotherRecipeIsRefused) {
  TrainingJob first = job(small_recipe(3));
  first.checkpoints = folder_ / "checkpoints";
  ASSERT_TRUE(train(first).ok());
  first.resume = true;
  first.recipe.text = "another";
  const Result<TrainingSummary> second = train(first);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("another recipe: it says \"small\" where this one says \"another\""),
            std::string::npos)
      << second.error().message;
  const auto difference = [&](const std::string& before, const std::string& now) {
    Result<Checkpoint> checkpoint = load_checkpoint(first.checkpoints / "small.checkpoint");
    checkpoint->recipe = before, first.recipe.text = now;
    EXPECT_TRUE(save_checkpoint(*checkpoint, first.checkpoints / "small.checkpoint").ok());
    const Result<TrainingSummary> again = train(first);
    const std::string message = again ? "" : again.error().message;
    return message.substr(0, message.find("; use the same one")).substr(message.find(": ") + 2);
  };
  const std::string text = "model: small\nsteps: 5\nbatch: 8\n";
  EXPECT_EQ(difference(text, "model: small\nsteps: 6\nbatch: 16\n"),
            "it says \"batch: 8\" where this one says \"batch: 16\"");
  EXPECT_EQ(difference(text, "model: small\nsteps: 6\nbatch: 8\n"),
            "it says \"steps: 5\" where this one says \"steps: 6\"");
  EXPECT_EQ(difference(text, text + "# --set seed=2\n"), "it says nothing more where this one says \"--set seed=2\"");
  EXPECT_EQ(difference(text, text.substr(0, text.size() - 1)), "they differ in the end of the last line");
}

TEST_F(CheckpointTest, AFinishedRunHasNothingLeftToDo) {
  TrainingJob first = job(small_recipe(6));
  first.checkpoints = folder_ / "checkpoints";
  const Result<TrainingSummary> trained = train(first);
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  const fs::path file = first.checkpoints / "small.checkpoint";
  const std::string before = test::TemporaryFolder::text(file);
  first.resume = true;
  std::vector<std::string> notes;
  first.note = [&](const std::string& line) { notes.push_back(line); };
  first.report = [&](const Progress&) { FAIL() << "there is no step to report"; };
  for (const std::int64_t steps : {6, 2}) {
    fs::remove(first.model);
    first.recipe.steps = steps;
    const Result<TrainingSummary> again = train(first);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->weights, trained->weights);
    EXPECT_EQ(notes.back(), "6 of " + std::to_string(steps) + " steps are made, nothing is left to do");
    EXPECT_EQ(test::TemporaryFolder::text(file), before);
    EXPECT_TRUE(fs::exists(first.model));
  }
}

TEST_F(CheckpointTest, ThatCannotBeWrittenDoesNotTakeTheModelAway) {
  TrainingJob blocked = job(small_recipe(2));
  blocked.checkpoints = folder_ / "checkpoints";
  fs::create_directories(blocked.checkpoints / "small.checkpoint.partial");
  const Result<TrainingSummary> summary = train(blocked);
  ASSERT_FALSE(summary.ok());
  EXPECT_EQ(summary.error().code, Code::io);
  EXPECT_NE(summary.error().message.find("small.checkpoint cannot be created"), std::string::npos);
  const auto graph = nn::load_onnx(blocked.model);
  ASSERT_TRUE(graph);
  EXPECT_EQ(nn::read_card(*graph)->scores.find("in training"), std::string::npos);
}

TEST_F(CheckpointTest, TellsOfALostCurve) {
  TrainingJob first = job(small_recipe(6));
  first.checkpoints = folder_ / "checkpoints";
  ASSERT_TRUE(train(first).ok());
  first.resume = true;
  std::string warning;
  first.note = [&](const std::string& line) { warning += line.starts_with("warning: ") ? line : ""; };
  ASSERT_TRUE(train(first).ok());
  EXPECT_EQ(warning, "");
  fs::remove(first.checkpoints / "small.curve.csv");
  ASSERT_TRUE(train(first).ok());
  EXPECT_EQ(warning, "warning: " + (first.checkpoints / "small.curve.csv").string() +
                         " is missing: the curve begins anew after step 6");
}

TEST_F(CheckpointTest, IsNotOverwrittenByARunThatDoesNotResume) {
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

TEST_F(CheckpointTest, ARunawayRateStopsWithTheStepAndKeepsTheCheckpoint) {
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

TEST_F(CheckpointTest, RefusesADamagedOne) {
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

TEST_F(CheckpointTest, ComesBackAsItWasWritten) {
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

}  // namespace
}  // namespace latentflow::train

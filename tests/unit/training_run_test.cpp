// training_run_test.cpp: what surrounds the steps of a training: its clock, its pictures, its folders.
#include "train/training_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/small_training.h"
#include "train/memory_forecast.h"
#include "train/run_clock.h"
#include "train/training_pictures.h"

namespace latentflow::train {
namespace {

TEST(RunClock, PaceIsThatOfTheStepsSinceTheLastReport) {
  TrainingJob job;
  Progress reported;
  job.report = [&](const Progress& progress) { reported = progress; };
  RunClock clock(job);
  clock.start(100, 0.25);
  clock.count(30, 6e9), clock.count(10, 2e9);
  clock.report({}, 0.5);
  EXPECT_EQ(reported.done, 0.5);
  EXPECT_GE(reported.seconds, 100) << "those of earlier runs count";
  // However long that took: 40 samples and 8 GFLOP in the time in which a quarter was done, and a half is left.
  EXPECT_NEAR(reported.samples_per_second / reported.gflops, 40.0 / 8, 1e-6);
  EXPECT_NEAR(reported.seconds_left * reported.samples_per_second, 2 * 40.0, 1e-3);
  clock.count(1, 4e9);
  clock.report({}, 0.5);
  EXPECT_NEAR(reported.samples_per_second / reported.gflops, 1.0 / 4, 1e-6);
  EXPECT_EQ(reported.seconds_left, 0) << "nothing was done";
}

TEST(RunClock, IsAsFarAsStepsOrTimeWhicheverIsFurther) {
  TrainingJob job;
  RunClock without(job);
  without.start(9e8, 0);
  EXPECT_EQ(without.done(0.5), 0.5);
  job.time_limit = 1e9;
  RunClock limited(job);
  limited.start(9e8, 0);
  EXPECT_GE(limited.done(0.5), 0.9);
  EXPECT_EQ(limited.done(0.95), 0.95);
  limited.start(2e9, 0);
  EXPECT_EQ(limited.done(0), 1);
}

TEST(RunClock, CheckpointsAreDueWhereTheyAreKept) {
  TrainingJob job;
  job.checkpoint_seconds = 0;
  RunClock clock(job);
  clock.start(0, 0);
  EXPECT_FALSE(clock.checkpoint_is_due());
  job.checkpoints = "folder";
  EXPECT_TRUE(clock.checkpoint_is_due());
  job.checkpoint_seconds = 1e9;
  EXPECT_FALSE(clock.checkpoint_is_due());
}

TEST(MemoryForecast, CountsWeightsItemsAndABatch) {
  AutoencoderRecipe recipe;
  recipe.layers = {4, 3};
  const Autoencoder network = make_autoencoder(recipe);
  ItemSet items;
  items.train.values.resize(40), items.test.values.resize(8);
  // 4x3 + 3 and 3x4 + 4 weights five times, 48 numbers, and for each of 10 items three times 4, 3 + 4 and 4 + 3.
  EXPECT_EQ(training_bytes(network, items, 10), 4 * (5 * 31 + 48 + 10 * 26));
  EXPECT_TRUE(check_memory(network, items, 10, 2000).ok());
  const Status refused = check_memory(network, items, 10, 1000);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::out_of_memory);
  EXPECT_NE(refused.error().message.find("training of 31 weights with batches of 10 items needs at least"),
            std::string::npos);
}

class TrainingPictures : public test::SmallTraining {
 protected:
  static std::vector<std::string> names(const std::vector<Photograph>& pictures) {
    std::vector<std::string> names;
    for (const Photograph& picture : pictures) names.push_back(picture.name);
    return names;
  }
  PictureSet load(const TrainingJob& job) const {
    Result<PictureSet> set = load_training_pictures(job, 64);
    EXPECT_TRUE(set.ok()) << (set ? "" : set.error().message);
    return set ? std::move(*set) : PictureSet();
  }
};

TEST_F(TrainingPictures, ThatAreHeldOutAreAShareByNameAndSeed) {
  Recipe recipe = small_recipe(1);
  recipe.validation.held_out = 0.25;
  const PictureSet set = load(job(recipe));
  EXPECT_EQ(set.source, "data");
  EXPECT_EQ(set.held_out.size(), 2u);
  std::vector<std::string> all = names(set.training);
  for (const std::string& name : names(set.held_out)) all.push_back(name);
  std::sort(all.begin(), all.end());
  std::vector<std::string> expected;
  for (int picture = 0; picture < 8; ++picture) expected.push_back("inner/" + std::to_string(picture) + ".png");
  EXPECT_EQ(all, expected) << "each is in one of the two";
  EXPECT_EQ(names(load(job(recipe)).held_out), names(set.held_out));
  bool others = false;
  for (recipe.seed = 2; recipe.seed < 6; ++recipe.seed)
    others = others || names(load(job(recipe)).held_out) != names(set.held_out);
  EXPECT_TRUE(others);
  recipe.validation.held_out = 1e-3;
  EXPECT_EQ(load(job(recipe)).held_out.size(), 1u) << "at least one";
  recipe.validation.held_out = 0;
  EXPECT_EQ(load(job(recipe)).held_out.size(), 0u);
  recipe.validation.held_out = 1;
  const Result<PictureSet> none_left = load_training_pictures(job(recipe), 64);
  ASSERT_FALSE(none_left.ok());
  EXPECT_EQ(none_left.error().message, "data holds 8 pictures, 8 of them would be held out and none left to train on");
}

TEST_F(TrainingPictures, ToValidateOnMayHaveAFolderOfTheirOwn) {
  std::filesystem::create_directories(folder_ / "checks");
  write_picture("../checks/small.png", 20, 16, 3);
  TrainingJob with_folder = job(small_recipe(1));
  with_folder.validation = folder_ / "checks";
  const PictureSet set = load(with_folder);
  EXPECT_EQ(set.training.size(), 8u) << "none of these is held out";
  EXPECT_EQ(names(set.held_out), std::vector<std::string>{"small.png"}) << "may be smaller than a patch";
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

}  // namespace
}  // namespace latentflow::train

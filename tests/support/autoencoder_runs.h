// autoencoder_runs.h: training runs of autoencoders on drawn digits that take a second.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/temporary_folder.h"
#include "train/trainer.h"

namespace latentflow::test {

/// A recipe on 400 digits of 12x12 pixels, 100 more to test; `rest` has all but the model, the task and the data.
inline train::Recipe digit_recipe(const std::string& rest) {
  const Result<train::Recipe> recipe = train::parse_recipe(
      "model: small\ntask: autoencoder\ndata: {digits: synthetic, train: 400, test: 100, size: 12}\n" + rest, "r.yaml");
  EXPECT_TRUE(recipe.ok()) << (recipe ? "" : recipe.error().message);
  return recipe ? *recipe : train::Recipe();
}

/// Writes model.onnx and neither reports nor checkpoints.
inline train::TrainingJob job_in(const TemporaryFolder& folder, train::Recipe recipe) {
  train::TrainingJob job;
  job.recipe = std::move(recipe);
  job.model = folder / "model.onnx";
  job.checkpoint_seconds = 1e9, job.report_seconds = 1e9;
  job.command = "the command";
  return job;
}

/// Nothing, with a failed expectation, where the run fails.
inline train::TrainingSummary train_in(const TemporaryFolder& folder, const train::Recipe& recipe) {
  const Result<train::TrainingSummary> summary = train::train(job_in(folder, recipe));
  EXPECT_TRUE(summary.ok()) << (summary ? "" : summary.error().message);
  return summary ? *summary : train::TrainingSummary();
}

}  // namespace latentflow::test

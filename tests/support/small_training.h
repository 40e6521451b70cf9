// small_training.h: a folder of small pictures to train on, and recipes for a few steps on them.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <utility>

#include "support/temporary_folder.h"
#include "train/trainer.h"

namespace latentflow::test {

/// Has the folder `data` with eight smooth coloured pictures of 80x72 pixels.
class SmallTraining : public ::testing::Test {
 protected:
  SmallTraining() {
    std::filesystem::create_directories(folder_ / "data/inner");
    for (int picture = 0; picture < 8; ++picture)
      write_picture("inner/" + std::to_string(picture) + ".png", 80, 72, picture);
  }

  void write_picture(const std::string& name, int width, int height, int phase) const {
    cv::Mat pixels(height, width, CV_8UC3);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        pixels.at<cv::Vec3b>(y, x) =
            cv::Vec3b(static_cast<uchar>(128 + 90 * std::sin(0.2 * x + phase)),
                      static_cast<uchar>((x + 10 * phase) * 2 % 256), static_cast<uchar>(y / 8 % 2 == 0 ? 40 : 200));
    cv::imwrite((folder_ / ("data/" + name)).string(), pixels);
  }

  static train::Recipe small_recipe(std::int64_t steps) {
    train::Recipe recipe;
    recipe.model = "small";
    recipe.network.channels = {16, 16};
    recipe.network.blocks = {1, 1};
    recipe.phases = {{0.5, 32, train::Loss::l1}, {1.0, 48, train::Loss::mse}};
    recipe.optimiser.warm_up = 5;
    recipe.optimiser.rate = 3e-3;
    recipe.batch = 8, recipe.shard = 2;
    recipe.steps = steps;
    recipe.validation.held_out = 0.125;
    recipe.validation.every = 1000;
    recipe.text = "small";
    return recipe;
  }

  train::TrainingJob job(train::Recipe recipe, const std::string& name = "model") const {
    train::TrainingJob job;
    job.recipe = std::move(recipe);
    job.data = folder_ / "data";
    job.model = folder_ / (name + ".onnx");
    job.checkpoint_seconds = 1e9;
    return job;
  }

  const TemporaryFolder folder_;
};

}  // namespace latentflow::test

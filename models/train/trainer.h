// trainer.h: trains the network of a recipe on a folder of data and writes it as an ONNX file.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "latentflow/result.h"
#include "nn/onednn.h"
#include "recipe.h"
#include "validation.h"

namespace latentflow::train {

struct Progress {
  std::int64_t step = 0, steps = 0;
  double done = 0;  ///< share of the whole training
  double loss = 0;  ///< mean since the last report
  double rate = 0;
  double samples_per_second = 0;  ///< since the last report
  double gflops = 0;  ///< convolutions or dense layers, forward and backward, by the direct algorithm; since then, too
  double seconds = 0, seconds_left = 0;
  std::string scores;              ///< of the last validation; empty before the first
  std::string sample = "patches";  ///< what a sample is
};

struct TrainingJob {
  Recipe recipe;
  std::filesystem::path data;         ///< folder of pictures, or of IDX files for autoencoders on digits
  std::filesystem::path photographs;  ///< folder of backgrounds for digits that stand before some
  std::filesystem::path validation;   ///< empty: part of the data is held out
  std::filesystem::path model;        ///< the ONNX file to write
  std::filesystem::path classifier;   ///< empty, or one more, for what the recipe's features train for the labels
  std::filesystem::path checkpoints;  ///< empty: none are written
  bool resume = false;                ///< go on from the checkpoint where there is one
  std::filesystem::path finished;     ///< else from this model of a recipe that ended where this one restarts
  std::optional<double> time_limit;   ///< seconds over all runs; the rate decays to its end within it
  double checkpoint_seconds = 180;
  double report_seconds = 10;
  nn::Winograd winograd = nn::Winograd::automatic;
  std::string command;  ///< for the model card
  std::function<void(const Progress&)> report;
  std::function<void(const std::string&)> note;  ///< one line about what happens: data read, checkpoint written
  const std::atomic<bool>* stop = nullptr;       ///< set it to write a checkpoint and end
};

struct TrainingSummary {
  std::int64_t steps = 0;
  double seconds = 0;
  double first_loss = 0, last_loss = 0;  ///< of single steps
  std::vector<Score> scores;             ///< of the averaged weights on whole validation pictures
  std::string result;                    ///< what was measured at the end, in words
  std::vector<float> weights, average;
};

/// By the task of the recipe; autoencoders: see autoencoder/train_autoencoder.h.
/// With no time limit the weights depend on recipe, data and the algorithms measured to be faster, not on the number of
/// threads, and a resumed run ends with the bits of an uninterrupted one. Errors: those of the data folder; cancelled
/// after `stop`, with a checkpoint written; internal when loss or gradient are not finite or run away, naming the step
/// (the last checkpoint then stays as it is); invalid_argument for a checkpoint of an earlier run that the job would
/// overwrite, and before anything is read those of check_classifier().
Result<TrainingSummary> train(const TrainingJob& job);

}  // namespace latentflow::train

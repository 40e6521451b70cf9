// fine_tune.h: an encoder with a softmax layer on top, trained for classes by back-propagation through all of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "classifier.h"
#include "train/recipe.h"

namespace latentflow::train {

struct FineTuning {
  const FineTuneRecipe& recipe;
  const LogisticModel* start = nullptr;  ///< of the codes, for the softmax layer; else that starts with zeros
  std::int64_t batch = 100;
  std::int64_t keep = 0;  ///< as in Objective, in training and test
  std::uint64_t seed = 1;
  TrainingPrecision precision = TrainingPrecision::f32;
  const std::atomic<bool>* stop = nullptr;
  std::function<void(const std::string&)> note = {};  ///< a line now and then
};

/// Starts from the encoder's parameters, minimises the mean cross-entropy by Adam, and returns the classifier of the
/// averaged weights. The same bits for any number of threads. Errors: cancelled after `stop`; internal for a loss that
/// is not finite or runs away, naming the step.
Result<Classifier> fine_tune(const Autoencoder& autoencoder, std::span<const float> parameters, const ItemSet& items,
                             const FineTuning& options);

}  // namespace latentflow::train

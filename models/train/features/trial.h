// trial.h: what the codes of a trained autoencoder are good for: errors of the classifiers that a recipe asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "classifier.h"
#include "train/trainer.h"

namespace latentflow::train {

struct FeatureTrial {
  std::string scores;                    ///< what was measured, each part behind a comma; empty for no classifier
  std::optional<Classifier> classifier;  ///< the last that was trained
  HeldOutErrors errors;                  ///< of that one
  std::string how;                       ///< it was made, in words, for its summary
};

/// Trains and measures what the recipe's `features` ask for on the labels: logistic regression on the codes, and
/// fine-tuning of the encoder with a softmax layer, which starts from the regression where there is one. `keep` as in
/// Objective, of the codes in use. Errors: those of fit_logistic() and fine_tune().
Result<FeatureTrial> try_features(const TrainingJob& job, const Autoencoder& autoencoder,
                                  std::span<const float> parameters, const ItemSet& items, std::int64_t keep);

}  // namespace latentflow::train

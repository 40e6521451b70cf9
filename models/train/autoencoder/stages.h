// stages.h: the stages that the training of an autoencoder goes through, and how many activations count along them.
#pragma once

#include <cstdint>
#include <optional>

#include "autoencoder.h"
#include "train/recipe.h"

namespace latentflow::train {

/// One stage per level of greedy pretraining, where the recipe is stacked (Hinton and Salakhutdinov, Science 2006;
/// Bengio et al., NIPS 2006), and a last one that trains all layers. Steps count from 0 within each.
class Stages {
 public:
  /// The recipe has to outlive it.
  Stages(const Recipe& recipe, const Autoencoder& whole)
      : recipe_(recipe), levels_(recipe.autoencoder.stacked_steps > 0 ? static_cast<std::int64_t>(whole.encoder) : 0) {}

  std::int64_t levels() const { return levels_; }
  std::int64_t count() const { return levels_ + 1; }
  bool pretrains(std::int64_t stage) const { return stage < levels_; }

  std::int64_t steps_of(std::int64_t stage) const {
    return pretrains(stage) ? recipe_.autoencoder.stacked_steps : recipe_.steps;
  }
  std::int64_t steps_before(std::int64_t stage) const { return stage * recipe_.autoencoder.stacked_steps; }
  std::int64_t all_steps() const { return steps_before(levels_) + recipe_.steps; }

  /// Share of all steps that lie before step `step` of the stage, as if none of the stages before was cut short.
  double share_of_all(std::int64_t stage, std::int64_t step) const;
  /// Share of the stage that is done after `step` of its steps. `time`: the share of the run's limit that is gone, if
  /// there is one; each stage has that part of it which its steps have of all steps, and ends with it. In 0..1.
  double share_of_stage(std::int64_t stage, std::int64_t step, std::optional<double> time) const;

  /// What the stage minimises; `keep` is left at 0, see keep_in_training(). Above the first level what has to be met
  /// again are codes, which are shares for sigmoid units only: cross-entropy then, else the squared error.
  Objective objective(std::int64_t stage) const;

 private:
  const Recipe& recipe_;
  std::int64_t levels_;
};

/// How many of a code's activations count when this share of the stage is done: from KSparse::first it falls linearly
/// to KSparse::k. 0, which is all of them, without KSparse.
std::int64_t keep_in_training(const std::optional<KSparse>& sparse, double share_of_stage);
/// And in the finished encoder: alpha k, at most the `codes` there are.
std::int64_t keep_in_use(const std::optional<KSparse>& sparse, std::int64_t codes);

}  // namespace latentflow::train

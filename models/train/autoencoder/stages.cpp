// stages.cpp: see stages.h.
#include "stages.h"

#include <algorithm>
#include <cmath>

namespace latentflow::train {

double Stages::share_of_all(std::int64_t stage, std::int64_t step) const {
  return static_cast<double>(steps_before(stage) + step) / static_cast<double>(all_steps());
}

double Stages::share_of_stage(std::int64_t stage, std::int64_t step, std::optional<double> time) const {
  const auto all = static_cast<double>(all_steps()), own = static_cast<double>(steps_of(stage));
  if (own == 0) return 1;
  const double of_steps = std::min(1.0, static_cast<double>(step) / own);
  if (!time) return of_steps;
  const double of_time = (*time - static_cast<double>(steps_before(stage)) / all) * all / own;
  return std::clamp(of_time, of_steps, 1.0);
}

Objective Stages::objective(std::int64_t stage) const {
  const AutoencoderRecipe& shape = recipe_.autoencoder;
  Objective objective{shape.loss, shape.penalties, 0};
  if (stage > 0 && pretrains(stage))
    objective.loss = shape.encoder == Activation::sigmoid ? Reconstruction::cross_entropy : Reconstruction::squared;
  return objective;
}

std::int64_t keep_in_training(const std::optional<KSparse>& sparse, double share_of_stage) {
  if (!sparse) return 0;
  if (share_of_stage >= sparse->until) return sparse->k;
  const double share = share_of_stage / sparse->until;
  return std::lround(static_cast<double>(sparse->first) * (1 - share) + static_cast<double>(sparse->k) * share);
}

std::int64_t keep_in_use(const std::optional<KSparse>& sparse, std::int64_t codes) {
  if (!sparse) return 0;
  return std::min<std::int64_t>(std::lround(static_cast<double>(sparse->k) * sparse->test_factor), codes);
}

}  // namespace latentflow::train

// trial.cpp: see trial.h.
#include "trial.h"

#include <fmt/format.h>

#include <utility>

#include "fine_tune.h"

namespace latentflow::train {

Result<FeatureTrial> try_features(const TrainingJob& job, const Autoencoder& autoencoder,
                                  std::span<const float> parameters, const ItemSet& items, std::int64_t keep) {
  const FeatureRecipe& recipe = job.recipe.autoencoder.features;
  FeatureTrial trial;
  std::optional<LogisticModel> regression;
  if (recipe.logistic) {
    const std::vector<float> codes = encode(autoencoder, parameters, items.train.values, keep);
    Result<LogisticModel> fitted = fit_logistic(codes, items.train.labels, autoencoder.codes(), {*recipe.logistic});
    if (!fitted) return fitted.error();
    regression = std::move(*fitted);
    if (job.note)
      job.note(fmt::format("logistic regression: {} iterations, {}, loss {:.5f}", regression->iterations,
                           regression->converged ? "converged" : "stopped before it converged", regression->loss));
    trial.classifier = make_classifier(autoencoder, parameters, *regression, keep);
    trial.errors = held_out_errors(*trial.classifier, items);
    trial.scores += ", logistic regression on codes " + to_string(trial.errors);
    trial.how = "fitted by logistic regression to its codes";
  }
  if (recipe.fine_tune) {
    FineTuning options{*recipe.fine_tune, regression ? &*regression : nullptr};
    options.batch = job.recipe.batch, options.keep = keep, options.seed = job.recipe.seed;
    options.precision = job.recipe.autoencoder.precision, options.stop = job.stop, options.note = job.note;
    Result<Classifier> tuned = fine_tune(autoencoder, parameters, items, options);
    if (!tuned) return tuned.error();
    trial.classifier = std::move(*tuned);
    trial.errors = held_out_errors(*trial.classifier, items);
    trial.scores += ", fine-tuned with a softmax layer " + to_string(trial.errors);
    trial.how = "both fine-tuned";
  }
  return trial;
}

}  // namespace latentflow::train

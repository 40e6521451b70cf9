// fine_tune.cpp: see fine_tune.h.
#include "fine_tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "train/autoencoder/minibatch.h"
#include "train/loss_watch.h"
#include "train/optimiser.h"

namespace latentflow::train {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t stage = 0xf1e;  // of the order of rows

}  // namespace

Result<Classifier> fine_tune(const Autoencoder& autoencoder, std::span<const float> parameters, const ItemSet& items,
                             const FineTuning& options) {
  const std::int64_t classes = 1 + *std::max_element(items.train.labels.begin(), items.train.labels.end());
  const auto features = static_cast<std::size_t>(autoencoder.features());
  Classifier classifier = options.start != nullptr
                              ? make_classifier(autoencoder, parameters, *options.start, options.keep)
                              : make_classifier(autoencoder, parameters, classes, options.keep);
  OptimiserState state = start_state(classifier.parameters);
  Tape tape(options.precision);
  OptimiserRecipe optimiser;
  optimiser.rate = options.recipe.rate, optimiser.final_rate = options.recipe.rate * 1e-3;
  optimiser.warm_up = std::min<std::int64_t>(100, options.recipe.steps / 10);
  optimiser.weight_decay = options.recipe.weight_decay;
  RowOrder order(items.train.count(), options.batch, options.seed, stage);
  std::vector<float> input(static_cast<std::size_t>(options.batch) * features), gradient(state.weights.size());
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(options.batch));
  // Of a model that takes all classes as equally likely.
  LossWatch watch(options.batch, std::log(static_cast<double>(classes)));
  Clock::time_point noted = Clock::now();
  while (state.step < options.recipe.steps) {
    if (options.stop != nullptr && options.stop->load())
      return cancelled(fmt::format("stopped at step {} of fine-tuning; the autoencoder is written", state.step));
    const std::span<const std::int64_t> chosen = order.step(state.step);
    for (std::size_t row = 0; row < chosen.size(); ++row) {
      std::copy_n(
          items.train.values.begin() + static_cast<std::ptrdiff_t>(chosen[row]) * static_cast<std::ptrdiff_t>(features),
          features, input.begin() + static_cast<std::ptrdiff_t>(row * features));
      labels[row] = items.train.labels[static_cast<std::size_t>(chosen[row])];
    }
    const double loss = classifier_loss_and_gradient(classifier, state.weights, input, labels, tape, gradient);
    const double progress = static_cast<double>(state.step) / static_cast<double>(options.recipe.steps);
    const std::span<const float> whole = gradient;
    const double norm = update(optimiser, learning_rate(optimiser, state.step, progress), {&whole, 1}, state);
    if (!std::isfinite(loss) || !std::isfinite(norm))
      return internal_error(
          fmt::format("fine-tuning, step {}: loss {} and gradient {} are not finite", state.step, loss, norm));
    watch.add(loss, false);
    if (watch.runs_away())
      return internal_error(
          fmt::format("fine-tuning, step {}: the loss runs away, {} now; the autoencoder is written, try a lower "
                      "features.fine_tune.rate",
                      state.step, loss));
    if (options.note && Clock::now() - noted > std::chrono::seconds(10)) {
      options.note(fmt::format("fine-tuning: step {}/{}  loss {:.5f}", state.step, options.recipe.steps, loss));
      noted = Clock::now();
    }
  }
  classifier.parameters = std::move(state.average);
  return classifier;
}

}  // namespace latentflow::train

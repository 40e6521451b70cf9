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
constexpr std::int64_t portion = 1024;

class Classifier {
 public:
  Classifier(const Autoencoder& autoencoder, std::int64_t classes, std::int64_t keep)
      : layers_(autoencoder.encoder_layers().begin(), autoencoder.encoder_layers().end()),
        encoder_(autoencoder.encoder),
        keep_(keep < autoencoder.codes() ? keep : 0) {
    // The encoder's parameters come first in the flat array, the softmax layer's take the place of the decoder's.
    encoder_size_ = layers_.back().bias + static_cast<std::size_t>(layers_.back().outputs);
    const auto weights = static_cast<std::size_t>(autoencoder.codes() * classes);
    layers_.push_back(
        {autoencoder.codes(), classes, Activation::linear, encoder_size_, encoder_size_ + weights, false});
    size_ = encoder_size_ + weights + static_cast<std::size_t>(classes);
  }

  std::vector<float> start(std::span<const float> parameters, const LogisticModel* top) const {
    std::vector<float> made(size_);
    std::copy_n(parameters.begin(), encoder_size_, made.begin());
    if (top != nullptr) {
      const auto after = std::copy(top->weights.begin(), top->weights.end(),
                                   made.begin() + static_cast<std::ptrdiff_t>(encoder_size_));
      std::copy(top->bias.begin(), top->bias.end(), after);
    }
    return made;
  }

  void run(std::span<const float> parameters, std::span<const float> input, std::int64_t rows) {
    forward(layers_, parameters, input, rows, tape_, [&](std::size_t l, std::span<float> output) {
      if (l + 1 != encoder_ || keep_ <= 0) return;
      const std::size_t units = output.size() / static_cast<std::size_t>(rows);
      for_rows(rows, [&](std::int64_t row) {
        nn::keep_largest(output.subspan(static_cast<std::size_t>(row) * units, units), keep_);
      });
    });
  }
  std::vector<float>& scores() { return tape_.values.back(); }

  /// `delta`: d loss / d scores. Overwrites the gradient.
  void differentiate(std::span<const float> parameters, std::vector<float>& delta, std::span<float> gradient) {
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    backward(layers_, parameters, tape_, encoder_, layers_.size(), delta, gradient);
    const std::vector<float>& code = tape_.values[encoder_];
    if (keep_ > 0)
      for (std::size_t i = 0; i < delta.size(); ++i)
        if (code[i] == 0) delta[i] = 0;
    backward(layers_, parameters, tape_, 0, encoder_, delta, gradient);
  }

 private:
  std::vector<DenseLayer> layers_;
  std::size_t encoder_, encoder_size_ = 0, size_ = 0;
  std::int64_t keep_;
  Tape tape_;
};

}  // namespace

Result<HeldOutErrors> fine_tune(const Autoencoder& autoencoder, std::span<const float> parameters, const ItemSet& items,
                                const FineTuning& options) {
  const std::int64_t classes = 1 + *std::max_element(items.train.labels.begin(), items.train.labels.end());
  const auto features = static_cast<std::size_t>(autoencoder.features());
  Classifier classifier(autoencoder, classes, options.keep);
  OptimiserState state = start_state(classifier.start(parameters, options.start));
  OptimiserRecipe optimiser;
  optimiser.rate = options.recipe.rate, optimiser.final_rate = options.recipe.rate * 1e-3;
  optimiser.warm_up = std::min<std::int64_t>(100, options.recipe.steps / 10);
  optimiser.weight_decay = options.recipe.weight_decay;
  RowOrder order(items.train.count(), options.batch, options.seed, stage);
  std::vector<float> input(static_cast<std::size_t>(options.batch) * features), delta, gradient(state.weights.size());
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
    classifier.run(state.weights, input, options.batch);
    delta = classifier.scores();
    const double count = static_cast<double>(options.batch), loss = softmax_loss(delta, labels, classes, count) / count;
    classifier.differentiate(state.weights, delta, gradient);
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
  const auto errors_of = [&](const ItemRows& rows) {
    ErrorRate error{0, rows.count()};
    for (std::int64_t first = 0; first < error.items; first += portion) {
      const auto begin = static_cast<std::size_t>(first);
      const auto some = static_cast<std::size_t>(std::min(portion, error.items - first));
      classifier.run(state.average, std::span(rows.values).subspan(begin * features, some * features),
                     static_cast<std::int64_t>(some));
      error.errors += count_errors(classifier.scores(), std::span(rows.labels).subspan(begin, some), classes);
    }
    return error;
  };
  return HeldOutErrors{errors_of(items.test), errors_of(items.validation)};
}

}  // namespace latentflow::train

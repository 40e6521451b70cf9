// train_autoencoder.cpp: the training loop of autoencoders; see train_autoencoder.h.
#include "train_autoencoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/core/utility.hpp>

#include "augment.h"
#include "autoencoder.h"
#include "item_rows.h"
#include "minibatch.h"
#include "nn/algorithm_choice.h"
#include "nn/guarded.h"
#include "nn/machine_memory.h"
#include "nn/quantization.h"
#include "stages.h"
#include "train/features/trial.h"
#include "train/memory_forecast.h"
#include "train/model_file.h"
#include "train/random.h"
#include "train/run_clock.h"
#include "train/training_run.h"

namespace latentflow::train {
namespace {

/// Mean over the rows of the squared difference of the two of a pair: the error before anything is done.
double error_of_damage(const ItemRows& rows) {
  double sum = 0;
  for (std::size_t i = 0; i < rows.values.size(); ++i)
    sum += std::pow(static_cast<double>(rows.values[i]) - static_cast<double>(rows.damaged[i]), 2);
  return sum / static_cast<double>(rows.count());
}

double mean_of(std::span<const float> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

class AutoencoderTrainer {
 public:
  explicit AutoencoderTrainer(const TrainingJob& job)
      : job_(job),
        recipe_(job.recipe),
        shape_(job.recipe.autoencoder),
        whole_(make_autoencoder(shape_)),
        stages_(job.recipe, whole_),
        clock_(job),
        watch_(job.recipe.batch) {}

  Result<TrainingSummary> run() {
    if (Status status = prepare(); !status) return status.error();
    clock_.start(seconds_before_, share_of_steps());
    for (;; ++stage_) {
      if (Status status = run_stage(); !status) return status.error();
      if (is_last_stage()) break;
      state_ = start_state(std::move(state_.average));
    }
    return finish();
  }

 private:
  bool is_last_stage() const { return stage_ + 1 == stages_.count(); }
  double share_of_steps() const { return stages_.share_of_all(stage_, state_.step); }
  /// Share of the stage that runs, which ends where it does by steps or by its part of the time.
  double stage_progress() const {
    const std::optional<double> time =
        job_.time_limit ? std::optional(clock_.elapsed() / *job_.time_limit) : std::nullopt;
    return stages_.share_of_stage(stage_, state_.step, time);
  }
  std::int64_t test_keep() const { return keep_in_use(shape_.k_sparse, whole_.codes()); }

  Status prepare() {
    if (shape_.precision == TrainingPrecision::bf16)
      if (Status possible = nn::check_bfloat("f32"); !possible) return possible;
    if (Status status = check_folders(job_); !status) return status;
    cv::setNumThreads(1);  // augment() is called from as many threads as there shall be
    Result<ItemSet> items = load_items(job_);
    if (!items) return items.error();
    items_ = std::move(*items);
    if (items_.train.features() != whole_.features())
      return invalid_argument(fmt::format("layers begins with {}, the data have {} numbers per item ({})",
                                          whole_.features(), items_.train.features(), to_string(items_.train.item)));
    if (items_.train.count() < recipe_.batch)
      return invalid_argument(fmt::format("batch is {}, there are {} items to train on ({}); allowed 1 to as many",
                                          recipe_.batch, items_.train.count(),
                                          shape_.patches ? "data.patches.train" : "data.train"));
    if (Status status = check_memory(whole_, items_, recipe_.batch, nn::machine_bytes()); !status) return status;
    std::vector<float> parameters = initial_parameters(whole_, recipe_.seed);
    if (shape_.k_sparse && shape_.k_sparse->centred) centre(whole_, items_.train.seen(), parameters);
    state_ = start_state(std::move(parameters));
    Result<std::optional<Checkpoint>> resumed = checkpoint_to_resume(job_, whole_.parameters);
    if (!resumed) return resumed.error();
    if (*resumed) {
      state_ = std::move((*resumed)->state);
      stage_ = (*resumed)->stage, updates_ = (*resumed)->updates, seconds_before_ = (*resumed)->seconds;
      if (stage_ < 0 || stage_ >= stages_.count())
        return bad_input(fmt::format("{} is of stage {}, this recipe has {}", checkpoint_file(job_).string(), stage_,
                                     stages_.count()));
    }
    std::vector<std::string> penalties;
    for (const Penalty& penalty : shape_.penalties)
      penalties.emplace_back(penalty_names[static_cast<std::size_t>(penalty.kind)]);
    if (Status status = make_folders(job_); !status) return status;
    Result<std::optional<Curve>> curve = open_curve(job_, penalties, stages_.all_steps(), updates_);
    if (!curve) return curve.error();
    curve_ = std::move(*curve);
    gradient_.resize(whole_.parameters);
    note(fmt::format("autoencoder {} with {} weights, {} steps of {} items; {}", recipe_.model, whole_.parameters,
                     stages_.all_steps(), recipe_.batch, items_.about));
    return success();
  }

  Status run_stage() {
    const bool pretraining = stages_.pretrains(stage_);
    AutoencoderGradient part(pretraining ? level_of(whole_, static_cast<std::size_t>(stage_)) : whole_,
                             shape_.precision);
    std::vector<float> codes, seen_codes;
    std::span<const float> rows = items_.train.values, seen = items_.train.seen();
    if (pretraining && stage_ > 0) {
      Autoencoder below = whole_;
      below.encoder = static_cast<std::size_t>(stage_);
      rows = seen = codes = encode(below, state_.weights, items_.train.values);
      if (!items_.train.damaged.empty()) seen = seen_codes = encode(below, state_.weights, items_.train.damaged);
    }
    if (stages_.levels() > 0 && stages_.steps_of(stage_) > 0)
      note(pretraining ? fmt::format("stage {} of {}: layer {}, {} to {} units", stage_ + 1, stages_.count(),
                                     stage_ + 1, part.autoencoder().features(), part.autoencoder().codes())
                       : fmt::format("stage {} of {}: all layers", stage_ + 1, stages_.count()));
    RowOrder order(items_.train.count(), recipe_.batch, recipe_.seed, static_cast<std::uint64_t>(stage_));
    Objective objective = stages_.objective(stage_);
    watch_ = LossWatch(recipe_.batch);
    while (stage_progress() < 1) {
      if (job_.stop != nullptr && job_.stop->load())
        return stop_run(job_, updates_, [this] { return write_checkpoint(); });
      objective.keep = keep_in_training(shape_.k_sparse, stage_progress());
      if (Status status = step(part, objective, rows, seen, order); !status) return status;
      if (Status status = between_steps(); !status) return status;
    }
    return success();
  }

  /// `rows` are to be made of the rows that are `seen`; corruption, if any, does the rest.
  Status step(AutoencoderGradient& part, const Objective& objective, std::span<const float> rows,
              std::span<const float> seen, RowOrder& order) {
    const auto features = static_cast<std::size_t>(part.autoencoder().features());
    const std::uint64_t key =
        Random(recipe_.seed, 0xba7c, static_cast<std::uint64_t>(stage_), static_cast<std::uint64_t>(state_.step))
            .next();
    const std::span<const std::int64_t> chosen = order.step(state_.step);
    const Augmentation& augmentation = shape_.digits.augmentation;
    clean_.resize(chosen.size() * features);
    input_.resize(clean_.size());
    for_rows(recipe_.batch, [&](std::int64_t row) {
      const auto at = static_cast<std::size_t>(row);
      const std::size_t first = static_cast<std::size_t>(chosen[at]) * features;
      const auto target = rows.subspan(first, features), source = seen.subspan(first, features);
      const auto clean = std::span(clean_).subspan(at * features, features),
                 changed = std::span(input_).subspan(at * features, features);
      const std::uint64_t row_key = Random(key, at).next();
      std::copy(target.begin(), target.end(), clean.begin());
      if (augmentation.any()) augment(augmentation, row_key, items_.train.item, clean);
      // Digits, which are all that is augmented, are seen as they are.
      const auto shown = augmentation.any() ? std::span<const float>(clean) : source;
      std::copy(shown.begin(), shown.end(), changed.begin());
      corrupt(shape_.noise, shape_.noise_amount, row_key, changed);
    });
    const Terms terms = part.evaluate(objective, state_.weights, input_, clean_, recipe_.batch, key, gradient_);
    rate_ = learning_rate(recipe_.optimiser, state_.step, stage_progress());
    const std::int64_t number = updates_++;
    const std::span<const float> gradient = gradient_;
    const double norm = update(recipe_.optimiser, rate_, {&gradient, 1}, state_), loss = terms.total();
    if (Status status = watch_loss(job_, watch_, number, loss, norm); !status) return status;
    if (curve_) curve_->add({loss, terms.penalties, mean_of(part.code()), norm, rate_});
    double flop = 0;
    for (const DenseLayer& layer : part.autoencoder().layers)
      flop += 6.0 * static_cast<double>(layer.inputs * layer.outputs * recipe_.batch);
    clock_.count(recipe_.batch, flop);
    if (first_loss_ < 0) first_loss_ = loss;
    last_loss_ = loss, last_terms_ = terms;
    return success();
  }

  Status between_steps() {
    std::optional<double> error;
    if (state_.step % recipe_.validation.every == 0 && is_last_stage()) {
      error = test_error();
      scores_ = describe(*error);
    }
    // The row of the last step waits for what is measured at the end, and so does its checkpoint.
    const bool last = is_last_stage() && stage_progress() >= 1;
    if (curve_ && !last)
      if (Status status = curve_->write(updates_, stage_, clock_.elapsed(), error, false); !status) return status;
    if (clock_.report_is_due()) report();
    return clock_.checkpoint_is_due() && !last ? write_checkpoint() : success();
  }

  double error_on(const ItemRows& rows) const {
    return squared_error(whole_, state_.average, rows.seen(), rows.values, test_keep());
  }
  double test_error() const { return error_on(items_.test); }
  /// Of pairs with what they differ by before anything is done.
  std::string describe(double error) const {
    const std::string damaged =
        items_.test.damaged.empty() ? "" : fmt::format(" (damaged {:.4f})", error_of_damage(items_.test));
    return fmt::format("test squared error {:.4f}{}", error, damaged);
  }

  void report() {
    Progress progress;
    progress.step = updates_, progress.steps = stages_.all_steps();
    progress.loss = watch_.take_mean(), progress.rate = rate_;
    progress.scores = scores_, progress.sample = "items";
    for (std::size_t i = 0; i < last_terms_.penalties.size(); ++i)
      progress.scores +=
          fmt::format("{}{} {:.4f}", progress.scores.empty() ? "" : ", ",
                      penalty_names[static_cast<std::size_t>(shape_.penalties[i].kind)], last_terms_.penalties[i]);
    clock_.report(std::move(progress), share_of_steps());
  }

  ModelFacts facts(const std::string& scores) const {
    return {items_.about, scores, trained_with(job_, updates_, "items", clock_.elapsed())};
  }

  Status write_model(const std::string& scores) const {
    Result<nn::Graph> graph = autoencoder_network(whole_, state_.average, items_.train.item, test_keep());
    if (!graph) return graph.error();
    if (items_.whitening) take_in_whitening(*items_.whitening, *graph);
    return save_row_model(std::move(*graph), card_task(recipe_.task), items_.train.item, recipe_, recipe_.summary,
                          facts(scores), job_.model);
  }

  /// The last classifier of the trial, if there is one and the job keeps it.
  Status write_classifier(const FeatureTrial& trial) const {
    if (job_.classifier.empty() || !trial.classifier) return success();
    Result<nn::Graph> graph = classifier_network(*trial.classifier, items_.train.item);
    if (!graph) return graph.error();
    const std::string summary = fmt::format("tells {} classes apart: the encoder of {} with a softmax layer, {}",
                                            trial.classifier->classes(), recipe_.model, trial.how);
    const std::string scores = "test " + to_string(trial.errors);
    if (Status status = save_row_model(std::move(*graph), "classifier", items_.train.item, recipe_, summary,
                                       facts(scores), job_.classifier);
        !status)
      return status;
    note(fmt::format("classifier {}: {}", job_.classifier.string(), scores));
    return success();
  }

  Status keep_state() {
    const Checkpoint checkpoint{
        state_, stage_, updates_, clock_.elapsed(), recipe_.text, recipe_.seed, nn::known_algorithms()};
    if (Status status = save_checkpoint(checkpoint, checkpoint_file(job_)); !status) return status;
    clock_.checkpoint_is_written();
    note(fmt::format("checkpoint at step {}", updates_));
    return success();
  }

  Status write_checkpoint() {
    if (Status status = keep_state(); !status) return status;
    return write_model("in training" + (scores_.empty() ? "" : "; " + scores_));
  }

  Result<TrainingSummary> finish() {
    const bool trained = first_loss_ >= 0;
    trained ? report() : note(nothing_left(job_, updates_, stages_.all_steps()));
    const double error = test_error();
    const Status row = curve_ ? curve_->write(updates_, stage_, clock_.elapsed(), error, true) : success();
    scores_ = fmt::format("{}, train {:.4f}", describe(error), error_on(items_.train));
    if (items_.validation.count() > 0) scores_ += fmt::format(", validation {:.4f}", error_on(items_.validation));
    if (items_.whitening) scores_ += " (of whitened numbers)";
    if (std::any_of(shape_.penalties.begin(), shape_.penalties.end(),
                    [](const Penalty& penalty) { return penalty.kind == Penalty::Kind::kl_sparse; }))
      scores_ += fmt::format(", mean activation {:.4f}", mean_of(encode(whole_, state_.average, items_.test.seen())));
    // Model and checkpoint lie in folders of their own: where one cannot be written, the other is all the same.
    const Status written = write_model(scores_);
    const Status checkpoint = trained && !job_.checkpoints.empty() ? keep_state() : success();
    if (!written) return written.error();
    // The autoencoder is written by now: what fails on the labels does not take it away.
    const Status tried = finish_features();
    std::vector<Error> errors;
    for (const Status* status : {&tried, &row, &checkpoint})
      if (!*status) errors.push_back(status->error());
    for (std::size_t i = 1; i < errors.size(); ++i) note(errors[i].message);
    if (!errors.empty()) return errors.front();
    return TrainingSummary{updates_, clock_.elapsed(), first_loss_,    last_loss_,
                           {},       scores_,          state_.weights, state_.average};
  }

  Status finish_features() {
    const Result<FeatureTrial> trial = try_features(job_, whole_, state_.average, items_, test_keep());
    if (!trial) return trial.error();
    if (Status status = write_classifier(*trial); !status) return status;
    scores_ += trial->scores;
    return write_model(scores_);
  }

  void note(const std::string& line) const {
    if (job_.note) job_.note(line);
  }

  const TrainingJob& job_;
  const Recipe& recipe_;
  const AutoencoderRecipe& shape_;
  Autoencoder whole_;
  Stages stages_;
  RunClock clock_;
  ItemSet items_;
  OptimiserState state_;
  std::optional<Curve> curve_;
  std::int64_t stage_ = 0, updates_ = 0;
  std::vector<float> clean_, input_, gradient_;
  LossWatch watch_;
  Terms last_terms_;
  std::string scores_;
  double seconds_before_ = 0;  ///< of the runs that this one goes on from
  double rate_ = 0, first_loss_ = -1, last_loss_ = 0;
};

}  // namespace

Result<TrainingSummary> train_autoencoder(const TrainingJob& job) {
  return nn::guarded([&] { return AutoencoderTrainer(job).run(); });
}

}  // namespace latentflow::train

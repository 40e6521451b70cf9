// train_autoencoder.cpp: the training loop of autoencoders; see train_autoencoder.h.
#include "train_autoencoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "autoencoder.h"
#include "item_rows.h"
#include "minibatch.h"
#include "nn/algorithm_choice.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "train/features/fine_tune.h"
#include "train/random.h"
#include "train/training_run.h"

namespace latentflow::train {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class AutoencoderTrainer {
 public:
  explicit AutoencoderTrainer(const TrainingJob& job)
      : job_(job),
        recipe_(job.recipe),
        shape_(job.recipe.autoencoder),
        whole_(make_autoencoder(shape_)),
        watch_(job.recipe.batch) {}

  Result<TrainingSummary> run() {
    if (Status status = prepare(); !status) return status.error();
    start_ = report_time_ = checkpoint_time_ = Clock::now();
    report_done_ = progress();
    for (;; ++stage_) {
      if (Status status = run_stage(); !status) return status.error();
      if (stage_ + 1 == stages()) break;
      next_stage();
    }
    return finish();
  }

 private:
  std::int64_t levels() const { return shape_.stacked_steps > 0 ? static_cast<std::int64_t>(whole_.encoder) : 0; }
  std::int64_t stages() const { return levels() + 1; }
  std::int64_t steps_of(std::int64_t stage) const { return stage < levels() ? shape_.stacked_steps : recipe_.steps; }
  std::int64_t steps_before(std::int64_t stage) const { return stage * shape_.stacked_steps; }
  std::int64_t all_steps() const { return steps_before(levels()) + recipe_.steps; }
  /// Where the run stands as if no stage were cut short.
  std::int64_t steps_done() const { return steps_before(stage_) + state_.step; }

  Status prepare() {
    if (Status status = make_folders(job_); !status) return status;
    Result<ItemSet> items = load_items(job_);
    if (!items) return items.error();
    items_ = std::move(*items);
    if (items_.train.features() != whole_.features())
      return invalid_argument(fmt::format("layers begins with {}, the data have {} numbers per item ({})",
                                          whole_.features(), items_.train.features(), to_string(items_.train.item)));
    if (items_.train.count() < recipe_.batch)
      return invalid_argument(
          fmt::format("batch is {}, there are {} items to train on", recipe_.batch, items_.train.count()));
    std::vector<float> parameters = initial_parameters(whole_, recipe_.seed);
    if (shape_.k_sparse && shape_.k_sparse->centred) centre(whole_, items_.train.seen(), parameters);
    state_ = start_state(std::move(parameters));
    Result<std::optional<Checkpoint>> resumed = checkpoint_to_resume(job_, whole_.parameters);
    if (!resumed) return resumed.error();
    if (*resumed) {
      state_ = std::move((*resumed)->state);
      stage_ = (*resumed)->stage, updates_ = (*resumed)->updates, seconds_before_ = (*resumed)->seconds;
      if (stage_ < 0 || stage_ >= stages())
        return bad_input(
            fmt::format("{} is of stage {}, this recipe has {}", checkpoint_file(job_).string(), stage_, stages()));
    }
    std::vector<std::string> penalties;
    for (const Penalty& penalty : shape_.penalties)
      penalties.emplace_back(penalty_names[static_cast<std::size_t>(penalty.kind)]);
    Result<std::optional<Curve>> curve = open_curve(job_, penalties, all_steps(), updates_);
    if (!curve) return curve.error();
    curve_ = std::move(*curve);
    gradient_.resize(whole_.parameters);
    note(fmt::format("autoencoder {} with {} weights, {} steps of {} items; {}", recipe_.model, whole_.parameters,
                     all_steps(), recipe_.batch, items_.about));
    return success();
  }

  double elapsed() const { return seconds_before_ + seconds_since(start_); }

  /// Share of all stages, and of the one that runs, which ends where it does by steps or by its part of the time.
  double progress() const {
    return training_progress(job_, static_cast<double>(steps_done()) / static_cast<double>(all_steps()), elapsed());
  }
  double stage_progress() const {
    const auto all = static_cast<double>(all_steps()), own = static_cast<double>(steps_of(stage_));
    if (own == 0) return 1;
    const double steps = static_cast<double>(state_.step) / own;
    if (!job_.time_limit) return std::min(1.0, steps);
    const double time = (elapsed() / *job_.time_limit - static_cast<double>(steps_before(stage_)) / all) * all / own;
    return std::clamp(time, std::min(1.0, steps), 1.0);
  }

  Objective objective_of(std::int64_t stage) const {
    Objective objective{shape_.loss, shape_.penalties, 0};
    // Above the first level what has to be met again are codes, which are shares for sigmoid units only.
    if (stage > 0 && stage < levels())
      objective.loss = shape_.encoder == Activation::sigmoid ? Reconstruction::cross_entropy : Reconstruction::squared;
    return objective;
  }

  std::int64_t keep_at(double done) const {
    if (!shape_.k_sparse) return 0;
    const KSparse& sparse = *shape_.k_sparse;
    if (done >= sparse.until) return sparse.k;
    const double share = done / sparse.until;
    return static_cast<std::int64_t>(
        std::lround(static_cast<double>(sparse.first) * (1 - share) + static_cast<double>(sparse.k) * share));
  }
  std::int64_t test_keep() const {
    if (!shape_.k_sparse) return 0;
    const auto keep =
        static_cast<std::int64_t>(std::lround(static_cast<double>(shape_.k_sparse->k) * shape_.k_sparse->test_factor));
    return std::min(keep, whole_.codes());
  }

  Status run_stage() {
    const bool pretraining = stage_ < levels();
    AutoencoderGradient part(pretraining ? level_of(whole_, static_cast<std::size_t>(stage_)) : whole_);
    std::vector<float> codes, seen_codes;
    std::span<const float> rows = items_.train.values, seen = items_.train.seen();
    if (pretraining && stage_ > 0) {
      Autoencoder below = whole_;
      below.encoder = static_cast<std::size_t>(stage_);
      rows = seen = codes = encode(below, state_.weights, items_.train.values);
      if (!items_.train.damaged.empty()) seen = seen_codes = encode(below, state_.weights, items_.train.damaged);
    }
    if (levels() > 0 && steps_of(stage_) > 0)
      note(pretraining ? fmt::format("stage {} of {}: layer {}, {} to {} units", stage_ + 1, stages(), stage_ + 1,
                                     part.autoencoder().features(), part.autoencoder().codes())
                       : fmt::format("stage {} of {}: all layers", stage_ + 1, stages()));
    RowOrder order(items_.train.count(), recipe_.batch, recipe_.seed, static_cast<std::uint64_t>(stage_));
    Objective objective = objective_of(stage_);
    watch_ = LossWatch(recipe_.batch);
    report_step_ = updates_;
    while (stage_progress() < 1) {
      if (job_.stop != nullptr && job_.stop->load()) return stopped();
      objective.keep = keep_at(stage_progress());
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
    clean_.resize(chosen.size() * features);
    input_.resize(clean_.size());
    for_rows(recipe_.batch, [&](std::int64_t row) {
      const auto at = static_cast<std::size_t>(row);
      const std::size_t first = static_cast<std::size_t>(chosen[at]) * features;
      const auto target = rows.subspan(first, features), source = seen.subspan(first, features);
      std::copy(target.begin(), target.end(), clean_.begin() + static_cast<std::ptrdiff_t>(at * features));
      const auto changed = std::span(input_).subspan(at * features, features);
      std::copy(source.begin(), source.end(), changed.begin());
      corrupt(shape_.noise, shape_.noise_amount, Random(key, at).next(), changed);
    });
    const Terms terms = part.evaluate(objective, state_.weights, input_, clean_, recipe_.batch, key, gradient_);
    rate_ = learning_rate(recipe_.optimiser, state_.step, stage_progress());
    const std::int64_t number = updates_++;
    const std::span<const float> gradient = gradient_;
    const double norm = update(recipe_.optimiser, rate_, {&gradient, 1}, state_), loss = terms.total();
    if (Status status = watch_loss(job_, watch_, number, loss, norm); !status) return status;
    if (curve_) {
      const std::span<const float> code = part.code();
      const double sum = std::accumulate(code.begin(), code.end(), 0.0);
      curve_->add({loss, terms.penalties, sum / static_cast<double>(code.size()), norm, rate_});
    }
    for (const DenseLayer& layer : part.autoencoder().layers)
      flop_ += 6.0 * static_cast<double>(layer.inputs * layer.outputs * recipe_.batch);
    if (first_loss_ < 0) first_loss_ = loss;
    last_loss_ = loss, last_terms_ = terms;
    return success();
  }

  void next_stage() { state_ = start_state(std::move(state_.average)); }

  Status between_steps() {
    std::optional<double> error;
    if (state_.step % recipe_.validation.every == 0 && stage_ == levels()) {
      error = test_error();
      scores_ = describe(*error);
    }
    // The row of the last step waits for what is measured at the end.
    if (const bool last = stage_ + 1 == stages() && stage_progress() >= 1; curve_ && !last)
      if (Status status = curve_->write(updates_, stage_, elapsed(), error, false); !status) return status;
    if (seconds_since(report_time_) >= job_.report_seconds) report();
    if (job_.checkpoints.empty() || seconds_since(checkpoint_time_) < job_.checkpoint_seconds) return success();
    checkpoint_time_ = Clock::now();
    return write_checkpoint();
  }

  double error_on(const ItemRows& rows) const {
    return squared_error(whole_, state_.average, rows.seen(), rows.values, test_keep());
  }
  double test_error() const { return error_on(items_.test); }
  /// Of pairs with what they differ by before anything is done.
  std::string describe(double error) const {
    const std::string damaged = items_.test.damaged.empty() ? "" : fmt::format(" (damaged {:.4f})", apart(items_.test));
    return fmt::format("test squared error {:.4f}{}", error, damaged);
  }
  static double apart(const ItemRows& rows) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.values.size(); ++i)
      sum += std::pow(static_cast<double>(rows.values[i]) - static_cast<double>(rows.damaged[i]), 2);
    return sum / static_cast<double>(rows.count());
  }

  void report() {
    const double seconds = seconds_since(report_time_), done = progress();
    std::string scores = scores_;
    for (std::size_t i = 0; i < last_terms_.penalties.size(); ++i)
      scores +=
          fmt::format("{}{} {:.4f}", scores.empty() ? "" : ", ",
                      penalty_names[static_cast<std::size_t>(shape_.penalties[i].kind)], last_terms_.penalties[i]);
    Progress progress{updates_,
                      all_steps(),
                      done,
                      watch_.take_mean(),
                      rate_,
                      static_cast<double>((updates_ - report_step_) * recipe_.batch) / seconds,
                      flop_ / seconds * 1e-9,
                      elapsed(),
                      0,
                      scores,
                      "items"};
    const double per_second = (done - report_done_) / seconds;
    progress.seconds_left = per_second > 0 ? (1 - done) / per_second : 0;
    report_time_ = Clock::now(), report_step_ = updates_, report_done_ = done, flop_ = 0;
    if (job_.report) job_.report(progress);
  }

  /// Writes a network of this training: the autoencoder, or a classifier made of it.
  Status write(nn::Graph graph, const std::string& task, const std::string& summary, const std::string& scores,
               const std::filesystem::path& file) const {
    graph.name = recipe_.model;
    if (!summary.empty()) graph.metadata["summary"] = summary;
    nn::ModelCard card;
    card.task = task;
    if (items_.train.item.kind != nn::CodeItem::Kind::tensor)
      card.color = items_.train.item.channels == 3 ? "rgb" : "gray";
    card.image_input = "data";
    card.recipe = recipe_.text;
    card.data = items_.about;
    card.scores = scores;
    card.trained_with = fmt::format("{}{} items in {:.0f} s, seed {}: {}", steps_of_card(updates_), recipe_.batch,
                                    elapsed(), recipe_.seed, job_.command);
    nn::write_card(graph, card);
    return nn::save_onnx(graph, file);
  }

  Status write_model(const std::string& scores) const {
    Result<nn::Graph> graph = autoencoder_network(whole_, state_.average, items_.train.item, test_keep());
    if (!graph) return graph.error();
    if (items_.whitening) take_in_whitening(*items_.whitening, *graph);
    return write(std::move(*graph), "autoencoder", recipe_.summary, scores, job_.model);
  }

  Status write_classifier(const Classifier& classifier, const HeldOutErrors& errors, const std::string& how) const {
    Result<nn::Graph> graph = classifier_network(classifier, items_.train.item);
    if (!graph) return graph.error();
    const std::string summary = fmt::format("tells {} classes apart: the encoder of {} with a softmax layer, {}",
                                            classifier.classes(), recipe_.model, how);
    if (Status status = write(std::move(*graph), "classifier", summary, "test " + in_words(errors), job_.classifier);
        !status)
      return status;
    note(fmt::format("classifier {}: test {}", job_.classifier.string(), in_words(errors)));
    return success();
  }

  Status write_checkpoint() {
    const Checkpoint checkpoint{
        state_, stage_, updates_, elapsed(), recipe_.text, recipe_.seed, nn::known_algorithms()};
    if (Status status = save_checkpoint(checkpoint, checkpoint_file(job_)); !status) return status;
    if (Status status = write_model("in training" + (scores_.empty() ? "" : "; " + scores_)); !status) return status;
    note(fmt::format("checkpoint at step {}", updates_));
    return success();
  }

  Error stopped() {
    if (job_.checkpoints.empty())
      return cancelled(fmt::format("stopped at step {}; nothing is kept without a folder of checkpoints", updates_));
    if (Status status = write_checkpoint(); !status) return status.error();
    return cancelled(fmt::format("stopped at step {}; resume goes on from there", updates_));
  }

  Result<TrainingSummary> finish() {
    report();
    const double error = test_error();
    if (curve_)
      if (Status status = curve_->write(updates_, stage_, elapsed(), error, true); !status) return status.error();
    scores_ = fmt::format("{}, train {:.4f}", describe(error), error_on(items_.train));
    if (items_.validation.count() > 0) scores_ += fmt::format(", validation {:.4f}", error_on(items_.validation));
    if (items_.whitening) scores_ += " (of whitened numbers)";
    if (std::any_of(shape_.penalties.begin(), shape_.penalties.end(),
                    [](const Penalty& penalty) { return penalty.kind == Penalty::Kind::kl_sparse; })) {
      const std::vector<float> codes = encode(whole_, state_.average, items_.test.seen());
      const double sum = std::accumulate(codes.begin(), codes.end(), 0.0);
      scores_ += fmt::format(", mean activation {:.4f}", sum / static_cast<double>(codes.size()));
    }
    if (!job_.checkpoints.empty())
      if (Status status = write_checkpoint(); !status) return status.error();
    if (Status status = write_model(scores_); !status) return status.error();
    Result<std::string> features = try_features();
    if (!features) return features.error();
    scores_ += *features;
    if (Status status = write_model(scores_); !status) return status.error();
    return TrainingSummary{updates_, elapsed(), first_loss_, last_loss_, {}, scores_, state_.weights, state_.average};
  }

  static std::string in_words(const HeldOutErrors& errors) {
    return to_string(errors.test) +
           (errors.validation.items > 0 ? ", on those to validate " + to_string(errors.validation) : "");
  }

  /// What the codes are good for, in words; empty where the recipe does not ask. Writes the classifier, if one is kept:
  /// the last that was trained.
  Result<std::string> try_features() {
    std::string text, how;
    const FeatureRecipe& features = shape_.features;
    Result<LogisticModel> model = LogisticModel();
    std::optional<Classifier> classifier;
    HeldOutErrors errors;
    const auto codes = [&](const ItemRows& rows) { return encode(whole_, state_.average, rows.values, test_keep()); };
    if (features.logistic) {
      model = fit_logistic(codes(items_.train), items_.train.labels, whole_.codes(), {*features.logistic});
      if (!model) return model.error();
      note(fmt::format("logistic regression: {} iterations, {}, loss {:.5f}", model->iterations,
                       model->converged ? "converged" : "stopped before it converged", model->loss));
      classifier = make_classifier(whole_, state_.average, *model, test_keep());
      errors = held_out_errors(*classifier, items_);
      text += ", logistic regression on codes " + in_words(errors), how = "fitted by logistic regression to its codes";
    }
    if (features.fine_tune) {
      FineTuning options{*features.fine_tune, features.logistic ? &*model : nullptr,
                         recipe_.batch,       test_keep(),
                         recipe_.seed,        job_.stop};
      options.note = [this](const std::string& line) { note(line); };
      Result<Classifier> tuned = fine_tune(whole_, state_.average, items_, options);
      if (!tuned) return tuned.error();
      classifier = std::move(*tuned);
      errors = held_out_errors(*classifier, items_);
      text += ", fine-tuned with a softmax layer " + in_words(errors), how = "both fine-tuned";
    }
    if (!job_.classifier.empty() && classifier)
      if (Status status = write_classifier(*classifier, errors, how); !status) return status.error();
    return text;
  }

  void note(const std::string& line) const {
    if (job_.note) job_.note(line);
  }

  const TrainingJob& job_;
  const Recipe& recipe_;
  const AutoencoderRecipe& shape_;
  Autoencoder whole_;
  ItemSet items_;
  OptimiserState state_;
  std::optional<Curve> curve_;
  std::int64_t stage_ = 0, updates_ = 0;
  std::vector<float> clean_, input_, gradient_;
  LossWatch watch_;
  Terms last_terms_;
  std::string scores_;
  Clock::time_point start_, report_time_, checkpoint_time_;
  std::int64_t report_step_ = 0;
  double seconds_before_ = 0, report_done_ = 0, flop_ = 0, rate_ = 0, first_loss_ = -1, last_loss_ = 0;
};

}  // namespace

Result<TrainingSummary> train_autoencoder(const TrainingJob& job) { return AutoencoderTrainer(job).run(); }

}  // namespace latentflow::train

// trainer.cpp: the training loop; see trainer.h.
#include "trainer.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <opencv2/core/utility.hpp>
#include <utility>

#include "autoencoder/train_autoencoder.h"
#include "batch.h"
#include "checkpoint.h"
#include "losses.h"
#include "model_file.h"
#include "networks.h"
#include "nn/algorithm_choice.h"
#include "nn/training_plan.h"
#include "run_clock.h"
#include "start_weights.h"
#include "training_pictures.h"
#include "training_run.h"

namespace latentflow::train {
namespace {

constexpr std::int64_t smallest_side = 64;  // of pictures to train on, unless validation looks at smaller crops

/// The plans of all shards for one patch size.
struct ShardPlans {
  nn::PackedParameters packed;
  std::vector<std::unique_ptr<nn::TrainingPlan>> plans;
};

class Trainer {
 public:
  explicit Trainer(const TrainingJob& job) : job_(job), recipe_(job.recipe), clock_(job), losses_(job.recipe.batch) {}

  Result<TrainingSummary> run() {
    if (Status status = prepare(); !status) return status.error();
    clock_.start(seconds_before_, share_of_steps());
    maker_->fill(batches_[0], state_.step, recipe_.phase(schedule(state_.step).share));
    for (int current = 0; progress() < 1; current = 1 - current) {
      if (job_.stop != nullptr && job_.stop->load())
        return stop_run(job_, state_.step, [this] { return write_checkpoint(); });
      if (Status status = step(batches_[current], batches_[1 - current]); !status) return status.error();
      if (Status status = between_steps(); !status) return status.error();
    }
    return finish();
  }

 private:
  /// What the networks and the schedule ask of the numbers of a recipe.
  Status check_recipe() const {
    for (const Phase& phase : recipe_.phases)
      if (phase.patch % extent_multiple(recipe_.network) != 0)
        return invalid_argument(fmt::format("patch is {}, this network needs multiples of {}", phase.patch,
                                            extent_multiple(recipe_.network)));
    for (const std::int64_t channels : recipe_.network.channels)
      if (channels % 16 != 0)
        return invalid_argument(fmt::format("channels is {}, allowed are multiples of 16", channels));
    if (recipe_.network.codes % 16 != 0)
      return invalid_argument(fmt::format("codes is {}, allowed are multiples of 16", recipe_.network.codes));
    if (!recipe_.restarts.empty() && recipe_.restarts.back() >= recipe_.steps)
      return invalid_argument(fmt::format("the recipe restarts its schedule at step {}, and training ends at step {}",
                                          recipe_.restarts.back(), recipe_.steps));
    if (job_.time_limit && !recipe_.restarts.empty())
      return invalid_argument(
          "the recipe restarts its schedule at given steps, which a time limit would move; leave one out");
    return success();
  }

  Status prepare() {
    if (Status status = check_recipe(); !status) return status;
    if (Status status = check_folders(job_); !status) return status;
    cv::setNumThreads(1);
    if (Status status = read_pictures(); !status) return status;

    Result<nn::Graph> graph = build_network(recipe_.network, recipe_.seed);
    if (!graph) return graph.error();
    graph_ = std::move(*graph);
    parameters_ = std::make_unique<nn::ParameterLayout>(graph_);
    if (Status status = start(); !status) return status;
    if (Status status = make_folders(job_); !status) return status;
    Result<std::optional<Curve>> curve = open_curve(job_, {}, recipe_.steps, state_.step);
    if (!curve) return curve.error();
    curve_ = std::move(*curve);
    maker_ = std::make_unique<BatchMaker>(recipe_, pictures_.training);
    for (const Phase& phase : recipe_.phases)
      if (Status status = make_plans(phase.patch); !status) return status;
    note(fmt::format("network {} with {} weights, {} steps of {} patches", recipe_.model, parameters_->size(),
                     recipe_.steps, recipe_.batch));
    return success();
  }

  Status read_pictures() {
    std::int64_t smallest = std::min(recipe_.validation.crop, smallest_side);
    for (const Phase& phase : recipe_.phases) smallest = std::max(smallest, phase.patch);
    Result<PictureSet> pictures = load_training_pictures(job_, smallest);
    if (!pictures) return pictures.error();
    pictures_ = std::move(*pictures);
    crops_ = central_crops(pictures_.held_out, recipe_.validation.crop);
    note(fmt::format("{} {} to train on, {} to validate on", pictures_.training.size(), pictures_.kind,
                     pictures_.held_out.size()));
    return success();
  }

  /// The state of the checkpoint, or the first weights.
  Status start() {
    Result<std::optional<Checkpoint>> loaded = checkpoint_to_resume(job_, parameters_->size());
    if (!loaded) return loaded.error();
    if (!*loaded) {
      if (!job_.finished.empty()) return go_on_from_model();
      if (!recipe_.start_from.empty()) {
        Result<std::string> model = train::start_from(recipe_.start_from, recipe_, graph_);
        if (!model) return model.error();
        started_from_ = std::move(*model);
        note("started from " + started_from_);
      }
      state_ = start_state(parameters_->gather(graph_));
      return success();
    }
    state_ = std::move((*loaded)->state);
    started_from_ = std::move((*loaded)->started_from);
    seconds_before_ = (*loaded)->seconds;
    nn::adopt_algorithms((*loaded)->algorithms);
    return success();
  }

  Status go_on_from_model() {
    Result<FinishedModel> model = finished_model(job_.finished, recipe_, graph_);
    if (!model) return model.error();
    started_from_ = fmt::format("{} at step {}", model->name, model->steps);
    state_ = start_state(parameters_->gather(graph_), model->steps);
    note("goes on from " + started_from_);
    return success();
  }

  Status make_plans(std::int64_t patch) {
    ShardPlans& shards = plans_[patch];
    if (!shards.plans.empty()) return success();
    std::vector<Dims> dims{{recipe_.shard, recipe_.network.color ? 3 : 1, patch, patch}};
    if (recipe_.network.second_input()) dims.push_back({recipe_.shard, 1, patch, patch});
    for (std::int64_t shard = 0; shard < recipe_.batch / recipe_.shard; ++shard) {
      auto plan = nn::TrainingPlan::create(graph_, dims, *parameters_, shards.packed, job_.winograd);
      if (!plan) return plan.error();
      shards.plans.push_back(std::move(*plan));
    }
    return success();
  }

  double share_of_steps() const { return static_cast<double>(state_.step) / static_cast<double>(recipe_.steps); }
  double progress() const { return clock_.done(share_of_steps()); }

  /// Of rate and phases: that of the recipe, or the share of all that is done where time is limited.
  Recipe::Schedule schedule(std::int64_t step) const {
    return job_.time_limit ? Recipe::Schedule{step, progress()} : recipe_.schedule(step);
  }

  /// Forward and back through one shard of `batch`; returns its part of the loss, and leaves its gradients in the plan.
  double run_shard(nn::TrainingPlan& plan, const Batch& batch, std::size_t shard) const {
    const std::int64_t area = batch.phase.patch * batch.phase.patch, channels = maker_->channels();
    const std::int64_t elements = recipe_.batch * area * channels;
    std::copy(batch.input[shard].begin(), batch.input[shard].end(), plan.input(0).begin());
    if (recipe_.network.second_input())
      std::copy(batch.map[shard].begin(), batch.map[shard].end(), plan.input(1).begin());
    plan.forward();
    const double loss =
        recipe_.task == Task::inpaint
            ? weighted_loss_and_gradient(batch.phase.loss, plan.output(), batch.clean[shard], batch.weight[shard],
                                         channels, area, elements, plan.output_gradient())
            : loss_and_gradient(batch.phase.loss, plan.output(), batch.clean[shard], elements, plan.output_gradient());
    plan.backward();
    return loss;
  }

  /// One update on `batch`, while the samples of the next one are made.
  Status step(Batch& batch, Batch& next) {
    const Recipe::Schedule now = schedule(state_.step);
    const bool restarts = now.step == 0 && state_.step > state_.began;
    if (restarts) state_ = start_state(std::move(state_.average), state_.step);
    ShardPlans& shards = plans_.at(batch.phase.patch);
    const std::size_t count = shards.plans.size();
    shards.packed.pack(*parameters_, state_.weights);
    maker_->start(next, state_.step + 1, recipe_.phase(schedule(state_.step + 1).share));
    std::vector<double> losses(count);
    // Shards first: they are the large pieces, and the samples fill the gaps at the end.
    const std::size_t samples = static_cast<std::size_t>(recipe_.batch);
    std::atomic<std::size_t> taken{0};
    tbb::parallel_for(
        std::size_t{0}, count + samples,
        [&](std::size_t) {
          const std::size_t piece = taken.fetch_add(1);
          if (piece >= count) return maker_->make(next, piece - count);
          losses[piece] = run_shard(*shards.plans[piece], batch, piece);
        },
        tbb::simple_partitioner());

    double loss = 0, flop = 0;
    std::vector<std::span<const float>> gradients;
    for (std::size_t shard = 0; shard < count; ++shard) {
      loss += losses[shard];
      gradients.push_back(shards.plans[shard]->gradients());
      flop += shards.plans[shard]->flop();
    }
    clock_.count(recipe_.batch, flop);
    const bool new_phase = batch.phase.loss != last_loss_kind_;
    last_loss_kind_ = batch.phase.loss;
    rate_ = learning_rate(recipe_.optimiser, now.step, now.share);
    const double norm = update(recipe_.optimiser, rate_, gradients, state_);
    if (Status status = watch_loss(job_, losses_, batch.step, loss, norm, new_phase); !status) return status;
    if (curve_) curve_->add({loss, {}, 0, norm, rate_});
    if (first_loss_ < 0) first_loss_ = loss;
    last_loss_ = loss;
    return success();
  }

  Status between_steps() {
    std::optional<double> mean_psnr;
    if (state_.step % recipe_.validation.every == 0 && !crops_.empty()) {
      Result<std::vector<Score>> scores = validate(averaged_graph(), recipe_, crops_);
      if (!scores) return scores.error();
      scores_ = std::move(*scores);
      mean_psnr = 0;
      for (const Score& score : scores_) *mean_psnr += score.after / static_cast<double>(scores_.size());
    }
    if (curve_) {
      const bool last = progress() >= 1;
      Status status = curve_->write(state_.step, 0, clock_.elapsed(), mean_psnr, last);
      if (!status && !last) return status;
      kept_ = std::move(status);
    }
    if (clock_.report_is_due()) report();
    return clock_.checkpoint_is_due() && progress() < 1 ? write_checkpoint() : success();
  }

  void report() {
    Progress progress;
    progress.step = state_.step, progress.steps = recipe_.steps;
    progress.loss = losses_.take_mean(), progress.rate = rate_;
    progress.scores = describe(scores_);
    clock_.report(std::move(progress), share_of_steps());
  }

  nn::Graph averaged_graph() const {
    nn::Graph graph = graph_;
    parameters_->scatter(state_.average, graph);
    return graph;
  }

  Status write_model(const std::string& scores) const {
    const ModelFacts facts{fmt::format("{}: {} {} to train on, {} held out", pictures_.source,
                                       pictures_.training.size(), pictures_.kind, pictures_.held_out.size()),
                           scores, trained_with(job_, state_.step, "patches", clock_.elapsed(), started_from_),
                           pictures_.levels};
    return save_model(averaged_graph(), recipe_, facts, job_.model);
  }

  Status keep_state() {
    const Checkpoint checkpoint{
        state_, 0, state_.step, clock_.elapsed(), recipe_.text, recipe_.seed, nn::known_algorithms(), started_from_};
    if (Status status = save_checkpoint(checkpoint, checkpoint_file(job_)); !status) return status;
    clock_.checkpoint_is_written();
    note(fmt::format("checkpoint at step {}", state_.step));
    return success();
  }

  Status write_checkpoint() {
    if (Status status = keep_state(); !status) return status;
    return write_model("in training; " + describe(scores_));
  }

  Result<TrainingSummary> finish() {
    const bool trained = first_loss_ >= 0;
    trained ? report() : note(nothing_left(job_, state_.step, recipe_.steps));
    if (!pictures_.held_out.empty()) {
      Result<std::vector<Score>> scores = validate(averaged_graph(), recipe_, pictures_.held_out);
      if (!scores) return scores.error();
      scores_ = std::move(*scores);
    }
    // Model and checkpoint lie in folders of their own: where one cannot be written, the other is all the same.
    const std::string on = job_.validation.empty() ? "held-out pictures" : folder_name(job_.validation);
    const Status written = write_model(fmt::format("{}: {}", on, describe(scores_)));
    const Status checkpoint = trained && !job_.checkpoints.empty() ? keep_state() : success();
    for (const Status* status : {&written, &std::as_const(kept_), &checkpoint})
      if (!*status) return status->error();
    return TrainingSummary{state_.step, clock_.elapsed(),  first_loss_,    last_loss_,
                           scores_,     describe(scores_), state_.weights, state_.average};
  }

  void note(const std::string& line) const {
    if (job_.note) job_.note(line);
  }

  const TrainingJob& job_;
  const Recipe& recipe_;
  RunClock clock_;
  PictureSet pictures_;
  std::vector<Photograph> crops_;  ///< of the pictures that are held out, to validate on along the way
  nn::Graph graph_;
  std::unique_ptr<nn::ParameterLayout> parameters_;
  std::unique_ptr<BatchMaker> maker_;
  std::map<std::int64_t, ShardPlans> plans_;
  OptimiserState state_;
  std::string started_from_;
  std::optional<Curve> curve_;
  Status kept_ = success();  ///< of the last row of the curve
  Batch batches_[2];
  LossWatch losses_;
  std::vector<Score> scores_;
  double seconds_before_ = 0;  ///< of the runs that this one goes on from
  double rate_ = 0, first_loss_ = -1, last_loss_ = 0;
  Loss last_loss_kind_ = Loss::l1;
};

}  // namespace

Result<TrainingSummary> train(const TrainingJob& job) {
  if (Status status = check_classifier(job); !status) return status.error();
  return job.recipe.task == Task::autoencoder ? train_autoencoder(job) : Trainer(job).run();
}

}  // namespace latentflow::train

// training_run.h: what all trainers do alike around their steps: folders, and going on from a checkpoint.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint.h"
#include "curve.h"
#include "loss_watch.h"
#include "trainer.h"

namespace latentflow::train {

/// Before anything is read or made: whether models and checkpoints can be written where the job wants them. Errors: io;
/// invalid_argument where a file stands in the way, and where a checkpoint of an earlier run is there and the job does
/// not resume, which would overwrite it.
Status check_folders(const TrainingJob& job);

/// Makes the folders of the models and of the checkpoints, when nothing is left that could refuse the job. Errors: io,
/// also where a model could not be written.
Status make_folders(const TrainingJob& job);

/// Whether the recipe of the job trains the classifier that the job wants kept, if it wants one. Errors:
/// invalid_argument for a recipe without `features` and for the file of the model; unsupported for sparse codes, which
/// the file of a classifier could not hold.
Status check_classifier(const TrainingJob& job);

/// What cards call a folder: its own name, however the path to it is spelt ("photographs/" too).
std::string folder_name(const std::filesystem::path& folder);

/// What the `trained_with` of a card says: "latentflow, 400 steps of 32 patches in 12 s, seed 1: COMMAND". `samples`
/// are what a batch holds, `seconds` those of all runs, `started_from` what the first weights came from, or empty.
std::string trained_with(const TrainingJob& job, std::int64_t steps, std::string_view samples, double seconds,
                         const std::string& started_from = "");

/// NAME.checkpoint in the job's folder of checkpoints, NAME being that of the recipe's model.
std::filesystem::path checkpoint_file(const TrainingJob& job);

/// The checkpoint that the job resumes from; none where it does not resume or there is none yet (which is noted).
/// A recipe with a restart where a shorter one ended, otherwise the same, may go on from the checkpoint of that one.
/// Errors: a checkpoint of another recipe, with the first line that differs, of another seed or number of weights, or a
/// damaged one.
Result<std::optional<Checkpoint>> checkpoint_to_resume(const TrainingJob& job, std::size_t parameters);

struct FinishedModel {
  std::int64_t steps = 0;
  std::string name;  ///< of the file, with the SHA-256 of its weights, for the card
};

/// Puts the weights of a model whose recipe ended where this one has a restart into `graph`. Since a restart takes the
/// averaged weights, which are those of the model, and nothing else, training goes on as from the last checkpoint.
/// A model that `latentflow model half` wrote has them rounded. Errors: those of start_from(); bad_input for a model of
/// another recipe or one that did not make all of its steps; invalid_argument for another seed.
Result<FinishedModel> finished_model(const std::filesystem::path& model, const Recipe& recipe, nn::Graph& graph);

/// The curve beside the checkpoints; none without them. `steps` are those of the whole run, `done` those that the
/// checkpoint resumed from had made, 0 for a fresh start. Notes what is lost of a curve that a resumed run goes on
/// with. Errors: io.
Result<std::optional<Curve>> open_curve(const TrainingJob& job, std::span<const std::string> penalties,
                                        std::int64_t steps, std::int64_t done);

/// Adds the loss of a step. Errors: internal, naming the step, where it or the norm of the gradient is not finite, or
/// the loss runs away; says that the last checkpoint is kept where there is one.
Status watch_loss(const TrainingJob& job, LossWatch& watch, std::int64_t step, double loss, double norm,
                  bool new_phase = false);

/// What is said of a run that has no step left to make when it begins: after `done` of `steps` steps.
std::string nothing_left(const TrainingJob& job, std::int64_t done, std::int64_t steps);

/// What is wrong with the folders of the job: those that its recipe does not read, in words for the command line. Empty
/// where it reads all that are named.
std::string unused_folders(const TrainingJob& job);

/// What a run ends with that TrainingJob::stop asks to end: cancelled, naming the step; before that `keep` writes a
/// checkpoint, where the job keeps some. Errors: those of `keep`.
Error stop_run(const TrainingJob& job, std::int64_t step, const std::function<Status()>& keep);

}  // namespace latentflow::train

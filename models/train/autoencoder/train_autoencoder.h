// train_autoencoder.h: trains an autoencoder on vectors, greedily layer by layer first if asked, then end to end.
#pragma once

#include "train/trainer.h"

namespace latentflow::train {

/// For recipes of task autoencoder. Stage 0 to L - 1 of a `stacked` recipe train one encoder layer with the decoder
/// layer that mirrors it, on the clean codes of the layers below (Vincent et al., JMLR 2010); the last stage trains all
/// layers together. Every stage has its own rise and fall of the rate; a time limit is shared out by their steps.
/// Then the codes are tried for what the recipe names under `features`; this is not part of the time limit.
/// The averaged weights are what a stage hands on and what is saved. Every step is computed on all oneTBB threads, with
/// the same bits for any number of them; checkpoints, resuming and errors as of train().
Result<TrainingSummary> train_autoencoder(const TrainingJob& job);

}  // namespace latentflow::train

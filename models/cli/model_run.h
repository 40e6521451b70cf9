// model_run.h: planning and timing a network for `latentflow model plan` and `latentflow model run`.
#pragma once

#include <vector>

#include "nn/network.h"

namespace latentflow::nn {

struct RunOptions {
  Winograd winograd = Winograd::automatic;
  int pictures = 1;  ///< 0 only plans
  int threads = 0;   ///< 0: one per processor
  bool tiled = false;
};

/// Prints a table of the planned steps and, after running random pictures, their times and the speed of the whole.
Status run_model(const Graph& graph, const std::vector<Dims>& input_dims, const RunOptions& options);

}  // namespace latentflow::nn

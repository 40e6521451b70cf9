// model_speed.h: what a network costs: the measured plan of `latentflow model plan`, the speed of `latentflow model
// speed`.
#pragma once

#include <string>
#include <vector>

#include "nn/network.h"

namespace latentflow::nn {

struct PlanOptions {
  NetworkOptions network;
  int runs = 3;  ///< timed on one thread after one warm-up; 0 only plans
};

/// Prints the steps of one run on one thread: algorithm, GFLOP, best time of the runs, share of the whole, bytes.
/// Errors name the file: those of Network; out_of_memory where timed runs need more than the machine has.
Status print_plan(const std::string& file, const std::vector<Dims>& input_dims, const PlanOptions& options);

struct SpeedOptions {
  NetworkOptions network;
  int pictures = 1;
  int threads = 0;     ///< 0: one per processor
  bool tiled = false;  ///< each picture on all threads, one after the other; otherwise one thread per picture
};

/// Runs random pictures and prints how fast that was. Errors as of print_plan().
Status print_speed(const std::string& file, const std::vector<Dims>& input_dims, const SpeedOptions& options);

}  // namespace latentflow::nn

// algorithm_choice.h: which of several algorithms is the fastest one, measured once per machine and shape.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "latentflow/tensor.h"

namespace latentflow::nn {

/// The part of a picture of `dims` [N,C,H,W] on which algorithms are compared: of one image at most 48 x 240 pixels,
/// whole tiles of any Winograd, and fewer rows, but at least 12, where the larger of C and `channels`, those at the
/// other end of the layer, would make more than 4 MiB of them. What is measured thus takes little memory and time
/// however large the picture is, and large pictures share answers.
Dims timed_part(const Dims& dims, std::int64_t channels);

/// One way to compute a step. `seconds` runs it; it is only called where there is a choice to make.
struct TimedAlgorithm {
  std::string name;
  std::function<double()> seconds;
};

/// The name of the fastest, remembered for `key`: later calls with the same key and at least this algorithm get the
/// same answer without measuring, those of later processes too (choice_cache.h). One measurement at a time, so that two
/// of them never disturb each other. Thread-safe.
std::string fastest(const std::string& key, std::span<const TimedAlgorithm> algorithms);

/// What fastest() has found for the key, or remembers; none where it would measure.
std::optional<std::string> known_algorithm(const std::string& key);

/// All answers so far, by key; a resumed training adopts those of the run that it goes on with, because other
/// algorithms round otherwise.
std::map<std::string, std::string> known_algorithms();
void adopt_algorithms(const std::map<std::string, std::string>& choices);

/// Best time of `runs` calls after one to warm up, in seconds of the calling thread, so that other work on the
/// processor does not decide.
double best_thread_seconds(int runs, const std::function<void()>& call);

}  // namespace latentflow::nn

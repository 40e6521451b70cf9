// algorithm_choice.cpp: see algorithm_choice.h.
#include "algorithm_choice.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <mutex>

#include "choice_cache.h"
#include "onednn.h"

namespace latentflow::nn {
namespace {

struct Choices {
  std::mutex mutex, measuring;
  ChoiceCache cache{choice_cache_folder(), choice_cache_machine()};

  static Choices& shared() {
    static Choices choices;
    return choices;
  }
};

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

Dims timed_part(const Dims& dims, std::int64_t channels) {
  constexpr std::int64_t tile = 12;  // a multiple of every Winograd's
  constexpr std::int64_t most_rows = 4 * tile, most_columns = 20 * tile, most_floats = 1 << 20;
  const std::int64_t columns = std::min(dims[3], most_columns);
  const std::int64_t rows = most_floats / (columns * std::max(dims[1], channels)) / tile * tile;
  return {1, dims[1], std::min(dims[2], std::clamp(rows, tile, most_rows)), columns};
}

double best_thread_seconds(int runs, const std::function<void()>& call) {
  call();
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < runs; ++run) {
    const double start = thread_seconds();
    call();
    best = std::min(best, thread_seconds() - start);
  }
  return best;
}

std::string fastest(const std::string& key, std::span<const TimedAlgorithm> algorithms) {
  if (algorithms.size() == 1) return algorithms.front().name;
  Choices& choices = Choices::shared();
  const std::lock_guard measuring(choices.measuring);
  {
    const std::lock_guard lock(choices.mutex);
    if (const std::string* known = choices.cache.find(key))
      for (const TimedAlgorithm& algorithm : algorithms)
        if (algorithm.name == *known) return algorithm.name;
  }
  const TimedAlgorithm* best = nullptr;
  double best_seconds = std::numeric_limits<double>::infinity();
  for (const TimedAlgorithm& algorithm : algorithms)
    if (const double seconds = algorithm.seconds(); best == nullptr || seconds < best_seconds)
      best = &algorithm, best_seconds = seconds;
  onednn::forget_primitives();
  const std::lock_guard lock(choices.mutex);
  choices.cache.learn(key, best->name);
  return best->name;
}

std::optional<std::string> known_algorithm(const std::string& key) {
  Choices& choices = Choices::shared();
  const std::lock_guard lock(choices.mutex);
  const std::string* known = choices.cache.find(key);
  return known == nullptr ? std::nullopt : std::optional(*known);
}

std::map<std::string, std::string> known_algorithms() {
  const std::lock_guard lock(Choices::shared().mutex);
  return Choices::shared().cache.known();
}

void adopt_algorithms(const std::map<std::string, std::string>& choices) {
  const std::lock_guard lock(Choices::shared().mutex);
  for (const auto& [key, name] : choices) Choices::shared().cache.set(key, name);
}

}  // namespace latentflow::nn

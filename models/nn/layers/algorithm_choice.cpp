// algorithm_choice.cpp: which convolution algorithm is the faster one, measured once per machine and shape.
#include <mutex>

#include "convolution.h"
#include "nn/choice_cache.h"

namespace latentflow::nn {

bool winograd_wins(const std::string& key, const std::function<bool()>& measure) {
  // One measurement at a time, so that two of them never disturb each other, and every network gets the same answer.
  static std::mutex mutex;
  static ChoiceCache known(choice_cache_folder(), choice_cache_machine(), "run");
  const std::lock_guard lock(mutex);
  return known.ask(key, measure);
}

}  // namespace latentflow::nn

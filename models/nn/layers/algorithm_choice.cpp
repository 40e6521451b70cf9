// algorithm_choice.cpp: which convolution algorithm is the faster one, measured once per process and shape.
#include <map>
#include <mutex>

#include "convolution.h"

namespace latentflow::nn {

bool winograd_wins(const std::string& key, const std::function<bool()>& measure) {
  // One measurement at a time, so that two of them never disturb each other, and every network gets the same answer.
  static std::mutex mutex;
  static std::map<std::string, bool> known;
  const std::lock_guard lock(mutex);
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  return known[key] = measure();
}

}  // namespace latentflow::nn

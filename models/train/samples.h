// samples.h: makes training samples: a random patch, its corruption and the noise level, from numbers alone.
#pragma once

#include <cstdint>
#include <span>

#include "photographs.h"
#include "recipe.h"

namespace latentflow::train {

/// Where one sample is written; planes of patch x patch floats, row-major.
struct SampleTarget {
  float* input;             ///< [C,P,P], noisy or with filled holes
  float* map;               ///< [1,P,P]: sigma / 255, or 1 in holes; may be null where the network takes no noise map
  float* clean;             ///< [C,P,P] in 0..1
  float* weight = nullptr;  ///< [1,P,P], of the loss; only written for inpainting
};

class SampleMaker {
 public:
  /// The photographs must outlive it; none may have a side shorter than any patch. Where they are pairs, the recipe's
  /// corruption does nothing; see cut_pair(). Where they have masks, these are the holes; see cut_masked().
  SampleMaker(const Recipe& recipe, std::span<const Photograph> photographs)
      : recipe_(recipe), photographs_(photographs) {}

  /// Depends on the arguments and the recipe's seed alone. Any number of threads at once.
  void make(std::uint64_t step, std::uint64_t sample, const Phase& phase, const SampleTarget& target) const;

 private:
  const Recipe& recipe_;
  std::span<const Photograph> photographs_;
};

}  // namespace latentflow::train

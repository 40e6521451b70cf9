// batch.h: the samples of one training step, in shards, made sample by sample on any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "samples.h"

namespace latentflow::train {

struct Batch {
  std::int64_t step = -1;
  Phase phase;
  /// Per shard: [shard,C,P,P], [shard,1,P,P], [shard,C,P,P] and [shard,1,P,P] floats; see SampleTarget.
  std::vector<std::vector<float>> input, map, clean, weight;
};

class BatchMaker {
 public:
  /// Both have to outlive it.
  BatchMaker(const Recipe& recipe, std::span<const Photograph> photographs)
      : recipe_(recipe), samples_(recipe, photographs) {}

  std::size_t shards() const { return static_cast<std::size_t>(recipe_.batch / recipe_.shard); }
  std::int64_t channels() const { return recipe_.network.color ? 3 : 1; }

  /// Makes room; the samples follow.
  void start(Batch& batch, std::int64_t step, const Phase& phase) const;
  /// Sample 0 to batch - 1; several threads may make different samples at once.
  void make(Batch& batch, std::size_t sample) const;
  /// start() and all samples, in parallel.
  void fill(Batch& batch, std::int64_t step, const Phase& phase) const;

 private:
  const Recipe& recipe_;
  SampleMaker samples_;
};

}  // namespace latentflow::train

// batch.cpp: see batch.h.
#include "batch.h"

#include <tbb/parallel_for.h>

namespace latentflow::train {

void BatchMaker::start(Batch& batch, std::int64_t step, const Phase& phase) const {
  batch.step = step, batch.phase = phase;
  const auto area = static_cast<std::size_t>(recipe_.shard * phase.patch * phase.patch);
  for (auto* buffers : {&batch.input, &batch.map, &batch.clean, &batch.weight}) {
    buffers->resize(shards());
    for (auto& buffer : *buffers)
      buffer.resize(buffers == &batch.map || buffers == &batch.weight ? area
                                                                      : static_cast<std::size_t>(channels()) * area);
  }
}

void BatchMaker::make(Batch& batch, std::size_t sample) const {
  const auto per_shard = static_cast<std::size_t>(recipe_.shard);
  const std::size_t shard = sample / per_shard, within = sample % per_shard;
  const auto area = static_cast<std::size_t>(batch.phase.patch * batch.phase.patch);
  const std::size_t offset = within * static_cast<std::size_t>(channels()) * area;
  samples_.make(static_cast<std::uint64_t>(batch.step), sample, batch.phase,
                {batch.input[shard].data() + offset, batch.map[shard].data() + within * area,
                 batch.clean[shard].data() + offset, batch.weight[shard].data() + within * area});
}

void BatchMaker::fill(Batch& batch, std::int64_t step, const Phase& phase) const {
  start(batch, step, phase);
  tbb::parallel_for(std::size_t{0}, static_cast<std::size_t>(recipe_.batch), [&](std::size_t i) { make(batch, i); });
}

}  // namespace latentflow::train

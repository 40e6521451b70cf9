// packed_weights.h: constants in the layouts that primitives want, packed once and shared between plans.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "nn/graph.h"
#include "nn/onednn.h"

namespace latentflow::nn {

/// Packed constants live as long as a plan holds them. Thread-safe.
class PackedWeights {
 public:
  using Data = std::shared_ptr<const float>;

  /// The constant `id`, which lies in memory as `from` says, in layout `to`. Shares the tensor when nothing changes.
  Data packed(ValueId id, const Tensor& tensor, const onednn::Layout& from, const onednn::Layout& to);

  /// Bytes of all packed copies alive; constants used as they are do not count.
  std::size_t bytes() const;

 private:
  struct Entry {
    ValueId id;
    onednn::Layout from, to;
    std::weak_ptr<const float> data;
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

/// Uninitialised floats, 64-byte aligned. Throws std::bad_alloc.
std::shared_ptr<float> aligned_floats(std::size_t bytes);

}  // namespace latentflow::nn

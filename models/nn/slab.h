// slab.h: memory for floats that is freed with its last user, and many small arrays of them in few huge pages.
#pragma once

#include <cstddef>
#include <memory>

#include "latentflow/aligned_memory.h"

namespace latentflow::nn {

/// Uninitialised floats, 64-byte aligned. Throws std::bad_alloc.
inline std::shared_ptr<float> aligned_floats(std::size_t bytes) {
  return {static_cast<float*>(allocate_aligned(bytes)), [](float* pointer) { free_aligned(pointer); }};
}

/// Memory for arrays that come and go together, such as the weights of a network: cut from blocks that lie in huge
/// pages, where the first touch of every 4 KiB would cost as much as computing what is written there. A block is freed
/// when none of its arrays is in use any more, so an array that outlives its neighbours keeps their memory. Arrays of
/// several huge pages are blocks of their own. For one thread at a time.
class Slab {
 public:
  /// Uninitialised floats, 64-byte aligned. Throws std::bad_alloc.
  std::shared_ptr<float> take(std::size_t bytes) {
    if (bytes >= block_bytes / 4) return aligned_floats(bytes);
    std::shared_ptr<float> block = block_.lock();
    if (block == nullptr || used_ + bytes > block_bytes) {
      block = aligned_floats(block_bytes);
      block_ = block, used_ = 0;
    }
    float* array = block.get() + used_ / sizeof(float);
    used_ += whole_lines(bytes);
    return {std::move(block), array};
  }

 private:
  static constexpr std::size_t block_bytes = 8 * huge_page;  // pages that nobody touches cost nothing

  std::weak_ptr<float> block_;
  std::size_t used_ = 0;
};

}  // namespace latentflow::nn

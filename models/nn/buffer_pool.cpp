// buffer_pool.cpp: see buffer_pool.h.
#include "buffer_pool.h"

#include <algorithm>

#include "packed_weights.h"

namespace latentflow::nn {

BufferPool& BufferPool::shared() {
  static BufferPool pool;
  return pool;
}

BufferPool::Lease BufferPool::lease(std::size_t bytes) {
  Block outgrown;  // freed outside the lock
  {
    const std::lock_guard lock(mutex_);
    const auto smaller = [](const Block& a, const Block& b) { return a.bytes < b.bytes; };
    auto fit = free_.end();
    for (auto block = free_.begin(); block != free_.end(); ++block)
      if (block->bytes >= bytes && (fit == free_.end() || smaller(*block, *fit))) fit = block;
    if (fit != free_.end()) {
      Block block = std::move(*fit);
      free_.erase(fit);
      return {*this, std::move(block)};
    }
    // None is big enough: the largest makes way for its successor.
    if (!free_.empty()) {
      const auto largest = std::max_element(free_.begin(), free_.end(), smaller);
      outgrown = std::move(*largest);
      free_.erase(largest);
    }
  }
  outgrown = {};
  return {*this, {aligned_floats(bytes), bytes}};
}

void BufferPool::give_back(Block block) {
  if (!block.data) return;
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(block));
}

}  // namespace latentflow::nn

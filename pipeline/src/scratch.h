// scratch.h: aligned temporary memory for calls of nodes; blocks are kept and reused, because fresh pages cost time.
#pragma once

#include <atomic>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "latentflow/aligned_memory.h"

namespace latentflow {

/// Blocks of any size. Idle blocks together stay below a limit; what does not fit is returned to the system.
class ScratchPool {
 public:
  explicit ScratchPool(std::size_t keep_bytes) : keep_bytes_(keep_bytes) {}
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;
  ~ScratchPool() {
    for (auto& [size, block] : idle_) free_aligned(block);
  }

  struct Block {
    void* memory = nullptr;
    std::size_t size = 0;
  };

  /// Throws std::bad_alloc.
  Block take(std::size_t bytes) {
    const std::size_t size = whole_lines(bytes);
    {
      const std::lock_guard lock(mutex_);
      if (auto found = idle_.lower_bound(size); found != idle_.end() && found->first <= 2 * size) {
        const Block block{found->second, found->first};
        idle_bytes_ -= block.size;
        idle_.erase(found);
        return block;
      }
    }
    return {allocate_aligned(size), size};
  }

  /// Idle blocks may take so much from now on; the largest go first.
  void keep(std::size_t bytes) {
    if (keep_bytes_ != bytes) keep_bytes_ = bytes;
    if (idle_bytes_ <= bytes) return;
    const std::lock_guard lock(mutex_);
    while (idle_bytes_ > keep_bytes_) {
      const auto largest = std::prev(idle_.end());
      idle_bytes_ -= largest->first;
      free_aligned(largest->second);
      idle_.erase(largest);
    }
  }

  void give_back(Block block) {
    const std::lock_guard lock(mutex_);
    // Added before the limit is looked at: keep() does it in the other order, so that one of the two sees the other.
    if ((idle_bytes_ += block.size) > keep_bytes_ || block.size == 0) {
      idle_bytes_ -= block.size;
      return free_aligned(block.memory);
    }
    idle_.emplace(block.size, block.memory);
  }

 private:
  std::mutex mutex_;
  std::multimap<std::size_t, void*> idle_;
  std::atomic<std::size_t> idle_bytes_ = 0;  ///< changed with the mutex held
  std::atomic<std::size_t> keep_bytes_;
};

}  // namespace latentflow

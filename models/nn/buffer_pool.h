// buffer_pool.h: big blocks of working memory that are kept for the next run, so that steady work does not allocate.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace latentflow::nn {

/// Thread-safe; holds at most as many blocks as were ever in use at once.
class BufferPool {
 public:
  /// That of all networks: a thread works in one network at a time, so that one block per thread serves them all.
  static BufferPool& shared();

  struct Block {
    std::shared_ptr<float> data;
    std::size_t bytes = 0;
  };
  /// Gives its block back when it goes.
  class Lease {
   public:
    Lease(BufferPool& pool, Block block) : pool_(&pool), block_(std::move(block)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { pool_->give_back(std::move(block_)); }
    std::byte* data() const { return reinterpret_cast<std::byte*>(block_.data.get()); }

   private:
    BufferPool* pool_;
    Block block_;
  };

  /// At least `bytes`, 64-byte aligned, contents undefined. Throws std::bad_alloc.
  Lease lease(std::size_t bytes);

 private:
  void give_back(Block block);

  std::mutex mutex_;
  std::vector<Block> free_;
};

}  // namespace latentflow::nn

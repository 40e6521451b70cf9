// shared_work.h: loops inside a layer or a stage that threads without work of their own take a part of.
#pragma once

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>

namespace latentflow::nn {

/// Threads that one loop may occupy, and what scratch memory is planned for: of this machine, at most four.
inline int most_sharers() {
  static const int sharers = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 4u));
  return sharers;
}

/// How many rows of a picture make a piece that is worth a task.
inline std::int64_t row_grain(std::int64_t width) { return std::max<std::int64_t>(1, 1024 / width); }

/// Calls work(first, last, sharer) for pieces of at most `grain` that cover 0 to `count`, with a sharer below
/// most_sharers() that no other thread has meanwhile. While all threads are busy, as in a folder of pictures, the
/// calling one does everything and the price is that of a few tasks that find nothing to do; an idle thread joins in at
/// once. Pieces do not depend on who computes them, so neither do results.
template <class Work>
void share_work(std::int64_t count, std::int64_t grain, const Work& work) {
  const auto sharers = static_cast<int>(std::min<std::int64_t>(most_sharers(), (count + grain - 1) / grain));
  if (sharers <= 1) return work(std::int64_t{0}, count, 0);
  std::atomic<std::int64_t> next{0};
  const auto take_part = [&](int sharer) {
    for (std::int64_t first; (first = next.fetch_add(grain, std::memory_order_relaxed)) < count;)
      work(first, std::min(first + grain, count), sharer);
  };
  // Isolated: who waits for the last piece must not pick up another picture of the pipeline meanwhile.
  tbb::this_task_arena::isolate([&] { tbb::parallel_for(0, sharers, take_part, tbb::simple_partitioner()); });
}

}  // namespace latentflow::nn

// shared_work_test.cpp: threads that share the work of one layer.
#include "nn/shared_work.h"

#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

#include <atomic>
#include <vector>

#include "nn/network.h"
#include "support/network_builder.h"

namespace latentflow::nn {
namespace {

TEST(Networks, IdleThreadsHelpWithoutChangingABit) {
  testing::Builder b = testing::residual_unet({1, 3, 260, 324});
  const auto network = *Network::create(b.graph, {});
  const auto inputs = b.inputs();
  const auto with_threads = [&](std::size_t count) {
    const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, count);
    auto outputs = network->run(inputs);
    return std::vector<float>(outputs->front().span().begin(), outputs->front().span().end());
  };
  const std::vector<float> alone = with_threads(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(with_threads(4), alone);
}

TEST(SharedWork, DoesEveryPieceOnceAndNoSharerTwiceAtATime) {
  for (const std::int64_t count : {0, 1, 7, 8, 1000}) {
    std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
    std::vector<std::atomic<int>> busy(static_cast<std::size_t>(most_sharers()));
    std::atomic<bool> clash{false};
    share_work(count, 3, [&](std::int64_t first, std::int64_t last, int sharer) {
      if (busy.at(static_cast<std::size_t>(sharer)).fetch_add(1) != 0) clash = true;
      for (std::int64_t i = first; i < last; ++i) ++done.at(static_cast<std::size_t>(i));
      busy[static_cast<std::size_t>(sharer)].fetch_sub(1);
    });
    EXPECT_FALSE(clash);
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

}  // namespace
}  // namespace latentflow::nn

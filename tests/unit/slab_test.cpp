// slab_test.cpp: arrays that share blocks.
#include "nn/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace latentflow::nn {
namespace {

constexpr std::size_t kibibyte = 1024;

TEST(Slab, ArraysAreAlignedAndDoNotOverlap) {
  Slab slab;
  std::vector<std::pair<std::shared_ptr<float>, std::size_t>> arrays;
  for (std::size_t i = 0; i < 400; ++i) {  // several blocks and arrays of their own
    const std::size_t bytes = (i % 7 == 0 ? 5000 * kibibyte * (i % 2) : i * kibibyte) + i % 5 * sizeof(float);
    arrays.emplace_back(slab.take(bytes), bytes / sizeof(float));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arrays.back().first.get()) % memory_alignment, 0u);
    std::fill_n(arrays.back().first.get(), bytes / sizeof(float), static_cast<float>(i));
  }
  for (std::size_t i = 0; i < arrays.size(); ++i)
    EXPECT_EQ(std::count(arrays[i].first.get(), arrays[i].first.get() + arrays[i].second, static_cast<float>(i)),
              static_cast<std::ptrdiff_t>(arrays[i].second))
        << i;
}

TEST(Slab, NeighboursLieTogetherAndABlockIsFreedWithItsLastArray) {
  Slab slab;
  std::shared_ptr<float> first = slab.take(100), second = slab.take(100);
  EXPECT_EQ(second.get() - first.get(), 32);  // two cache lines of 16 floats
  const std::weak_ptr<float> block = first;
  first.reset();
  EXPECT_FALSE(block.expired()) << "its neighbour is in use";
  second.reset();
  EXPECT_TRUE(block.expired());
  EXPECT_NE(slab.take(100), nullptr);
}

}  // namespace
}  // namespace latentflow::nn

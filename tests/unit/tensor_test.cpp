// tensor_test.cpp: tensors and the memory they lie in.
#include "latentflow/tensor.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <cstdint>
#include <numeric>

namespace latentflow {
namespace {

TEST(AlignedMemory, IsAlignedAndWritableInWholeLinesForEverySize) {
  for (std::size_t bytes = 0; bytes <= 300; ++bytes) {
    void* memory = allocate_aligned(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % memory_alignment, 0u) << bytes;
    std::memset(memory, 0xff, whole_lines(bytes));
    free_aligned(memory);
  }
  free_aligned(nullptr);
}

TEST(AlignedMemory, BeginsWithAHugePageFromTheSizeOfOneOn) {
  for (const std::size_t bytes : {huge_page - 1, huge_page, huge_page + 1, 5 * huge_page / 2}) {
    void* memory = allocate_aligned(bytes);
    const std::size_t alignment = bytes < huge_page ? memory_alignment : huge_page;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignment, 0u) << bytes;
    std::memset(memory, 0xff, whole_lines(bytes));
    free_aligned(memory);
  }
}

TEST(AlignedMemory, RefusesWhatNoMachineHas) {
  EXPECT_THROW(allocate_aligned(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(allocate_aligned(PTRDIFF_MAX), std::bad_alloc);
}

TEST(Tensor, OverMemoryOfOthersIsCopiedBeforeItChanges) {
  const std::shared_ptr<float[]> block(new float[32]{});
  Tensor tensor = Tensor::over({2, 3}, {block, block.get() + 16});
  EXPECT_EQ(tensor.data(), block.get() + 16);
  EXPECT_EQ(tensor.size(), 6);
  tensor.mutable_data()[5] = 1;
  EXPECT_NE(tensor.data(), block.get() + 16);
  EXPECT_EQ(block[21], 0.0f);
  EXPECT_EQ(tensor.span()[5], 1.0f);
}

TEST(Tensor, GivesItsMemoryToTheNextOfItsSize) {
  // What an item of 64x64 pixels does: tensors come and go among small blocks, of which one stays.
  std::vector<std::unique_ptr<std::array<char, 40>>> kept;
  const auto item = [&] {
    const Tensor first({1, 3, 64, 64}), second({1, 3, 64, 64});
    kept.push_back(std::make_unique<std::array<char, 40>>());
    std::vector<std::vector<char>> passing;
    for (std::size_t bytes = 33; bytes < 130; bytes += 16) passing.emplace_back(bytes);
  };
  for (int i = 0; i < 100; ++i) item();
  const std::size_t before = mallinfo2().arena;
  for (int i = 0; i < 1000; ++i) item();
  EXPECT_LT(mallinfo2().arena, before + 2'000'000) << "1000 tensors of 49,152 bytes, two at a time";
}

TEST(Tensor, DetachesBeforeItIsWrittenTo) {
  std::vector<float> numbers(6);
  std::iota(numbers.begin(), numbers.end(), 0.f);
  const Tensor original = Tensor::from({2, 3}, numbers);
  Tensor copy = original;
  EXPECT_EQ(copy.data(), original.data());
  copy.mutable_span()[4] = 9;
  EXPECT_EQ(original.span()[4], 4);
  EXPECT_EQ(copy.span()[4], 9);
  EXPECT_EQ(copy.span()[5], 5);
}

}  // namespace
}  // namespace latentflow

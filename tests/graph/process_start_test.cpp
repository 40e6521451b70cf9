// process_start_test.cpp: what a program settles before it does anything, and memory that it gives back.
#include "cli/process_start.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <opencv2/core.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "admission.h"

namespace latentflow::cli {
namespace {

/// Of the mapping that holds the address, as /proc/self/smaps says it; "hg" is among it where huge pages are asked for.
std::string flags_at(const void* address) {
  std::ifstream stream("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(stream, line);) {
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    if (std::istringstream words(line); words >> std::hex >> begin >> dash >> end && dash == '-')
      inside = begin <= wanted && wanted < end;
    else if (inside && line.starts_with("VmFlags:"))
      return line + " ";
  }
  return "";
}

std::ptrdiff_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

constexpr std::size_t kibibyte = 1024;

using Blocks = std::vector<std::unique_ptr<char, decltype(&std::free)>>;

/// Blocks that are too small for mappings of their own, written to.
Blocks used_blocks(std::size_t count, std::size_t bytes) {
  Blocks blocks;
  blocks.reserve(count);  // before them in the heap, where it keeps nothing else from going back
  for (std::size_t i = 0; i < count; ++i) {
    blocks.emplace_back(static_cast<char*>(std::malloc(bytes)), &std::free);
    std::memset(blocks.back().get(), 1, bytes);
  }
  return blocks;
}

TEST(ProcessStart, HeapBeginsInHugePages) {
  if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage/enabled")) GTEST_SKIP() << "no huge pages";
  if (std::thread::hardware_concurrency() > 16) GTEST_SKIP() << "a heap may begin without a whole huge page";
  set_up_heap();
  int in_huge_pages = 0;
  for (const auto& block : used_blocks(12, 512 * kibibyte))
    in_huge_pages += flags_at(block.get()).find(" hg ") != std::string::npos;
  EXPECT_GT(in_huge_pages, 0);
}

TEST(ProcessStart, LargeBlocksGoBackWhenTheyAreFreed) {
  set_up_heap();
  const Blocks in_heap = used_blocks(40, 960 * kibibyte);  // leave no room for what follows
  constexpr std::size_t bytes = 12 * 1024 * kibibyte;
  const std::size_t before = resident_bytes();
  for (int i = 0; i < 3; ++i) used_blocks(1, bytes);
  EXPECT_LT(resident_bytes(), before + bytes / 2);
}

TEST(ProcessStart, UnusedMemoryGoesBackFromBetweenBlocks) {
  set_up_heap();
  constexpr std::size_t count = 1000, bytes = 64 * kibibyte;
  Blocks blocks = used_blocks(count, bytes);
  Blocks last;
  last.push_back(std::move(blocks.back()));
  const std::size_t used = resident_bytes();
  blocks.clear();
  EXPECT_GT(resident_bytes(), used - count * bytes / 2);  // the last one keeps what lies before it
  give_unused_memory_back();
  EXPECT_LT(resident_bytes(), used - count * bytes / 2);
}

TEST(ProcessStart, LittleIsKeptFromThenOn) {
  set_up_heap();
  give_unused_memory_back();
  const std::size_t before = mallinfo2().arena;
  used_blocks(1000, 64 * kibibyte);
  EXPECT_LT(mallinfo2().arena, before + 2 * 1024 * kibibyte);
}

TEST(ProcessStart, BlasEndsItsThreadsAndStartsThemForWork) {
  const std::ptrdiff_t before = threads_of_this_process();
  if (before == 1 || dlsym(RTLD_DEFAULT, "blas_thread_shutdown_") == nullptr)
    GTEST_SKIP() << "no OpenBLAS with threads";
  end_idle_blas_threads();
  // A thread that was joined may be listed a little longer.
  for (int i = 0; i < 100 && threads_of_this_process() == before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LT(threads_of_this_process(), before);
  const cv::Mat ones = cv::Mat::ones(300, 300, CV_64F);
  cv::Mat product;
  cv::gemm(ones, ones, 1, cv::noArray(), 0, product);
  EXPECT_EQ(cv::norm(product, cv::Mat(300, 300, CV_64F, cv::Scalar(300)), cv::NORM_INF), 0);
  EXPECT_EQ(threads_of_this_process(), before);
}

}  // namespace
}  // namespace latentflow::cli

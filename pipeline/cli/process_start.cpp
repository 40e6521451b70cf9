// process_start.cpp: see process_start.h.
#include "process_start.h"

#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "latentflow/aligned_memory.h"

namespace latentflow::cli {

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

/// What a free block at the end of a heap may have before the system gets half of it back (the rest is M_TOP_PAD): 16
/// MiB, less on more than 8 cores, because each may have a heap.
std::size_t kept_by_heap() {
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(128 / cores, 2, 16) * mebibyte;
}

/// Lets the heap that began with the process grow by `bytes` and M_TOP_PAD, in whole huge pages. Pages that nothing was
/// written to are not resident.
void grow_in_huge_pages(std::size_t bytes) {
#if defined(MADV_HUGEPAGE)
  void* block = std::malloc(bytes);
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + huge_page - 1) / huge_page * huge_page;
  const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0)) / huge_page * huge_page;
  // Where the heap could not grow, or is not glibc's, the block lies elsewhere.
  if (block != nullptr && begin < end && end - begin <= 4 * bytes)
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  std::free(block);
#endif
}

}  // namespace

void set_up_heap() {
  const std::size_t kept = kept_by_heap();
  // Clearing pages that were just given back took a tenth of the time of a folder of photographs.
  mallopt(M_TRIM_THRESHOLD, static_cast<int>(kept));
  mallopt(M_TOP_PAD, static_cast<int>(kept / 2));
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(kept));  // so that the next block comes from the heap
  grow_in_huge_pages(kept / 2 - mebibyte / 16);       // and stays below what is given back
  // Larger blocks go back to the system when they are freed, unless they found room in a heap. By default glibc raises
  // this bound to the largest block freed so far, lets heaps grow by such blocks, and a run takes more than was
  // forecast.
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(mebibyte));
}

void end_idle_blas_threads() {
  // What OpenBLAS itself calls before a process forks.
  if (void* shutdown = dlsym(RTLD_DEFAULT, "blas_thread_shutdown_")) reinterpret_cast<int (*)()>(shutdown)();
}

}  // namespace latentflow::cli

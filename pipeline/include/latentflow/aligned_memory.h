// aligned_memory.h: memory for vectors of floats and bytes, which heaps can use again.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace latentflow {

/// Bytes of a cache line and of the widest vector; what memory of tensors and networks is aligned to.
inline constexpr std::size_t memory_alignment = 64;

/// Of a huge page, which the first touch of memory costs one fault for instead of 512.
inline constexpr std::size_t huge_page = std::size_t{2} << 20;

/// `bytes` in whole multiples of memory_alignment, so that vectors may be read to the end.
constexpr std::size_t whole_lines(std::size_t bytes) {
  return (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
}

/// At least whole_lines(bytes) uninitialised bytes at a multiple of memory_alignment, also for 0; for free_aligned().
/// From huge_page on at a multiple of that, and in whole huge pages where the system grants them. What is asked of
/// malloc beyond `bytes` is never touched, so it is not resident where malloc maps such blocks by themselves (the
/// program sets M_MMAP_THRESHOLD). Throws std::bad_alloc.
///
/// Not std::aligned_alloc: glibc 2.36 takes that from a larger block and gives the rest back in pieces, of which
/// small ones stay with the thread. What is freed later is then too small for the next request of the same size, and
/// a run over small pictures grew by 10 to 40 KB per item.
inline void* allocate_aligned(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX - 2 * huge_page) throw std::bad_alloc();
  const std::size_t alignment = bytes < huge_page ? memory_alignment : huge_page;
  void* whole = std::malloc(whole_lines(bytes) + alignment);
  if (whole == nullptr) throw std::bad_alloc();
  // malloc's own alignment leaves room for a pointer before the next multiple, where free_aligned() finds it.
  static_assert(alignof(std::max_align_t) >= sizeof(void*));
  const auto address = reinterpret_cast<std::uintptr_t>(whole);
  void** aligned = reinterpret_cast<void**>((address / alignment + 1) * alignment);
  aligned[-1] = whole;
#if defined(MADV_HUGEPAGE)
  if (bytes >= huge_page) madvise(aligned, bytes / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return aligned;
}

/// Of allocate_aligned(), or null.
inline void free_aligned(void* memory) {
  if (memory != nullptr) std::free(static_cast<void**>(memory)[-1]);
}

}  // namespace latentflow

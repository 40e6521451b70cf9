// aligned_memory.h: memory for vectors of floats and bytes, which heaps can use again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace latentflow {

/// Bytes of a cache line and of the widest vector; what memory of tensors and networks is aligned to.
inline constexpr std::size_t memory_alignment = 64;

/// `bytes` in whole multiples of memory_alignment, so that vectors may be read to the end.
constexpr std::size_t whole_lines(std::size_t bytes) {
  return (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
}

/// At least whole_lines(bytes) uninitialised bytes at a multiple of memory_alignment, also for 0; for free_aligned().
/// Throws std::bad_alloc.
///
/// Not std::aligned_alloc: glibc 2.36 takes that from a larger block and gives the rest back in pieces, of which
/// small ones stay with the thread. What is freed later is then too small for the next request of the same size, and
/// a run over small pictures grew by 10 to 40 KB per item.
inline void* allocate_aligned(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX - 2 * memory_alignment) throw std::bad_alloc();
  void* whole = std::malloc(whole_lines(bytes) + memory_alignment);
  if (whole == nullptr) throw std::bad_alloc();
  // malloc's own alignment leaves room for a pointer before the next multiple, where free_aligned() finds it.
  static_assert(alignof(std::max_align_t) >= sizeof(void*));
  const auto address = reinterpret_cast<std::uintptr_t>(whole);
  void** aligned = reinterpret_cast<void**>((address / memory_alignment + 1) * memory_alignment);
  aligned[-1] = whole;
  return aligned;
}

/// Of allocate_aligned(), or null.
inline void free_aligned(void* memory) {
  if (memory != nullptr) std::free(static_cast<void**>(memory)[-1]);
}

}  // namespace latentflow

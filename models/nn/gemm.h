// gemm.h: products of row-major float matrices on all oneTBB threads.
#pragma once

#include <cstdint>

namespace latentflow::nn {

/// C = op(A) op(B) + beta C, with op(A) [rows, depth], op(B) [depth, columns] and C [rows, columns] without gaps. A
/// transposed matrix lies in memory as [depth, rows] or [columns, depth]. The result is cut into blocks that depend on
/// the extents alone, each one product of oneDNN on one thread: the same bits for any number of threads.
struct Gemm {
  bool transpose_a = false, transpose_b = false;
  std::int64_t rows = 0, columns = 0, depth = 0;
  float beta = 0;

  /// Of the blocks: one and what it reads fit the second cache, and a minibatch still gives work to many threads.
  static constexpr std::int64_t block_rows = 256, block_columns = 128;

  /// The numbers in a line of A and of B as they lie in memory.
  std::int64_t line_of_a() const { return transpose_a ? rows : depth; }
  std::int64_t line_of_b() const { return transpose_b ? depth : columns; }
  void operator()(const float* a, const float* b, float* c) const;
};

}  // namespace latentflow::nn

// gemm.cpp: see gemm.h.
#include "gemm.h"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>

#include "onednn.h"

namespace latentflow::nn {
namespace {

// Below this many multiply-adds a product is done before other threads have woken up.
constexpr std::int64_t small = std::int64_t{1} << 18;

}  // namespace

void Gemm::operator()(const float* a, const float* b, float* c) const {
  const std::int64_t lda = line_of_a(), ldb = line_of_b();
  const auto block = [&](std::int64_t row, std::int64_t height, std::int64_t column, std::int64_t width) {
    const onednn::OneThread one_thread;
    dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', height, width, depth, 1.0f,
               a + (transpose_a ? row : row * lda), lda, b + (transpose_b ? column * ldb : column), ldb, beta,
               c + row * columns + column, columns);
  };
  if (rows * columns * depth <= small) return block(0, rows, 0, columns);
  const std::int64_t down = (rows + block_rows - 1) / block_rows,
                     across = (columns + block_columns - 1) / block_columns;
  tbb::this_task_arena::isolate([&] {
    tbb::parallel_for(
        std::int64_t{0}, down * across,
        [&](std::int64_t task) {
          const std::int64_t row = task / across * block_rows, column = task % across * block_columns;
          block(row, std::min(block_rows, rows - row), column, std::min(block_columns, columns - column));
        },
        tbb::simple_partitioner());
  });
}

}  // namespace latentflow::nn

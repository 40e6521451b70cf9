// bfloat_gemm.cpp: see bfloat_gemm.h.
#include "bfloat_gemm.h"

#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>

#include "layers/primitive_layer.h"
#include "onednn_versions.h"
#include "packed_weights.h"

namespace latentflow::nn {
namespace {

using onednn::Layout;
using DataType = onednn::Memory::data_type;

constexpr std::int64_t block_rows = Gemm::block_rows, block_columns = Gemm::block_columns;
// Below this many multiply-adds rounding what is read costs more than it saves.
constexpr std::int64_t small = std::int64_t{1} << 20;
constexpr std::int64_t rounded_rows = 32;  // of A by one task

/// Aligned memory that only grows; what it held is lost then.
class Buffer {
 public:
  std::byte* of_size(std::size_t bytes) {
    if (bytes > bytes_) data_ = aligned_floats(bytes), bytes_ = bytes;
    return reinterpret_cast<std::byte*>(data_.get());
  }

 private:
  std::shared_ptr<float> data_;
  std::size_t bytes_ = 0;
};

/// Calls task(0) to task(count - 1), in parallel.
template <class Task>
void for_each(std::int64_t count, const Task& task) {
  tbb::parallel_for(
      std::int64_t{0}, count,
      [&](std::int64_t index) {
        const onednn::OneThread one_thread;
        task(index);
      },
      tbb::simple_partitioner());
}

/// Rounds a part [rows, columns] of a matrix of floats, whose lines in memory hold `line` numbers.
class Rounding {
 public:
  Rounding(std::int64_t rows, std::int64_t columns, std::int64_t line, bool transposed, const Layout& to)
      : from_({rows, columns}, DataType::f32, transposed ? Dims{1, line} : Dims{line, 1}), to_(to) {
    const onednn::OneThread one_thread;
    const dnnl::reorder::primitive_desc pd(onednn::engine(), from_, onednn::engine(), to_, onednn::user_scratchpad());
    scratch_ = pd.scratchpad_desc();
    reorder_ = dnnl::reorder(pd);
  }
  void operator()(const float* from, std::byte* to, Buffer& scratch) const {
    execute(reorder_, {{DNNL_ARG_FROM, onednn::memory(from_, from)},
                       {DNNL_ARG_TO, onednn::memory(to_, to)},
                       {DNNL_ARG_SCRATCHPAD, onednn::memory(scratch_, scratch.of_size(scratch_.get_size()))}});
  }

 private:
  Layout from_, to_, scratch_;
  dnnl::reorder reorder_;
};

Layout row_by_row(std::int64_t rows, std::int64_t columns) {
  return {{rows, columns}, DataType::bf16, Dims{columns, 1}};
}

/// The product of one block: A row by row, B as it is given or, with a layout without extents, as oneDNN likes it best.
struct Block {
  Block(std::int64_t height, std::int64_t width, const Gemm& gemm, const Layout& given)
      : a(row_by_row(height, gemm.depth)), c({height, width}, DataType::f32, Dims{gemm.columns, 1}) {
    const onednn::OneThread one_thread;
    dnnl::primitive_attr attributes = onednn::user_scratchpad();
    dnnl::post_ops posts;
    if (gemm.beta != 0) posts.append_sum();
    attributes.set_post_ops(posts);
    const Layout any({gemm.depth, width}, DataType::bf16, onednn::Memory::format_tag::any);
    const auto pd = onednn::describe_product(a, given == Layout() ? any : given, Layout(), c, attributes);
    b = pd.weights_desc(), scratch = pd.scratchpad_desc();
    product = dnnl::matmul(pd);
  }

  Layout a, b, c, scratch;
  dnnl::matmul product;
};

/// How many pieces of `extent` cover `total`, and how large the last one is.
struct Pieces {
  std::int64_t extent, count, last;
  Pieces(std::int64_t total, std::int64_t most)
      : extent(std::min(total, most)), count((total + most - 1) / most), last(total - (count - 1) * most) {}
};

}  // namespace

/// What a product is cut into: blocks of its result, and pieces of A and B to be rounded. Those at the far edges
/// differ.
struct BfloatGemm::Cut {
  explicit Cut(const Gemm& gemm)
      : down(gemm.rows, block_rows),
        across(gemm.columns, block_columns),
        lines(gemm.rows, rounded_rows),
        whole(down.extent, across.extent, gemm, {}),
        right(down.extent, across.last, gemm, {}),
        bottom(down.last, across.extent, gemm, whole.b),
        corner(down.last, across.last, gemm, right.b),
        round_lines(piece_of_a(gemm, lines.extent)),
        round_last_lines(piece_of_a(gemm, lines.last)),
        round_block(piece_of_b(gemm, across.extent, whole.b)),
        round_last_block(piece_of_b(gemm, across.last, right.b)) {}

  static Rounding piece_of_a(const Gemm& gemm, std::int64_t rows) {
    return {rows, gemm.depth, gemm.line_of_a(), gemm.transpose_a, row_by_row(rows, gemm.depth)};
  }
  static Rounding piece_of_b(const Gemm& gemm, std::int64_t columns, const Layout& to) {
    return {gemm.depth, columns, gemm.line_of_b(), gemm.transpose_b, to};
  }
  const Block& at(std::int64_t row, std::int64_t column) const {
    if (row + 1 < down.count) return column + 1 < across.count ? whole : right;
    return column + 1 < across.count ? bottom : corner;
  }

  Pieces down, across, lines;
  Block whole, right, bottom, corner;
  Rounding round_lines, round_last_lines, round_block, round_last_block;
};

struct BfloatGemm::Buffers {
  Buffer a, b;
  tbb::enumerable_thread_specific<Buffer> scratch;
};

BfloatGemm::BfloatGemm() : buffers_(std::make_unique<Buffers>()) {}
BfloatGemm::~BfloatGemm() = default;
BfloatGemm::BfloatGemm(BfloatGemm&&) noexcept = default;
BfloatGemm& BfloatGemm::operator=(BfloatGemm&&) noexcept = default;

void BfloatGemm::operator()(const Gemm& gemm, const float* a, const float* b, float* c) {
  const std::int64_t rows = gemm.rows, columns = gemm.columns, depth = gemm.depth;
  if (rows * columns * depth <= small) return gemm(a, b, c);
  std::unique_ptr<Cut>& made =
      cuts_[{rows, columns, depth, gemm.transpose_a ? 1 : 0, gemm.transpose_b ? 1 : 0, gemm.beta != 0 ? 1 : 0}];
  if (made == nullptr) made = std::make_unique<Cut>(gemm);
  const Cut& cut = *made;
  const auto row_bytes = static_cast<std::size_t>(depth) * 2, block_bytes = cut.whole.b.get_size();
  std::byte* const a_rounded = buffers_->a.of_size(static_cast<std::size_t>(rows) * row_bytes);
  std::byte* const b_rounded = buffers_->b.of_size(static_cast<std::size_t>(cut.across.count) * block_bytes);
  const auto line_of_a = [&](std::int64_t row) { return a_rounded + static_cast<std::size_t>(row) * row_bytes; };
  const auto block_of_b = [&](std::int64_t i) { return b_rounded + static_cast<std::size_t>(i) * block_bytes; };

  tbb::this_task_arena::isolate([&] {
    for_each(cut.lines.count + cut.across.count, [&](std::int64_t piece) {
      Buffer& scratch = buffers_->scratch.local();
      if (piece < cut.lines.count) {
        const std::int64_t row = piece * rounded_rows;
        const Rounding& round = piece + 1 < cut.lines.count ? cut.round_lines : cut.round_last_lines;
        round(a + row * (gemm.transpose_a ? 1 : depth), line_of_a(row), scratch);
      } else {
        const std::int64_t index = piece - cut.lines.count, column = index * block_columns;
        const Rounding& round = index + 1 < cut.across.count ? cut.round_block : cut.round_last_block;
        round(b + column * (gemm.transpose_b ? depth : 1), block_of_b(index), scratch);
      }
    });
    for_each(cut.down.count * cut.across.count, [&](std::int64_t index) {
      const std::int64_t row = index / cut.across.count, column = index % cut.across.count;
      const Block& block = cut.at(row, column);
      std::byte* const scratch = buffers_->scratch.local().of_size(block.scratch.get_size());
      execute(block.product,
              {{DNNL_ARG_SRC, onednn::memory(block.a, line_of_a(row * block_rows))},
               {DNNL_ARG_WEIGHTS, onednn::memory(block.b, block_of_b(column))},
               {DNNL_ARG_DST, onednn::memory(block.c, c + row * block_rows * columns + column * block_columns)},
               {DNNL_ARG_SCRATCHPAD, onednn::memory(block.scratch, scratch)}});
    });
  });
}

}  // namespace latentflow::nn

// narrow_convolution.cpp: convolutions to one to four channels, such as the last layer of a denoiser.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "convolution.h"
#include "nn/shared_work.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace latentflow::nn {

#if defined(__x86_64__)

namespace {

/// One output row: its sources, weights [output][block of channels][kh][kw][lane], and where it goes.
struct RowTask {
  const float* src;  // first block of channels, row 0
  const float* weights;
  std::int64_t blocks, block_stride;  // floats between blocks of channels
  std::int64_t width, row_stride;     // of the source, in pixels and floats
  std::int64_t first_row, last_row;   // kernel rows that lie inside the picture
  std::int64_t top, left;             // source row and column that kernel row and column 0 meet at output column 0
  std::int64_t kernel_height, kernel_width;
  std::int64_t outputs, output_width;
  float* dst;          // row of the first output channel
  std::int64_t plane;  // floats between output channels
};

typedef float Lanes16 __attribute__((vector_size(64)));
typedef float Lanes8 __attribute__((vector_size(32)));

/// Of two vectors whose groups of `Width` lanes are sums so far: every group is folded in half, those of `a` come
/// first.
template <class Lanes, int Width, std::size_t... Lane>
[[gnu::always_inline]] inline void fold(const Lanes& a, const Lanes& b, Lanes& folded, std::index_sequence<Lane...>) {
  constexpr int half = Width / 2;
  constexpr auto place = [](std::size_t lane) {
    return static_cast<int>(lane) / half * Width + static_cast<int>(lane) % half;
  };
  folded = __builtin_shufflevector(a, b, place(Lane)...) + __builtin_shufflevector(a, b, (place(Lane) + half)...);
}

/// Lane i of vectors[0] becomes the sum over the lanes of vectors[i]; as many vectors as lanes, which are overwritten.
template <class Lanes, int Width = sizeof(Lanes) / sizeof(float)>
[[gnu::always_inline]] inline void sum_over_lanes(Lanes* vectors) {
  constexpr int lanes = sizeof(Lanes) / sizeof(float);
  for (int i = 0; i < Width / 2; ++i)
    fold<Lanes, Width>(vectors[2 * i], vectors[2 * i + 1], vectors[i], std::make_index_sequence<lanes>());
  if constexpr (Width > 2) sum_over_lanes<Lanes, Width / 2>(vectors);
}

/// `Count` neighbouring outputs of `Outputs` channels from column `x`, kernel columns [first, last): the lanes run over
/// channels and are added up at the end, so that every source vector is used as it lies in memory.
template <class Lanes, int Outputs, int Count>
[[gnu::always_inline]] inline void strip(const RowTask& task, std::int64_t x, std::int64_t first, std::int64_t last) {
  constexpr int lanes = sizeof(Lanes) / sizeof(float);
  Lanes sums[Outputs][Count] = {};
  const std::int64_t filter = task.blocks * task.kernel_height * task.kernel_width * lanes;
  for (std::int64_t block = 0; block < task.blocks; ++block)
    for (std::int64_t row = task.first_row; row < task.last_row; ++row) {
      const float* in = task.src + block * task.block_stride + (task.top + row) * task.row_stride;
      const float* weights = task.weights + (block * task.kernel_height + row) * task.kernel_width * lanes;
      for (std::int64_t column = first; column < last; ++column) {
        const auto* pixels = reinterpret_cast<const Lanes*>(in + (task.left + x + column) * lanes);
        for (int output = 0; output < Outputs; ++output) {
          const Lanes weight = *reinterpret_cast<const Lanes*>(weights + column * lanes + output * filter);
          for (int i = 0; i < Count; ++i) sums[output][i] += pixels[i] * weight;
        }
      }
    }
  for (int begin = 0; begin < Outputs * Count; begin += lanes) {
    Lanes vectors[lanes] = {};
    for (int i = begin; i < std::min<int>(Outputs * Count, begin + lanes); ++i)
      vectors[i - begin] = sums[i / Count][i % Count];
    sum_over_lanes(vectors);
    for (int i = begin; i < std::min<int>(Outputs * Count, begin + lanes); ++i)
      task.dst[i / Count * task.plane + x + i % Count] = vectors[0][i - begin];
  }
}

template <class Lanes, int Outputs>
[[gnu::always_inline]] inline void row(const RowTask& task) {
  constexpr int count = Outputs <= 2 ? 8 : 4;  // keeps the sums in registers
  // Columns from `inner` to `outer` see the whole kernel.
  const std::int64_t inner = std::clamp<std::int64_t>(-task.left, 0, task.output_width);
  const std::int64_t outer =
      std::clamp<std::int64_t>(task.width - task.kernel_width - task.left + 1, inner, task.output_width);
  const auto edge = [&](std::int64_t x) {
    const std::int64_t start = task.left + x;
    const std::int64_t first = std::clamp<std::int64_t>(-start, 0, task.kernel_width);
    const std::int64_t last = std::clamp<std::int64_t>(task.width - start, first, task.kernel_width);
    strip<Lanes, Outputs, 1>(task, x, first, last);
  };
  std::int64_t x = 0;
  for (; x < inner; ++x) edge(x);
  for (; x + count <= outer; x += count) strip<Lanes, Outputs, count>(task, x, 0, task.kernel_width);
  for (; x < task.output_width; ++x) edge(x);
}

template <class Lanes>
[[gnu::always_inline]] inline void any_row(const RowTask& task) {
  switch (task.outputs) {
    case 1: return row<Lanes, 1>(task);
    case 2: return row<Lanes, 2>(task);
    case 3: return row<Lanes, 3>(task);
    default: return row<Lanes, 4>(task);
  }
}

[[gnu::target("avx512f")]] void row_avx512(const RowTask& task) { any_row<Lanes16>(task); }
[[gnu::target("avx2,fma")]] void row_avx2(const RowTask& task) { any_row<Lanes8>(task); }

void activate(const PostOp& post, float* values, std::int64_t count) {
  const auto each = [&](const auto& function) {
    for (std::int64_t i = 0; i < count; ++i) values[i] = function(values[i]);
  };
  switch (post.op) {
    case Op::leaky_relu:
      return each(
          [slope = std::get<LeakyReluAttributes>(post.attributes).alpha](float x) { return x < 0 ? slope * x : x; });
    case Op::sigmoid: return each([](float x) { return 1.0f / (1.0f + std::exp(-x)); });
    case Op::tanh: return each([](float x) { return std::tanh(x); });
    case Op::clip:
      return each([clip = std::get<ClipAttributes>(post.attributes)](float x) {
        return std::min(std::max(x, clip.low), clip.high);
      });
    default: return each([](float x) { return std::max(x, 0.0f); });
  }
}

class NarrowConvolution final : public Layer {
 public:
  NarrowConvolution(const LayerRequest& request, std::int64_t block)
      : attributes_(request.node.as<ConvAttributes>()),
        src_(request.operands[0].dims),
        dst_(request.output),
        block_(block),
        blocks_((src_[1] + block - 1) / block),
        posts_(request.post_ops.begin(), request.post_ops.end()),
        bias_(static_cast<std::size_t>(dst_[1]), 0.0f) {
    pack(*request.operands[1].constant);
    if (request.node.inputs.size() > 2 && request.operands[2].constant != nullptr)
      std::copy_n(request.operands[2].constant->data(), bias_.size(), bias_.begin());
    output = plain_layout(dst_);
    sources.push_back({0, request.operands[0].layout, Sharing::none});
    for (const PostOp& post : posts_)
      if (post.kind == PostOp::Kind::sum)
        sources.push_back({request.operands.size() - 1, output, Sharing::must_overwrite});
    algorithm = "narrow";
  }

  void run(const LayerCall& call) const override {
    const std::int64_t plane = dst_[2] * dst_[3], width = dst_[3];
    const bool sums = sources.size() > 1;
    const Window wanted = call.wanted.within(dst_[2], dst_[3]);
    const std::int64_t rows = wanted.bottom - wanted.top;
    share_work(dst_[0] * rows, row_grain(width), [&](std::int64_t first, std::int64_t last, int) {
      std::vector<float> before(sums ? static_cast<std::size_t>(width * dst_[1]) : 0);
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t image = i / rows, y = wanted.top + i % rows;
        float* row = call.output + image * dst_[1] * plane + y * width;
        if (sums)
          for (std::int64_t channel = 0; channel < dst_[1]; ++channel)
            std::copy_n(row + channel * plane, width, before.data() + channel * width);
        compute_row(call.sources[0], image, y, row);
        for (std::int64_t channel = 0; channel < dst_[1]; ++channel)
          finish(row + channel * plane, bias_[static_cast<std::size_t>(channel)], before.data() + channel * width);
      }
    });
  }

 private:
  /// [M,C,kh,kw] to [M, block of channels, kh, kw, lane], zeros in the lanes past C.
  void pack(const Tensor& weights) {
    const std::int64_t area = attributes_.kernel[0] * attributes_.kernel[1];
    weight_bytes = static_cast<std::size_t>(dst_[1] * blocks_ * area * block_) * sizeof(float);
    weights_ = aligned_floats(weight_bytes);
    std::fill_n(weights_.get(), weight_bytes / sizeof(float), 0.0f);
    for (std::int64_t m = 0; m < dst_[1]; ++m)
      for (std::int64_t c = 0; c < src_[1]; ++c)
        for (std::int64_t i = 0; i < area; ++i)
          weights_.get()[((m * blocks_ + c / block_) * area + i) * block_ + c % block_] =
              weights.data()[(m * src_[1] + c) * area + i];
  }

  void compute_row(const float* src, std::int64_t image, std::int64_t y, float* row) const {
    RowTask task;
    task.row_stride = src_[3] * block_;
    task.block_stride = src_[2] * task.row_stride;
    task.src = src + image * blocks_ * task.block_stride;
    task.weights = weights_.get();
    task.blocks = blocks_;
    task.width = src_[3];
    task.top = y - attributes_.pads[0];
    task.left = -attributes_.pads[1];
    task.kernel_height = attributes_.kernel[0];
    task.kernel_width = attributes_.kernel[1];
    task.first_row = std::clamp<std::int64_t>(-task.top, 0, task.kernel_height);
    task.last_row = std::clamp<std::int64_t>(src_[2] - task.top, task.first_row, task.kernel_height);
    task.outputs = dst_[1];
    task.output_width = dst_[3];
    task.dst = row;
    task.plane = dst_[2] * dst_[3];
    block_ == 16 ? row_avx512(task) : row_avx2(task);
  }

  void finish(float* row, float bias, const float* before) const {
    const std::int64_t width = dst_[3];
    for (std::int64_t x = 0; x < width; ++x) row[x] += bias;
    for (const PostOp& post : posts_) {
      if (post.kind == PostOp::Kind::sum)
        for (std::int64_t x = 0; x < width; ++x) row[x] += before[x];
      else
        activate(post, row, width);
    }
  }

  ConvAttributes attributes_;
  Dims src_, dst_;
  std::int64_t block_, blocks_;
  std::vector<PostOp> posts_;
  std::vector<float> bias_;
  std::shared_ptr<float> weights_;
};

}  // namespace

std::unique_ptr<Layer> make_narrow_convolution(const LayerRequest& request) {
  const auto& attributes = request.node.as<ConvAttributes>();
  const Operand& src = request.operands[0];
  if (request.output[1] > 4 || attributes.group != 1 || attributes.strides != Pair{1, 1} ||
      attributes.dilations != Pair{1, 1})
    return nullptr;
  const std::int64_t block = channel_block(src.layout, src.dims);
  const bool fits = (block == 16 && __builtin_cpu_supports("avx512f")) ||
                    (block == 8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  return fits ? std::make_unique<NarrowConvolution>(request, block) : nullptr;
}

#else

std::unique_ptr<Layer> make_narrow_convolution(const LayerRequest&) { return nullptr; }

#endif

}  // namespace latentflow::nn

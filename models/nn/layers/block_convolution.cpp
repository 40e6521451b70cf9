// block_convolution.cpp: Conv and ConvTranspose whose kernel is as large as their stride, the steps down and up of the
// U-Nets: blocks of pixels that do not overlap become one pixel, or one becomes a block. oneDNN 2.6 runs the step up at
// a few GFLOP/s and the step down at a third of its usual speed.
#include <algorithm>

#include "convolution.h"
#include "nn/shared_work.h"
#include "primitive_layer.h"

namespace latentflow::nn {

#if defined(__x86_64__)

namespace {

/// One row of the smaller picture. A source is a block of input channels at one place of the kernel, a target a block
/// of output channels at one place; of the two lists of places one is trivial.
struct RowTask {
  const float* src;
  const std::int64_t* source_places;  // floats from src to each source's row
  std::int64_t sources, source_step;  // floats between neighbouring pixels of the smaller picture
  const float* weights;               // [target][source][lane of input][lane of output]
  const float* bias;                  // [target][lane]
  float* dst;
  const std::int64_t* target_places;
  std::int64_t targets, target_step;
  std::int64_t begin, end;  // columns of the smaller picture
  bool sum, rectify;
};

typedef float Lanes16 __attribute__((vector_size(64)));
typedef float Lanes8 __attribute__((vector_size(32)));

/// `Pixels` neighbouring pixels times `Targets` blocks of output channels: the sums stay in registers, and every number
/// of the source is spread over a vector once for all targets.
template <class Lanes, int Targets, int Pixels>
[[gnu::always_inline]] inline void patch(const RowTask& task, std::int64_t x, std::int64_t target) {
  constexpr std::int64_t lanes = sizeof(Lanes) / sizeof(float);
  const std::int64_t filter = task.sources * lanes * lanes;
  Lanes sums[Pixels][Targets];
  // Blocks of channels are so far apart that the processor does not fetch ahead by itself: a third of the time was
  // waiting.
  if (task.sum)
    for (int t = 0; t < Targets; ++t)
      for (int p = 0; p < Pixels; ++p)
        __builtin_prefetch(task.dst + task.target_places[target + t] + (x + p) * task.target_step, 1);
  for (int p = 0; p < Pixels; ++p)
    for (int t = 0; t < Targets; ++t) sums[p][t] = *reinterpret_cast<const Lanes*>(task.bias + (target + t) * lanes);
  for (std::int64_t source = 0; source < task.sources; ++source) {
    const float* in = task.src + task.source_places[source] + x * task.source_step;
    const float* weights = task.weights + target * filter + source * lanes * lanes;
    if (target == 0)
      for (int p = 0; p < Pixels; ++p) __builtin_prefetch(in + (Pixels + p) * task.source_step);
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      Lanes factors[Targets];
      for (int t = 0; t < Targets; ++t)
        factors[t] = *reinterpret_cast<const Lanes*>(weights + t * filter + lane * lanes);
      for (int p = 0; p < Pixels; ++p) {
        const float value = in[p * task.source_step + lane];
        for (int t = 0; t < Targets; ++t) sums[p][t] += factors[t] * value;
      }
    }
  }
  for (int t = 0; t < Targets; ++t)
    for (int p = 0; p < Pixels; ++p) {
      auto* out = reinterpret_cast<Lanes*>(task.dst + task.target_places[target + t] + (x + p) * task.target_step);
      Lanes value = sums[p][t];
      if (task.sum) value += *out;
      if (task.rectify) value = value > 0.0f ? value : Lanes{};
      *out = value;
    }
}

/// The columns from `x` on in patches of `Pixels`, the last ones in smaller patches.
template <class Lanes, int Targets, int Pixels>
[[gnu::always_inline]] inline void columns(const RowTask& task, std::int64_t x, std::int64_t target) {
  for (; x + Pixels <= task.end; x += Pixels) patch<Lanes, Targets, Pixels>(task, x, target);
  if constexpr (Pixels > 1) columns<Lanes, Targets, Pixels / 2>(task, x, target);
}

/// Two blocks of output channels at a time, and as many pixels as registers hold sums for.
template <class Lanes, int Pixels>
[[gnu::always_inline]] inline void row(const RowTask& task) {
  std::int64_t target = 0;
  for (; target + 2 <= task.targets; target += 2) columns<Lanes, 2, Pixels>(task, task.begin, target);
  if (target < task.targets) columns<Lanes, 1, Pixels>(task, task.begin, target);
}

[[gnu::target("avx512f")]] void row_avx512(const RowTask& task) { row<Lanes16, 12>(task); }
[[gnu::target("avx2,fma")]] void row_avx2(const RowTask& task) { row<Lanes8, 6>(task); }

class BlockConvolution final : public Layer {
 public:
  BlockConvolution(const LayerRequest& request, std::int64_t block)
      : enlarges_(request.node.op == Op::conv_transpose),
        kernel_(request.node.as<ConvAttributes>().kernel),
        src_(request.operands[0].dims),
        dst_(request.output),
        block_(block) {
    source_places_ = places(src_, !enlarges_);
    target_places_ = places(dst_, enlarges_);
    pack(request);
    output = blocked_layout(dst_, block);
    sources.push_back({0, blocked_layout(src_, block), Sharing::none});
    for (const PostOp& post : request.post_ops) {
      if (post.kind == PostOp::Kind::sum) {
        sum_ = true;
        sources.push_back({request.operands.size() - 1, output, Sharing::must_overwrite});
      } else if (post.op == Op::relu && &post == &request.post_ops.back()) {
        rectify_ = true;
      } else {
        behind_.emplace_back(activation_descriptor(post.op, post.attributes, output));
      }
    }
    algorithm = "blocks";
  }

  void run(const LayerCall& call) const override {
    const Dims& small = enlarges_ ? src_ : dst_;
    RowTask task{};
    task.source_places = source_places_.data();
    task.target_places = target_places_.data();
    task.sources = static_cast<std::int64_t>(source_places_.size());
    task.targets = static_cast<std::int64_t>(target_places_.size());
    task.source_step = block_ * (enlarges_ ? 1 : kernel_[1]);
    task.target_step = block_ * (enlarges_ ? kernel_[1] : 1);
    task.weights = weights_.get();
    task.bias = bias_.get();
    const Window part = wanted_of_smaller(call.wanted);
    task.begin = part.left, task.end = part.right;
    task.sum = sum_;
    task.rectify = rectify_;
    const std::int64_t rows = part.bottom - part.top;
    share_work(small[0] * rows, row_grain(small[3]), [&](std::int64_t first, std::int64_t last, int) {
      RowTask one = task;
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t image = i / rows, y = part.top + i % rows;
        one.src = call.sources[0] + image * image_size(src_) + y * (enlarges_ ? 1 : kernel_[0]) * src_[3] * block_;
        one.dst = call.output + image * image_size(dst_) + y * (enlarges_ ? kernel_[0] : 1) * dst_[3] * block_;
        block_ == 16 ? row_avx512(one) : row_avx2(one);
      }
    });
    const dnnl::memory result = onednn::memory(output, call.output);
    for (const dnnl::eltwise_forward& activation : behind_)
      execute(activation, {{DNNL_ARG_SRC, result}, {DNNL_ARG_DST, result}});
  }

 private:
  /// The pixels of the smaller picture that the wanted ones of the result take.
  Window wanted_of_smaller(const Window& wanted) const {
    const Window part = wanted.within(dst_[2], dst_[3]);
    if (!enlarges_) return part;
    return {part.top / kernel_[0], part.left / kernel_[1], (part.bottom + kernel_[0] - 1) / kernel_[0],
            (part.right + kernel_[1] - 1) / kernel_[1]};
  }

  std::int64_t blocks(const Dims& dims) const { return (dims[1] + block_ - 1) / block_; }
  std::int64_t image_size(const Dims& dims) const { return blocks(dims) * block_ * dims[2] * dims[3]; }

  /// Floats from a row to each block of channels, at every place of the kernel when `spread`; places come first.
  std::vector<std::int64_t> places(const Dims& dims, bool spread) const {
    std::vector<std::int64_t> list;
    for (std::int64_t i = 0; i < (spread ? kernel_[0] : 1); ++i)
      for (std::int64_t j = 0; j < (spread ? kernel_[1] : 1); ++j)
        for (std::int64_t b = 0; b < blocks(dims); ++b) list.push_back(((b * dims[2] + i) * dims[3] + j) * block_);
    return list;
  }

  /// [C,M,kh,kw] (transposed) or [M,C,kh,kw] to [target][source][lane][lane], zeros past C; the bias once per target.
  void pack(const LayerRequest& request) {
    const auto source_count = static_cast<std::int64_t>(source_places_.size());
    const auto target_count = static_cast<std::int64_t>(target_places_.size());
    const std::int64_t filter = source_count * block_ * block_, area = kernel_[0] * kernel_[1];
    weight_bytes = static_cast<std::size_t>(target_count * filter) * sizeof(float);
    weights_ = aligned_floats(weight_bytes);
    std::fill_n(weights_.get(), target_count * filter, 0.0f);
    bias_ = aligned_floats(static_cast<std::size_t>(target_count * block_) * sizeof(float));
    const Tensor* bias = request.node.inputs.size() > 2 ? request.operands[2].constant : nullptr;
    const float* stored = request.operands[1].constant->data();
    for (std::int64_t m = 0; m < dst_[1]; ++m)
      for (std::int64_t place = 0; place < area; ++place) {
        const std::int64_t target = (enlarges_ ? place * blocks(dst_) : 0) + m / block_, lane = m % block_;
        bias_.get()[target * block_ + lane] = bias == nullptr ? 0.0f : bias->data()[m];
        for (std::int64_t c = 0; c < src_[1]; ++c) {
          const std::int64_t source = (enlarges_ ? 0 : place * blocks(src_)) + c / block_;
          const std::int64_t at = (enlarges_ ? c * dst_[1] + m : m * src_[1] + c) * area + place;
          weights_.get()[target * filter + (source * block_ + c % block_) * block_ + lane] = stored[at];
        }
      }
  }

  bool enlarges_;
  Pair kernel_;
  Dims src_, dst_;
  std::int64_t block_;
  std::vector<std::int64_t> source_places_, target_places_;
  bool sum_ = false, rectify_ = false;
  std::shared_ptr<float> weights_, bias_;
  std::vector<dnnl::eltwise_forward> behind_;
};

}  // namespace

std::unique_ptr<Layer> make_block_convolution(const LayerRequest& request) {
  const auto& attributes = request.node.as<ConvAttributes>();
  const bool apart = attributes.kernel == attributes.strides && attributes.kernel != Pair{1, 1} &&
                     attributes.dilations == Pair{1, 1} && attributes.pads == Padding{0, 0, 0, 0} &&
                     attributes.output_padding == Pair{0, 0} && attributes.group == 1;
  // An activation before a sum would have to run in between.
  const auto& posts = request.post_ops;
  const bool late_sum = posts.size() > 1 && posts[1].kind == PostOp::Kind::sum;
  const std::int64_t block = preferred_block();
  const bool runs = block == 16 ? __builtin_cpu_supports("avx512f") != 0
                                : __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  // Few input channels would be mostly padding.
  if (!apart || late_sum || request.output[1] % block != 0 || request.operands[0].dims[1] < block || !runs)
    return nullptr;
  return std::make_unique<BlockConvolution>(request, block);
}

#else

std::unique_ptr<Layer> make_block_convolution(const LayerRequest&) { return nullptr; }

#endif

}  // namespace latentflow::nn

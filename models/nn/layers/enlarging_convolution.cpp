// enlarging_convolution.cpp: ConvTranspose whose kernel is as large as its stride, the step up of the U-Nets: every
// input pixel becomes a block of output pixels that overlaps no other. oneDNN 2.6 runs it at a few GFLOP/s.
#include <algorithm>

#include "convolution.h"
#include "primitive_layer.h"

namespace latentflow::nn {

#if defined(__x86_64__)

namespace {

/// One input row: for `targets` blocks of output channels, each at its place below the row.
struct RowTask {
  const float* src;  // row of the first block of channels
  std::int64_t blocks, block_stride, width;
  const float* weights;        // [target][block of channels][lane of input][lane of output]
  const float* bias;           // [target][lane]
  const std::int64_t* places;  // where each target's row starts, in floats from dst
  std::int64_t targets;
  float* dst;
  std::int64_t pixel_stride;  // floats between the results of neighbouring input pixels
  bool sum, rectify;
};

typedef float Lanes16 __attribute__((vector_size(64)));
typedef float Lanes8 __attribute__((vector_size(32)));

/// `Pixels` neighbouring pixels times `Targets` blocks of output channels: the sums stay in registers.
template <class Lanes, int Targets, int Pixels>
[[gnu::always_inline]] inline void patch(const RowTask& task, std::int64_t x, std::int64_t target) {
  constexpr std::int64_t lanes = sizeof(Lanes) / sizeof(float);
  const std::int64_t filter = task.blocks * lanes * lanes;
  Lanes sums[Targets][Pixels];
  for (int t = 0; t < Targets; ++t)
    for (int p = 0; p < Pixels; ++p) sums[t][p] = *reinterpret_cast<const Lanes*>(task.bias + (target + t) * lanes);
  for (std::int64_t block = 0; block < task.blocks; ++block) {
    const float* in = task.src + block * task.block_stride + x * lanes;
    const float* weights = task.weights + target * filter + block * lanes * lanes;
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      for (int t = 0; t < Targets; ++t) {
        const Lanes weight = *reinterpret_cast<const Lanes*>(weights + t * filter + lane * lanes);
        for (int p = 0; p < Pixels; ++p) sums[t][p] += weight * in[p * lanes + lane];
      }
  }
  for (int t = 0; t < Targets; ++t)
    for (int p = 0; p < Pixels; ++p) {
      auto* out = reinterpret_cast<Lanes*>(task.dst + task.places[target + t] + (x + p) * task.pixel_stride);
      Lanes value = sums[t][p];
      if (task.sum) value += *out;
      if (task.rectify) value = value > 0.0f ? value : Lanes{};
      *out = value;
    }
}

template <class Lanes, int Targets, int Pixels>
[[gnu::always_inline]] inline void row(const RowTask& task) {
  std::int64_t target = 0;
  for (; target + Targets <= task.targets; target += Targets) {
    std::int64_t x = 0;
    for (; x + Pixels <= task.width; x += Pixels) patch<Lanes, Targets, Pixels>(task, x, target);
    for (; x < task.width; ++x) patch<Lanes, Targets, 1>(task, x, target);
  }
  for (; target < task.targets; ++target) {
    std::int64_t x = 0;
    for (; x + Pixels <= task.width; x += Pixels) patch<Lanes, 1, Pixels>(task, x, target);
    for (; x < task.width; ++x) patch<Lanes, 1, 1>(task, x, target);
  }
}

[[gnu::target("avx512f")]] void row_avx512(const RowTask& task) { row<Lanes16, 4, 6>(task); }
[[gnu::target("avx2,fma")]] void row_avx2(const RowTask& task) { row<Lanes8, 2, 6>(task); }

class EnlargingConvolution final : public Layer {
 public:
  EnlargingConvolution(const LayerRequest& request, std::int64_t block)
      : strides_(request.node.as<ConvAttributes>().strides),
        src_(request.operands[0].dims),
        dst_(request.output),
        block_(block),
        blocks_((src_[1] + block - 1) / block),
        targets_(strides_[0] * strides_[1] * dst_[1] / block) {
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
    algorithm = "enlarging";
  }

  void run(const LayerCall& call) const override {
    const std::int64_t out_blocks = dst_[1] / block_, out_row = dst_[3] * block_, out_plane = dst_[2] * out_row;
    std::vector<std::int64_t> places;  // order of the packed weights
    for (std::int64_t i = 0; i < strides_[0]; ++i)
      for (std::int64_t j = 0; j < strides_[1]; ++j)
        for (std::int64_t b = 0; b < out_blocks; ++b) places.push_back(b * out_plane + i * out_row + j * block_);
    RowTask task{nullptr,  blocks_, src_[2] * src_[3] * block_, src_[3], weights_.get(), bias_.get(), places.data(),
                 targets_, nullptr, strides_[1] * block_,       sum_,    rectify_};
    for (std::int64_t image = 0; image < src_[0]; ++image)
      for (std::int64_t y = 0; y < src_[2]; ++y) {
        task.src = call.sources[0] + (image * blocks_ * src_[2] + y) * src_[3] * block_;
        task.dst = call.output + image * out_blocks * out_plane + y * strides_[0] * out_row;
        block_ == 16 ? row_avx512(task) : row_avx2(task);
      }
    const dnnl::memory result = onednn::memory(output, call.output);
    for (const dnnl::eltwise_forward& activation : behind_)
      execute(activation, {{DNNL_ARG_SRC, result}, {DNNL_ARG_DST, result}});
  }

 private:
  /// [C,M,kh,kw] to [kh, kw, block of M, block of C, lane of C, lane of M], zeros past C; the bias once per target.
  void pack(const LayerRequest& request) {
    const std::int64_t out_blocks = dst_[1] / block_, filter = blocks_ * block_ * block_;
    weight_bytes = static_cast<std::size_t>(targets_ * filter) * sizeof(float);
    weights_ = aligned_floats(weight_bytes);
    std::fill_n(weights_.get(), targets_ * filter, 0.0f);
    bias_ = aligned_floats(static_cast<std::size_t>(targets_ * block_) * sizeof(float));
    const Tensor* bias = request.node.inputs.size() > 2 ? request.operands[2].constant : nullptr;
    const float* stored = request.operands[1].constant->data();
    const std::int64_t area = strides_[0] * strides_[1];
    for (std::int64_t m = 0; m < dst_[1]; ++m)
      for (std::int64_t place = 0; place < area; ++place) {
        const std::int64_t target = place * out_blocks + m / block_, lane = m % block_;
        bias_.get()[target * block_ + lane] = bias == nullptr ? 0.0f : bias->data()[m];
        for (std::int64_t c = 0; c < src_[1]; ++c)
          weights_.get()[target * filter + c * block_ + lane] = stored[(c * dst_[1] + m) * area + place];
      }
  }

  Pair strides_;
  Dims src_, dst_;
  std::int64_t block_, blocks_, targets_;
  bool sum_ = false, rectify_ = false;
  std::shared_ptr<float> weights_, bias_;
  std::vector<dnnl::eltwise_forward> behind_;
};

}  // namespace

std::unique_ptr<Layer> make_enlarging_convolution(const LayerRequest& request) {
  const auto& attributes = request.node.as<ConvAttributes>();
  const bool apart = attributes.kernel == attributes.strides && attributes.dilations == Pair{1, 1} &&
                     attributes.pads == Padding{0, 0, 0, 0} && attributes.output_padding == Pair{0, 0} &&
                     attributes.group == 1;
  // An activation before a sum would have to run in between.
  const auto& posts = request.post_ops;
  const bool late_sum = posts.size() > 1 && posts[1].kind == PostOp::Kind::sum;
  const std::int64_t block = __builtin_cpu_supports("avx512f") ? 16 : 8;
  if (!apart || late_sum || request.output[1] % block != 0 || !__builtin_cpu_supports("avx2") ||
      !__builtin_cpu_supports("fma"))
    return nullptr;
  return std::make_unique<EnlargingConvolution>(request, block);
}

#else

std::unique_ptr<Layer> make_enlarging_convolution(const LayerRequest&) { return nullptr; }

#endif

}  // namespace latentflow::nn

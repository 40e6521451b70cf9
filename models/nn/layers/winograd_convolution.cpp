// winograd_convolution.cpp: 3x3 convolutions of stride 1 by our own Winograd, with fused bias, sum and activations.
#include <fmt/format.h>

#include <algorithm>

#include "convolution.h"
#include "nn/algorithm_choice.h"
#include "nn/shared_work.h"
#include "nn/winograd/winograd.h"
#include "primitive_layer.h"

namespace latentflow::nn {

std::optional<winograd::Step> winograd_step(const PostOp& post) {
  using Kind = winograd::Step::Kind;
  if (post.kind == PostOp::Kind::sum) return winograd::Step{Kind::sum, 0, 0};
  switch (post.op) {
    case Op::relu: return winograd::Step{Kind::leaky_relu, 0, 0};
    case Op::leaky_relu:
      return winograd::Step{Kind::leaky_relu, std::get<LeakyReluAttributes>(post.attributes).alpha, 0};
    case Op::clip: {
      // Channels that only fill a block have to stay zero.
      const auto& clip = std::get<ClipAttributes>(post.attributes);
      if (clip.low > 0 || clip.high < 0) return std::nullopt;
      return winograd::Step{Kind::clip, clip.low, clip.high};
    }
    default: return std::nullopt;
  }
}

namespace {

/// How many of the post operations the kernel does; the others run behind it, where sums cannot.
std::optional<std::size_t> fused_steps(std::span<const PostOp> posts) {
  std::size_t fused = 0;
  while (fused < posts.size() && winograd_step(posts[fused])) ++fused;
  for (const PostOp& post : posts.subspan(fused))
    if (post.kind == PostOp::Kind::sum) return std::nullopt;
  return fused;
}

winograd::Shape shape_of(const ConvAttributes& attributes, const Dims& src, const Dims& dst, std::int64_t tile) {
  return winograd::shape_of(src, dst, attributes.pads[0], attributes.pads[1], preferred_block(), tile);
}

class WinogradConvolution final : public Layer {
 public:
  WinogradConvolution(const LayerRequest& request, std::size_t fused, std::int64_t tile)
      : shape_(shape_of(request.node.as<ConvAttributes>(), request.operands[0].dims, request.output, tile)) {
    algorithm = winograd_name(tile);
    const Operand& filter = request.operands[1];
    filter_ = request.weights.packed(
        filter.id, algorithm, winograd::packed_filter_size(shape_) * sizeof(float), [&](float* packed) {
          share_work(
              shape_.padded_dst_channels(), winograd::filter_panel, [&](std::int64_t first, std::int64_t last, int) {
                winograd::pack_filter(shape_, winograd::Filter::plain, filter.constant->data(), packed, {first, last});
              });
        });
    weight_bytes = winograd::packed_filter_size(shape_) * sizeof(float);
    if (request.node.inputs.size() > 2 && request.operands[2].constant != nullptr) {
      const auto padded = static_cast<std::size_t>(shape_.padded_dst_channels());
      bias_ = aligned_floats(padded * sizeof(float));
      std::fill_n(bias_.get(), padded, 0.0f);
      std::copy_n(request.operands[2].constant->data(), shape_.dst_channels, bias_.get());
    }
    output = blocked_layout(request.output, shape_.block);
    sources.push_back({0, blocked_layout(request.operands[0].dims, shape_.block), Sharing::none});
    for (std::size_t i = 0; i < request.post_ops.size(); ++i) {
      const PostOp& post = request.post_ops[i];
      if (post.kind == PostOp::Kind::sum)
        sources.push_back({request.operands.size() - 1, output, Sharing::must_overwrite});
      if (i < fused)
        steps_.push_back(*winograd_step(post));
      else
        behind_.emplace_back(activation_descriptor(post.op, post.attributes, output));
    }
    scratch_each_ = whole_lines(winograd::forward_scratch_bytes(shape_));
    scratch_bytes = scratch_each_ * static_cast<std::size_t>(most_sharers());
  }

  void run(const LayerCall& call) const override {
    winograd::Shape shape = shape_;
    shape.wanted = call.wanted, shape.readable = call.readable;
    share_groups(winograd::forward_groups(shape), [&](std::int64_t first, std::int64_t last, int sharer) {
      winograd::forward(shape, call.sources[0], filter_.get(), bias_.get(), steps_, call.output,
                        call.scratch + static_cast<std::size_t>(sharer) * scratch_each_, {first, last});
    });
    const dnnl::memory result = onednn::memory(output, call.output);
    for (const dnnl::eltwise_forward& activation : behind_)
      execute(activation, {{DNNL_ARG_SRC, result}, {DNNL_ARG_DST, result}});
  }

 private:
  winograd::Shape shape_;
  std::size_t scratch_each_ = 0;  // of one thread
  PackedWeights::Data filter_;
  std::shared_ptr<float> bias_;
  std::vector<winograd::Step> steps_;
  std::vector<dnnl::eltwise_forward> behind_;
};

}  // namespace

bool fits_winograd(const ConvAttributes& attributes) {
  const auto within = [](std::int64_t pad) { return pad >= 0 && pad <= 2; };
  return attributes.kernel == Pair{3, 3} && attributes.strides == Pair{1, 1} && attributes.dilations == Pair{1, 1} &&
         attributes.group == 1 && std::all_of(attributes.pads.begin(), attributes.pads.end(), within);
}

std::string winograd_name(std::int64_t tile) { return fmt::format("winograd {0}x{0}", tile); }

std::vector<std::int64_t> winograd_tiles(const LayerRequest& request, const Dims& dst) {
  // With few channels the transforms cost more than the products save, and blocks would be mostly padding.
  constexpr std::int64_t least_channels = 8;
  if (!fits_winograd(request.node.as<ConvAttributes>()) || !fused_steps(request.post_ops) ||
      request.operands[0].dims[1] < least_channels || request.output[1] < least_channels)
    return {};
  return winograd::worthwhile_tiles(dst);
}

std::unique_ptr<Layer> make_winograd_convolution(const LayerRequest& request, std::int64_t tile) {
  return std::make_unique<WinogradConvolution>(request, *fused_steps(request.post_ops), tile);
}

double winograd_seconds(const ConvAttributes& attributes, const Dims& src, const Dims& dst, std::int64_t tile) {
  const winograd::Shape shape = shape_of(attributes, src, dst, tile);
  const auto zeros = [](std::size_t floats) {
    std::shared_ptr<float> data = aligned_floats(floats * sizeof(float));
    std::fill_n(data.get(), floats, 0.0f);
    return data;
  };
  const auto from = zeros(blocked_layout(src, shape.block).get_size() / sizeof(float)),
             filter = zeros(winograd::packed_filter_size(shape)),
             to = zeros(blocked_layout(dst, shape.block).get_size() / sizeof(float)),
             scratch = zeros(winograd::forward_scratch_bytes(shape) / sizeof(float));
  const winograd::Step rectify{winograd::Step::Kind::leaky_relu, 0, 0};
  return best_thread_seconds(3, [&] {
    winograd::forward(shape, from.get(), filter.get(), nullptr, std::span(&rectify, 1), to.get(),
                      reinterpret_cast<std::byte*>(scratch.get()));
  });
}

}  // namespace latentflow::nn

// convolution.cpp: Conv and ConvTranspose on oneDNN, with fused bias, sum and activation.
#include "convolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "nn/algorithm_choice.h"
#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

using Forward = dnnl::convolution_forward;
using Transposed = dnnl::deconvolution_forward;

/// A primitive of either kind with packed weights; activations that the primitive cannot fuse run behind it in place.
template <class Primitive>
class Convolution final : public Layer {
 public:
  Convolution(const LayerRequest& request, const FilterShape& filter, typename Primitive::primitive_desc pd,
              std::size_t fused)
      : pd_(std::move(pd)), primitive_(pd_) {
    const auto& operands = request.operands;
    weights_ = request.weights.packed(operands[1].id, *operands[1].constant, filter.stored, pd_.weights_desc());
    weight_bytes = pd_.weights_desc().get_size();
    if (request.node.inputs.size() > 2 && operands[2].constant != nullptr) {
      const Layout plain = onednn::plain(operands[2].dims);
      bias_ = request.weights.packed(operands[2].id, *operands[2].constant, plain, plain);
    }
    output = pd_.dst_desc();
    sources.push_back({0, pd_.src_desc(), Sharing::none});
    for (std::size_t i = 0; i < request.post_ops.size(); ++i) {
      const PostOp& post = request.post_ops[i];
      if (post.kind == PostOp::Kind::sum) sources.push_back({operands.size() - 1, output, Sharing::must_overwrite});
      if (i >= fused) behind_.emplace_back(activation_descriptor(post.op, post.attributes, output));
    }
    scratch_bytes = pd_.scratchpad_desc().get_size();
  }

  void run(const LayerCall& call) const override {
    const dnnl::memory result = onednn::memory(output, call.output);
    onednn::Arguments arguments{{DNNL_ARG_SRC, onednn::memory(sources[0].layout, call.sources[0])},
                                {DNNL_ARG_WEIGHTS, onednn::memory(pd_.weights_desc(), weights_.get())},
                                {DNNL_ARG_DST, result},
                                {DNNL_ARG_SCRATCHPAD, onednn::memory(pd_.scratchpad_desc(), call.scratch)}};
    if (bias_) arguments.emplace(DNNL_ARG_BIAS, onednn::memory(pd_.bias_desc(), bias_.get()));
    execute(primitive_, arguments);
    for (const dnnl::eltwise_forward& activation : behind_)
      execute(activation, {{DNNL_ARG_SRC, result}, {DNNL_ARG_DST, result}});
  }

 private:
  typename Primitive::primitive_desc pd_;
  Primitive primitive_;
  PackedWeights::Data weights_, bias_;
  std::vector<dnnl::eltwise_forward> behind_;
};

template <class Primitive>
struct Candidate {
  typename Primitive::primitive_desc pd;
  std::size_t fused = 0;
  bool exists() const { return pd.get(true) != nullptr; }
};

/// The convolution of the request on a source of `src` extents (the request's own, or a part of it for timing).
template <class Primitive>
Candidate<Primitive> candidate(const LayerRequest& request, const FilterShape& filter, dnnl::algorithm algorithm,
                               const Layout& src, const Layout& dst) {
  const auto& attributes = request.node.as<ConvAttributes>();
  const Pair dilates{attributes.dilations[0] - 1, attributes.dilations[1] - 1};
  const bool forward = std::is_same_v<Primitive, Forward>;
  const Dims small = onednn::dims_of(forward ? dst : src), large = onednn::dims_of(forward ? src : dst);
  const Layout weights(filter.dims, onednn::type_of(src), onednn::Memory::format_tag::any);
  const bool biased = request.node.inputs.size() > 2 && request.node.inputs[2] != no_value;
  const Layout bias = biased ? onednn::plain({onednn::dims_of(dst)[1]}) : Layout();
  const auto vector = [](const Pair& pair) { return Dims{pair[0], pair[1]}; };
  const onednn::Windows windows{vector(attributes.strides),
                                vector(dilates),
                                {attributes.pads[0], attributes.pads[1]},
                                far_padding(attributes, small, large)};
  std::size_t least = 0;  // sums cannot run behind the primitive, activations can
  for (std::size_t i = 0; i < request.post_ops.size(); ++i)
    if (request.post_ops[i].kind == PostOp::Kind::sum) least = i + 1;
  for (std::size_t fused = request.post_ops.size();; --fused) {
    Candidate<Primitive> made{
        onednn::describe_forward<Primitive>(dnnl::prop_kind::forward_inference, algorithm, src, weights, bias, dst,
                                            windows, convolution_attributes(request.post_ops, fused)),
        fused};
    if (made.exists() || fused == least) return made;
  }
}

/// The direct algorithm in the channel-blocked layouts that neighbouring convolutions share, Winograd among them. Left
/// to itself oneDNN 2.6 now and then picks channels last, which costs a reorder on either side.
template <class Primitive>
Candidate<Primitive> direct_candidate(const LayerRequest& request, const FilterShape& filter,
                                      dnnl::algorithm algorithm) {
  const Operand& operand = request.operands[0];
  if (request.bfloat) {
    const auto any = [](const Dims& dims) {
      return Layout(dims, onednn::Memory::data_type::bf16, onednn::Memory::format_tag::any);
    };
    return candidate<Primitive>(request, filter, algorithm, any(operand.dims), any(request.output));
  }
  const std::int64_t block = preferred_block();
  if (request.output[1] >= block) {
    const bool blocked = channel_block(operand.layout, operand.dims) == block;
    auto made = candidate<Primitive>(request, filter, algorithm, blocked ? operand.layout : onednn::any(operand.dims),
                                     blocked_layout(request.output, block));
    if (made.exists() && std::string_view(made.pd.impl_info_str()).substr(0, 3) != "ref") return made;
  }
  return candidate<Primitive>(request, filter, algorithm, onednn::any(operand.dims), onednn::any(request.output));
}

double seconds(const Candidate<Forward>& candidate) {
  const auto& pd = candidate.pd;
  const auto zeros = [](const Layout& layout) {
    std::shared_ptr<float> data = aligned_floats(layout.get_size());
    std::fill_n(reinterpret_cast<char*>(data.get()), layout.get_size(), char{0});
    return data;
  };
  const auto src = zeros(pd.src_desc()), weights = zeros(pd.weights_desc()), bias = zeros(pd.bias_desc()),
             dst = zeros(pd.dst_desc()), scratch = zeros(pd.scratchpad_desc());
  const Forward primitive(pd);
  const onednn::Arguments arguments{{DNNL_ARG_SRC, onednn::memory(pd.src_desc(), src.get())},
                                    {DNNL_ARG_WEIGHTS, onednn::memory(pd.weights_desc(), weights.get())},
                                    {DNNL_ARG_BIAS, onednn::memory(pd.bias_desc(), bias.get())},
                                    {DNNL_ARG_DST, onednn::memory(pd.dst_desc(), dst.get())},
                                    {DNNL_ARG_SCRATCHPAD, onednn::memory(pd.scratchpad_desc(), scratch.get())}};
  return best_thread_seconds(3, [&] { execute(primitive, arguments); });
}

/// The algorithms of a 3x3 convolution by the names they are remembered under; our own have winograd_name().
constexpr const char *direct_name = "direct", *onednn_name = "winograd of oneDNN";

/// Times the algorithms on a part of the picture: enough to rank them, a few milliseconds each.
std::string fastest_algorithm(const LayerRequest& request, const FilterShape& filter, const Dims& dst,
                              std::span<const std::int64_t> own_tiles, bool onednn_winograd) {
  const auto& attributes = request.node.as<ConvAttributes>();
  const auto [top, left, bottom, right] = attributes.pads;
  const Dims src{1, request.operands[0].dims[1], dst[2] + 2 - top - bottom, dst[3] + 2 - left - right};
  const auto timed = [&](dnnl::algorithm algorithm) {
    return [&, algorithm] {
      const auto small = candidate<Forward>(request, filter, algorithm, onednn::any(src), onednn::any(dst));
      return small.exists() ? seconds(small) : std::numeric_limits<double>::infinity();
    };
  };
  std::vector<TimedAlgorithm> algorithms{{direct_name, timed(dnnl::algorithm::convolution_direct)}};
  for (const std::int64_t tile : own_tiles)
    algorithms.push_back({winograd_name(tile), [&, tile] { return winograd_seconds(attributes, src, dst, tile); }});
  if (onednn_winograd) algorithms.push_back({onednn_name, timed(dnnl::algorithm::convolution_winograd)});
  // Choices among fewer algorithms are remembered apart: each would overwrite what the other had measured.
  const std::string key = fmt::format("{} {} {} bias {} post {}{}", fmt::join(src, "x"), fmt::join(dst, "x"),
                                      fmt::join(attributes.pads, ","), request.node.inputs.size() > 2,
                                      request.post_ops.size(), onednn_winograd ? "" : " winograd own");
  return fastest(key, algorithms);
}

/// The Winograd convolution to use, null where the direct one is to be: `on` takes our own with the
/// fewest products wherever it fits.
std::unique_ptr<Layer> make_any_winograd(const LayerRequest& request, const FilterShape& filter) {
  if (request.winograd == Winograd::off || !fits_winograd(request.node.as<ConvAttributes>())) return nullptr;
  if (request.winograd == Winograd::on) {
    const std::vector<std::int64_t> tiles = winograd_tiles(request, request.output);
    return tiles.empty() ? nullptr : make_winograd_convolution(request, tiles[0]);
  }
  const Dims part = timed_part(request.output, request.operands[0].dims[1]);
  const std::vector<std::int64_t> tiles = winograd_tiles(request, part);
  const auto describe = [&] {
    return candidate<Forward>(request, filter, dnnl::algorithm::convolution_winograd,
                              onednn::any(request.operands[0].dims), onednn::any(request.output));
  };
  // For some shapes oneDNN transforms the whole picture at once instead of working through it in pieces: beyond the
  // caches that is slower than the direct algorithm, the part that is timed would not show it, and timing it would take
  // more memory than a run with a low ceiling has left.
  constexpr std::size_t most_scratch = 4 << 20;
  const bool possible = request.winograd == Winograd::automatic && [&] {
    const Candidate<Forward> described = describe();
    return described.exists() && described.pd.scratchpad_desc().get_size() <= most_scratch;
  }();
  const std::string choice = fastest_algorithm(request, filter, part, tiles, possible);
  for (const std::int64_t tile : tiles)
    if (choice == winograd_name(tile)) return make_winograd_convolution(request, tile);
  if (choice == direct_name) return nullptr;
  const Candidate<Forward> of_onednn = describe();  // anew: see forget_primitives()
  auto layer = std::make_unique<Convolution<Forward>>(request, filter, of_onednn.pd, of_onednn.fused);
  layer->algorithm = onednn_name;
  layer->mixes_pixels = true;
  return layer;
}

Status check_weights(const LayerRequest& request) {
  for (std::size_t i = 1; i < request.node.inputs.size(); ++i)
    if (request.node.inputs[i] != no_value && request.operands[i].constant == nullptr)
      return layer_error(request.node, "has weights that are computed at run time, only constants are possible");
  if (request.operands[0].dims.size() != 4)
    return layer_error(request.node, "has an input of shape " + to_string(request.operands[0].dims) +
                                         ", only pictures (four extents) are possible");
  return success();
}

}  // namespace

FilterShape filter_shape(const ConvAttributes& attributes, const Dims& weights, bool transposed) {
  const std::int64_t groups = attributes.group, kh = weights[2], kw = weights[3], area = kh * kw;
  const auto f32 = onednn::Memory::data_type::f32;
  if (!transposed) {
    if (groups == 1) return {weights, onednn::plain(weights)};
    const Dims dims{groups, weights[0] / groups, weights[1], kh, kw};
    return {dims, onednn::plain(dims)};
  }
  // [C, M/g, kh, kw] read as [g, M/g, C/g, kh, kw].
  const std::int64_t outputs = weights[1], inputs = weights[0] / groups;
  if (groups == 1)
    return {{outputs, inputs, kh, kw}, Layout({outputs, inputs, kh, kw}, f32, Dims{area, outputs * area, kw, 1})};
  const Dims dims{groups, outputs, inputs, kh, kw};
  return {dims, Layout(dims, f32, Dims{inputs * outputs * area, area, outputs * area, kw, 1})};
}

Dims far_padding(const ConvAttributes& attributes, const Dims& small, const Dims& large) {
  Dims far(2);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t reach = attributes.dilations[axis] * (attributes.kernel[axis] - 1) + 1;
    far[axis] = (small[axis + 2] - 1) * attributes.strides[axis] + reach - large[axis + 2] - attributes.pads[axis];
  }
  return far;
}

dnnl::primitive_attr convolution_attributes(std::span<const PostOp> post_ops, std::size_t count) {
  dnnl::post_ops list;
  for (const PostOp& post : post_ops.first(count)) {
    if (post.kind == PostOp::Kind::sum)
      list.append_sum();
    else
      append_activation(list, post.op, post.attributes);
  }
  dnnl::primitive_attr attributes = onednn::user_scratchpad();
  attributes.set_post_ops(list);
  return attributes;
}

LayerResult make_convolution(const LayerRequest& request) {
  if (Status checked = check_weights(request); !checked) return checked.error();
  const auto& attributes = request.node.as<ConvAttributes>();
  const FilterShape filter = filter_shape(attributes, request.operands[1].dims, false);
  if (std::unique_ptr<Layer> integers = make_integer_convolution(request)) return integers;
  if (!request.bfloat) {
    if (std::unique_ptr<Layer> narrow = make_narrow_convolution(request)) return narrow;
    if (std::unique_ptr<Layer> blocks = make_block_convolution(request)) return blocks;
    if (std::unique_ptr<Layer> winograd = make_any_winograd(request, filter)) return winograd;
  }
  auto direct = direct_candidate<Forward>(request, filter, dnnl::algorithm::convolution_direct);
  if (!direct.exists()) return layer_error(request.node, "has a geometry for which oneDNN has no convolution");
  auto layer = std::make_unique<Convolution<Forward>>(request, filter, direct.pd, direct.fused);
  layer->algorithm = fmt::format("{} ({})", request.bfloat ? "bf16" : "direct", direct.pd.impl_info_str());
  return std::unique_ptr<Layer>(std::move(layer));
}

LayerResult make_transposed_convolution(const LayerRequest& request) {
  if (Status checked = check_weights(request); !checked) return checked.error();
  if (!request.bfloat)
    if (std::unique_ptr<Layer> blocks = make_block_convolution(request)) return blocks;
  const FilterShape filter = filter_shape(request.node.as<ConvAttributes>(), request.operands[1].dims, true);
  auto direct = direct_candidate<Transposed>(request, filter, dnnl::algorithm::deconvolution_direct);
  if (!direct.exists()) return layer_error(request.node, "has a geometry for which oneDNN has no convolution");
  auto layer = std::make_unique<Convolution<Transposed>>(request, filter, direct.pd, direct.fused);
  layer->algorithm =
      fmt::format("{} ({})", request.bfloat ? "bf16 transposed" : "transposed", direct.pd.impl_info_str());
  return std::unique_ptr<Layer>(std::move(layer));
}

}  // namespace latentflow::nn

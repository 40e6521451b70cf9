// integer_convolution.cpp: Conv on quantized pictures and weights in integers, its result rounded to bytes or as
// floats.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "convolution.h"
#include "nn/quantization.h"
#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

using Forward = dnnl::convolution_forward;
using Type = onednn::Memory::data_type;

/// Post operations with the unit of the result: bounds of a Clip count in steps of the rounding, if there is one.
bool append_posts(dnnl::post_ops& list, std::span<const PostOp> posts, float unit) {
  for (const PostOp& post : posts) {
    if (post.kind == PostOp::Kind::sum) {
      if (unit != 1) return false;
      list.append_sum();
    } else if (post.op == Op::clip) {
      ClipAttributes clip = std::get<ClipAttributes>(post.attributes);
      clip.low /= unit, clip.high /= unit;
      append_activation(list, post.op, clip);
    } else {
      if (unit != 1 && post.op != Op::relu && post.op != Op::leaky_relu) return false;
      append_activation(list, post.op, post.attributes);
    }
  }
  return true;
}

/// What oneDNN 2.x computes: (sum of integer products + bias) * scale, post operations, + zero point, rounded.
struct Scaling {
  std::vector<float> scales, bias;
};
std::optional<Scaling> scaling_of(const LayerRequest& request, float unit) {
  const Operand& weights = request.operands[1];
  const auto channels = static_cast<std::size_t>(request.output[1]);
  const bool biased = request.node.inputs.size() > 2 && request.operands[2].constant != nullptr;
  Scaling made;
  for (std::size_t i = 0; i < channels; ++i) {
    const float steps =
        request.operands[0].grid->scales[0] * weights.grid->scales[weights.grid->scales.size() > 1 ? i : 0];
    made.scales.push_back(steps / unit);
    if (biased) made.bias.push_back(request.operands[2].constant->span()[i] / steps);
    if (!std::isnormal(made.scales.back()) || (biased && !std::isfinite(made.bias.back()))) return {};
  }
  return made;
}

class IntegerConvolution final : public Layer {
 public:
  IntegerConvolution(const LayerRequest& request, Forward::primitive_desc pd, const Scaling& scaling)
      : pd_(std::move(pd)), primitive_(pd_) {
    const Operand& weights = request.operands[1];
    const Layout wanted = pd_.weights_desc();
    // Layouts with and without the sums that a zero point needs are different forms of the same weights.
    const std::string form = "int8 " + std::string(reinterpret_cast<const char*>(&wanted.data), sizeof(wanted.data));
    weights_ = request.weights.packed(weights.id, form, wanted.get_size(), [&](float* packed) {
      const std::vector<std::int32_t> integers = integers_of(*weights.constant, *weights.grid);
      const std::vector<std::int8_t> bytes(integers.begin(), integers.end());
      onednn::reorder({weights.dims, Type::s8, onednn::Memory::format_tag::oihw}, bytes.data(), wanted, packed);
    });
    weight_bytes = wanted.get_size();
    if (!scaling.bias.empty()) {
      bias_ = aligned_floats(scaling.bias.size() * sizeof(float));
      std::copy(scaling.bias.begin(), scaling.bias.end(), bias_.get());
    }
    output = pd_.dst_desc();
    sources.push_back({0, pd_.src_desc(), Sharing::none});
    for (const PostOp& post : request.post_ops)
      if (post.kind == PostOp::Kind::sum)
        sources.push_back({request.operands.size() - 1, output, Sharing::must_overwrite});
    scratch_bytes = pd_.scratchpad_desc().get_size();
    algorithm = fmt::format("int8 ({})", pd_.impl_info_str());
  }

  void run(const LayerCall& call) const override {
    std::unordered_map<int, dnnl::memory> arguments{
        {DNNL_ARG_SRC, onednn::memory(sources[0].layout, call.sources[0])},
        {DNNL_ARG_WEIGHTS, onednn::memory(pd_.weights_desc(), weights_.get())},
        {DNNL_ARG_DST, onednn::memory(output, call.output)},
        {DNNL_ARG_SCRATCHPAD, onednn::memory(pd_.scratchpad_desc(), call.scratch)}};
    if (bias_) arguments.emplace(DNNL_ARG_BIAS, onednn::memory(pd_.bias_desc(), bias_.get()));
    execute(primitive_, arguments);
  }

 private:
  Forward::primitive_desc pd_;
  Forward primitive_;
  PackedWeights::Data weights_;
  std::shared_ptr<float> bias_;
};

}  // namespace

std::unique_ptr<Layer> make_integer_convolution(const LayerRequest& request) {
  if (!request.integers || request.operands[0].grid == nullptr || request.operands[1].grid == nullptr) return nullptr;
  const QuantizeAttributes& input = *request.operands[0].grid;
  const float unit = request.rounding != nullptr ? request.rounding->scales[0] : 1.0f;
  const auto scaling = scaling_of(request, unit);
  dnnl::post_ops posts;
  if (!scaling || !append_posts(posts, request.post_ops, unit)) return nullptr;
  dnnl::primitive_attr attributes = onednn::user_scratchpad();
  attributes.set_post_ops(posts);
  attributes.set_output_scales(1 << 1, scaling->scales);
  if (input.zero_points[0] != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {input.zero_points[0]});
  if (request.rounding != nullptr && request.rounding->zero_points[0] != 0)
    attributes.set_zero_points(DNNL_ARG_DST, 0, {request.rounding->zero_points[0]});

  const auto& geometry = request.node.as<ConvAttributes>();
  const Dims &src = request.operands[0].dims, &weights = request.operands[1].dims;
  const Forward::desc desc(
      dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      channels_last_layout(src, integer_type(input)), {weights, Type::s8, onednn::Memory::format_tag::any},
      scaling->bias.empty() ? Layout() : onednn::plain({request.output[1]}),
      channels_last_layout(request.output, request.rounding != nullptr ? integer_type(*request.rounding) : Type::f32),
      {geometry.strides[0], geometry.strides[1]}, {geometry.dilations[0] - 1, geometry.dilations[1] - 1},
      {geometry.pads[0], geometry.pads[1]}, far_padding(geometry, request.output, src));
  Forward::primitive_desc pd(desc, attributes, onednn::engine(), true);
  // Others than those compiled at run time are slow, or add products in another order than quantization.h counts on.
  if (pd.get(true) == nullptr || !std::string_view(pd.impl_info_str()).starts_with("jit")) return nullptr;
  return std::make_unique<IntegerConvolution>(request, std::move(pd), *scaling);
}

}  // namespace latentflow::nn

// integer_convolution.cpp: Conv on quantized pictures and weights in integers, its result rounded to bytes or as
// floats.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "integer_convolution.h"
#include "nn/algorithm_choice.h"
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

/// Others than those compiled at run time are slow, or add products in another order than quantization.h counts on.
bool is_compiled(std::string_view implementation) {
  return implementation.starts_with("jit") || implementation.starts_with("brg");
}

class IntegerConvolution final : public Layer {
 public:
  IntegerConvolution(const LayerRequest& request, Forward::primitive_desc pd, const IntegerNumbers& numbers)
      : scaling_(numbers.grids), pd_(std::move(pd)), primitive_(pd_) {
    const Operand& weights = request.operands[1];
    const Layout wanted = pd_.weights_desc();
    weights_ = request.weights.packed(weights.id, "int8", wanted, [&](float* packed) {
      const std::vector<std::int8_t> bytes = byte_filter(weights);
      onednn::reorder({weights.dims, Type::s8, onednn::Memory::format_tag::oihw}, bytes.data(), wanted, packed);
    });
    weight_bytes = wanted.get_size();
    if (!numbers.bias.empty()) {
      bias_ = aligned_floats(numbers.bias.size() * sizeof(float));
      for (std::size_t i = 0; i < numbers.bias.size(); ++i)
        bias_.get()[i] = numbers.bias[i] / onednn::Scaling::bias_unit(numbers.grids, i);
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
    onednn::Arguments arguments{{DNNL_ARG_SRC, onednn::memory(sources[0].layout, call.sources[0])},
                                {DNNL_ARG_WEIGHTS, onednn::memory(pd_.weights_desc(), weights_.get())},
                                {DNNL_ARG_DST, onednn::memory(output, call.output)},
                                {DNNL_ARG_SCRATCHPAD, onednn::memory(pd_.scratchpad_desc(), call.scratch)}};
    if (bias_) arguments.emplace(DNNL_ARG_BIAS, onednn::memory(pd_.bias_desc(), bias_.get()));
    scaling_.add_to(arguments);
    execute(primitive_, arguments);
  }

 private:
  onednn::Scaling scaling_;
  Forward::primitive_desc pd_;
  Forward primitive_;
  PackedWeights::Data weights_;
  std::shared_ptr<float> bias_;
};

/// The direct convolution; empty where oneDNN has none that is compiled, or none that is exact.
Forward::primitive_desc describe_direct(const LayerRequest& request, const IntegerNumbers& numbers) {
  const Operand& weights = request.operands[1];
  const QuantizeAttributes& input = *request.operands[0].grid;
  dnnl::post_ops posts;
  if (!direct_sums_fit(input, *weights.constant, *weights.grid) ||
      !append_posts(posts, request.post_ops, onednn::Scaling::post_unit(numbers.grids)))
    return {};
  dnnl::primitive_attr attributes = onednn::user_scratchpad();
  attributes.set_post_ops(posts);
  onednn::Scaling(numbers.grids).describe(attributes);

  const auto& geometry = request.node.as<ConvAttributes>();
  const Dims& src = request.operands[0].dims;
  auto pd = onednn::describe_forward<Forward>(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                                              channels_last_layout(src, integer_type(input)),
                                              {weights.dims, Type::s8, onednn::Memory::format_tag::any},
                                              numbers.bias.empty() ? Layout() : onednn::plain({request.output[1]}),
                                              channels_last_layout(request.output, result_type(request)),
                                              {{geometry.strides[0], geometry.strides[1]},
                                               {geometry.dilations[0] - 1, geometry.dilations[1] - 1},
                                               {geometry.pads[0], geometry.pads[1]},
                                               far_padding(geometry, request.output, src)},
                                              attributes);
  return pd.get(true) != nullptr && is_compiled(pd.impl_info_str()) ? pd : Forward::primitive_desc();
}

bool has_direct(const LayerRequest& request, const IntegerNumbers& numbers) {
  return describe_direct(request, numbers).get(true) != nullptr;
}

bool may_take_winograd(const LayerRequest& request, const IntegerNumbers& numbers) {
  return request.winograd != Winograd::off && fits_integer_winograd(request, numbers);
}

/// Whether Winograd's algorithm is faster than the direct one, measured on a part of the picture.
bool winograd_wins(const LayerRequest& request, const IntegerNumbers& numbers) {
  const Dims dst = timed_part(request.output, request.operands[0].dims[1]);
  const auto [top, left, bottom, right] = request.node.as<ConvAttributes>().pads;
  std::vector<Operand> operands(request.operands.begin(), request.operands.end());
  operands[0].dims = {1, operands[0].dims[1], dst[2] + 2 - top - bottom, dst[3] + 2 - left - right};
  PackedWeights weights;  // nothing is to stay of the algorithm that loses
  LayerRequest part{request.node, operands, dst, request.post_ops, weights, request.winograd};
  part.integers = true, part.rounding = request.rounding;
  const auto direct = [&] {
    auto pd = describe_direct(part, numbers);
    return pd.get(true) == nullptr ? std::numeric_limits<double>::infinity()
                                   : best_thread_seconds(IntegerConvolution(part, std::move(pd), numbers));
  };
  const auto own = [&] { return best_thread_seconds(*make_integer_winograd(part, numbers)); };
  const std::string key =
      fmt::format("int8 conv {} {} {} signed {} result {} post {}", fmt::join(operands[0].dims, "x"),
                  fmt::join(dst, "x"), fmt::join(request.node.as<ConvAttributes>().pads, ","),
                  request.operands[0].grid->is_signed, static_cast<int>(result_type(request)), request.post_ops.size());
  constexpr const char* own_name = "winograd";
  const std::vector<TimedAlgorithm> ways{{"direct", direct}, {own_name, own}};
  return fastest(key, ways) == own_name;
}

/// None where the request is not for integers.
std::optional<IntegerNumbers> numbers_for_integers(const LayerRequest& request) {
  if (!request.integers || request.operands[0].grid == nullptr || request.operands[1].grid == nullptr) return {};
  return integer_numbers(request);
}

}  // namespace

std::optional<IntegerNumbers> integer_numbers(const LayerRequest& request) {
  const Operand& weights = request.operands[1];
  const QuantizeAttributes& input = *request.operands[0].grid;
  const auto channels = static_cast<std::size_t>(request.output[1]);
  const bool biased = request.node.inputs.size() > 2 && request.operands[2].constant != nullptr;
  IntegerNumbers made{{input.scales[0], input.zero_points[0]}, {}};
  if (request.rounding != nullptr)
    made.grids.dst_scale = request.rounding->scales[0], made.grids.dst_zero = request.rounding->zero_points[0];
  for (std::size_t i = 0; i < channels; ++i) {
    made.grids.filter_scales.push_back(weights.grid->scales[weights.grid->scales.size() > 1 ? i : 0]);
    if (biased) made.bias.push_back(request.operands[2].constant->span()[i]);
    if (!std::isnormal(made.scale(i))) return {};
    if (biased && !std::isfinite(made.bias[i] / onednn::Scaling::bias_unit(made.grids, i))) return {};
  }
  return made;
}

std::vector<std::int8_t> byte_filter(const Operand& weights) {
  const std::vector<std::int32_t> integers = integers_of(*weights.constant, *weights.grid);
  return {integers.begin(), integers.end()};
}

onednn::Memory::data_type result_type(const LayerRequest& request) {
  return request.rounding != nullptr ? integer_type(*request.rounding) : Type::f32;
}

bool has_integer_convolution(const LayerRequest& request) {
  const auto numbers = numbers_for_integers(request);
  return numbers && (may_take_winograd(request, *numbers) || has_direct(request, *numbers));
}

std::unique_ptr<Layer> make_integer_convolution(const LayerRequest& request) {
  const auto numbers = numbers_for_integers(request);
  if (!numbers) return nullptr;
  if (may_take_winograd(request, *numbers) &&
      (request.winograd == Winograd::on || !has_direct(request, *numbers) || winograd_wins(request, *numbers)))
    return make_integer_winograd(request, *numbers);
  // Described when nothing is measured any more: see forget_primitives().
  auto direct = describe_direct(request, *numbers);
  if (direct.get(true) == nullptr) return nullptr;
  return std::make_unique<IntegerConvolution>(request, std::move(direct), *numbers);
}

}  // namespace latentflow::nn

// integer_winograd.cpp: 3x3 convolutions of quantized pictures by Winograd's algorithm in integers.
#include <algorithm>
#include <cmath>

#include "integer_convolution.h"
#include "nn/shared_work.h"
#include "nn/winograd/integers.h"

namespace latentflow::nn {

namespace {

using winograd::IntegerResult;

winograd::Shape shape_of(const LayerRequest& request) {
  const auto& attributes = request.node.as<ConvAttributes>();
  return winograd::shape_of(request.operands[0].dims, request.output, attributes.pads[0], attributes.pads[1], 16, 4);
}

/// Post operations in steps of the result; none where there is one that the kernel does not do.
std::optional<std::vector<winograd::Step>> steps_of(const LayerRequest& request, float unit) {
  std::vector<winograd::Step> steps;
  for (const PostOp& post : request.post_ops) {
    if (post.kind == PostOp::Kind::activation && post.op == Op::clip) {  // any: no channel is padding here
      const auto& clip = std::get<ClipAttributes>(post.attributes);
      steps.push_back({winograd::Step::Kind::clip, clip.low / unit, clip.high / unit});
      continue;
    }
    const std::optional<winograd::Step> step = winograd_step(post);
    if (!step || (step->kind == winograd::Step::Kind::sum && request.rounding != nullptr)) return {};
    steps.push_back(*step);
  }
  return steps;
}

/// What floats are multiplied by and added to by the kernel: where they lose nothing of their own.
bool has_precise_numbers(const IntegerNumbers& numbers) {
  for (std::size_t i = 0; i < numbers.grids.filter_scales.size(); ++i)
    if (!std::isnormal(numbers.scale(i) / 64) || !std::isfinite(numbers.step_bias(i))) return false;
  return true;
}

IntegerResult::Type kernel_type(onednn::Memory::data_type type) {
  switch (type) {
    case onednn::Memory::data_type::u8: return IntegerResult::Type::u8;
    case onednn::Memory::data_type::s8: return IntegerResult::Type::s8;
    default: return IntegerResult::Type::f32;
  }
}

class IntegerWinograd final : public Layer {
 public:
  IntegerWinograd(const LayerRequest& request, const IntegerNumbers& numbers)
      : shape_(shape_of(request)),
        src_zero_(numbers.grids.src_zero),
        dst_zero_(static_cast<float>(numbers.grids.dst_zero)),
        input_(integer_type(*request.operands[0].grid)),
        steps_(*steps_of(request, numbers.grids.dst_scale)) {
    algorithm = "int8 " + winograd_name(4);
    weight_bytes = winograd::packed_integers_size(shape_) * sizeof(std::int16_t);
    filter_ = request.weights.packed(request.operands[1].id, algorithm, weight_bytes, [&](float* packed) {
      winograd::pack_integers(shape_, byte_filter(request.operands[1]).data(), reinterpret_cast<std::int16_t*>(packed));
    });
    const auto channels = static_cast<std::size_t>(shape_.dst_channels);
    scales_ = aligned_floats(channels * sizeof(float)), bias_ = aligned_floats(channels * sizeof(float));
    for (std::size_t i = 0; i < channels; ++i) {
      scales_.get()[i] = numbers.scale(i);
      bias_.get()[i] = numbers.step_bias(i);
    }
    output = channels_last_layout(request.output, result_type(request));
    sources.push_back({0, channels_last_layout(request.operands[0].dims, input_), Sharing::none});
    for (const PostOp& post : request.post_ops)
      if (post.kind == PostOp::Kind::sum)
        sources.push_back({request.operands.size() - 1, output, Sharing::must_overwrite});
    scratch_each_ = whole_lines(winograd::integers_scratch_bytes(shape_));
    scratch_bytes = scratch_each_ * static_cast<std::size_t>(most_sharers());
  }

  void run(const LayerCall& call) const override {
    winograd::Shape shape = shape_;
    shape.wanted = call.wanted;
    const winograd::ByteSource src{call.sources[0], input_ == onednn::Memory::data_type::s8, src_zero_};
    const IntegerResult result{
        kernel_type(onednn::type_of(output)), dst_zero_, scales_.get(), bias_.get(), steps_, call.output};
    share_groups(winograd::integers_groups(shape), [&](std::int64_t first, std::int64_t last, int sharer) {
      winograd::forward_integers(shape, src, reinterpret_cast<const std::int16_t*>(filter_.get()), result,
                                 call.scratch + static_cast<std::size_t>(sharer) * scratch_each_, {first, last});
    });
  }

 private:
  winograd::Shape shape_;
  std::int32_t src_zero_;
  float dst_zero_;
  onednn::Memory::data_type input_;
  std::vector<winograd::Step> steps_;
  PackedWeights::Data filter_;
  std::shared_ptr<float> scales_, bias_;
  std::size_t scratch_each_ = 0;  // of one thread
};

}  // namespace

bool fits_integer_winograd(const LayerRequest& request, const IntegerNumbers& numbers) {
  if (!fits_winograd(request.node.as<ConvAttributes>())) return false;
  const winograd::Shape shape = shape_of(request);
  return winograd::fits_integers(shape) && steps_of(request, numbers.grids.dst_scale) && has_precise_numbers(numbers) &&
         (winograd::in_range(shape) || winograd::in_range(shape, byte_filter(request.operands[1]).data()));
}

std::unique_ptr<Layer> make_integer_winograd(const LayerRequest& request, const IntegerNumbers& numbers) {
  return std::make_unique<IntegerWinograd>(request, numbers);
}

}  // namespace latentflow::nn

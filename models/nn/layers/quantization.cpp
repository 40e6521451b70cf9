// quantization.cpp: rounding of values to a grid of integers, as floats or as the bytes that convolutions in integers
// read.
#include <algorithm>

#include "nn/gradients/loops.h"
#include "nn/quantization.h"
#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

/// One scale, ready for a loop.
struct Steps {
  float scale, low, high, zero;  ///< bounds in steps from the zero point

  Steps(const QuantizeAttributes& grid, std::size_t at)
      : scale(grid.scales[at]),
        low(static_cast<float>(grid.low() - grid.zero_points[at])),
        high(static_cast<float>(grid.high() - grid.zero_points[at])),
        zero(static_cast<float>(grid.zero_points[at])) {}
};

/// Whole steps, ties to even: adding 1.5 * 2^23 leaves no room for a fraction, in any instruction set. NaN is low.
inline float steps_of(float x, const Steps& steps) {
  constexpr float rounder = 12582912.0f;
  const float at = x / steps.scale;
  const float limited = at > steps.low ? (at < steps.high ? at : steps.high) : steps.low;
  return (limited + rounder) - rounder;
}

LATENTFLOW_CLONES void round_floats(const float* x, float* y, std::int64_t count, const Steps& steps) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = steps_of(x[i], steps) * steps.scale;
}

LATENTFLOW_CLONES void round_to_bytes(const float* x, std::uint8_t* y, std::int64_t count, const Steps& steps) {
  for (std::int64_t i = 0; i < count; ++i)
    y[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(steps_of(x[i], steps) + steps.zero));
}

/// Floats that lie on the grid: the same on every processor, whatever computes with them.
class RoundedFloats final : public Layer {
 public:
  explicit RoundedFloats(const LayerRequest& request) {
    const auto& grid = request.node.as<QuantizeAttributes>();
    const Operand& operand = request.operands[0];
    const bool one = grid.scales.size() == 1;
    output = one ? operand.layout : plain_layout(operand.dims);
    sources = {{0, output, Sharing::may_overwrite}};
    algorithm = "int8 simulated";
    for (std::size_t i = 0; i < grid.scales.size(); ++i) steps_.emplace_back(grid, i);
    inner_ = static_cast<std::int64_t>(layout_bytes(output) / sizeof(float));
    if (one) return;
    inner_ = 1;
    for (auto axis = static_cast<std::size_t>(grid.axis) + 1; axis < operand.dims.size(); ++axis)
      inner_ *= operand.dims[axis];
    outer_ = element_count(operand.dims) / (inner_ * static_cast<std::int64_t>(steps_.size()));
  }

  void run(const LayerCall& call) const override {
    const float* x = call.sources[0];
    float* y = call.output;
    for (std::int64_t i = 0; i < outer_; ++i)
      for (const Steps& steps : steps_) {
        round_floats(x, y, inner_, steps);
        x += inner_, y += inner_;
      }
  }

 private:
  std::vector<Steps> steps_;
  std::int64_t inner_ = 1, outer_ = 1;
};

/// Bytes with the channels of a pixel side by side, as convolutions in integers read them.
class RoundedBytes final : public Layer {
 public:
  explicit RoundedBytes(const LayerRequest& request)
      : dims_(request.output),
        block_(channel_block(request.operands[0].layout, dims_)),
        steps_(request.node.as<QuantizeAttributes>(), 0) {
    const Layout channels_last = channels_last_layout(dims_, onednn::Memory::data_type::f32);
    last_ = block_ == 1 && request.operands[0].layout == channels_last;
    sources = {{0,
                last_        ? channels_last
                : block_ > 1 ? request.operands[0].layout
                             : plain_layout(dims_),
                Sharing::none}};
    output = channels_last_layout(dims_, integer_type(request.node.as<QuantizeAttributes>()));
    scratch_bytes = static_cast<std::size_t>(dims_[3] * block_);
    algorithm = "to int8";
  }

  void run(const LayerCall& call) const override {
    const std::int64_t channels = dims_[1], height = dims_[2], width = dims_[3];
    auto* bytes = reinterpret_cast<std::uint8_t*>(call.output);
    if (last_) return round_to_bytes(call.sources[0], bytes, element_count(dims_), steps_);
    auto* row = reinterpret_cast<std::uint8_t*>(call.scratch);
    const std::int64_t blocks = (channels + block_ - 1) / block_;
    for (std::int64_t n = 0; n < dims_[0]; ++n)
      for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t b = 0; b < blocks; ++b) {
          const float* x = call.sources[0] + ((n * blocks + b) * height + y) * width * block_;
          round_to_bytes(x, row, width * block_, steps_);
          std::uint8_t* to = bytes + (n * height + y) * width * channels + b * block_;
          const std::int64_t some = std::min(block_, channels - b * block_);
          for (std::int64_t i = 0; i < width; ++i) std::copy_n(row + i * block_, some, to + i * channels);
        }
  }

 private:
  Dims dims_;
  std::int64_t block_;
  Steps steps_;
  bool last_ = false;
};

}  // namespace

onednn::Memory::data_type integer_type(const QuantizeAttributes& grid) {
  return grid.is_signed ? onednn::Memory::data_type::s8 : onednn::Memory::data_type::u8;
}

Layout channels_last_layout(const Dims& dims, onednn::Memory::data_type type) {
  return {dims, type, onednn::Memory::format_tag::nhwc};
}

LayerResult make_quantization(const LayerRequest& request) {
  const bool bytes =
      request.integers && request.node.as<QuantizeAttributes>().scales.size() == 1 && request.output.size() == 4;
  if (bytes) return std::unique_ptr<Layer>(std::make_unique<RoundedBytes>(request));
  return std::unique_ptr<Layer>(std::make_unique<RoundedFloats>(request));
}

}  // namespace latentflow::nn

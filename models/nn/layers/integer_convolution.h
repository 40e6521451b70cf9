// integer_convolution.h: shared by the convolutions of quantized pictures.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "convolution.h"

namespace latentflow::nn {

/// Grids of the source, the filters and the result, and the bias (none, or one number for each output channel) as real
/// numbers.
struct IntegerNumbers {
  onednn::Grids grids;
  std::vector<float> bias;
  /// What a sum of products of an output channel is multiplied by to count in steps of the result.
  float scale(std::size_t channel) const { return grids.src_scale * grids.filter_scales[channel] / grids.dst_scale; }
  /// The bias in steps of the result.
  float step_bias(std::size_t channel) const { return bias.empty() ? 0 : bias[channel] / grids.dst_scale; }
};

/// None where a number is too large or too small for floats.
std::optional<IntegerNumbers> integer_numbers(const LayerRequest& request);

/// The filters on their grid, row-major.
std::vector<std::int8_t> byte_filter(const Operand& weights);

/// Bytes where the result is to be rounded, else floats.
onednn::Memory::data_type result_type(const LayerRequest& request);

/// Winograd's algorithm in integers (winograd/integers.h), which gives the sums of the direct one: whether it fits the
/// request, and, where it does, its layer.
bool fits_integer_winograd(const LayerRequest& request, const IntegerNumbers& numbers);
std::unique_ptr<Layer> make_integer_winograd(const LayerRequest& request, const IntegerNumbers& numbers);

}  // namespace latentflow::nn

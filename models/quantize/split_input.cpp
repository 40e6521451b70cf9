// split_input.cpp: see split_input.h.
#include "split_input.h"

#include <algorithm>

#include "nn/quantization.h"

namespace latentflow::quantize {

bool worth_splitting(std::int64_t channels) { return channels > 0 && channels <= 8; }

nn::QuantizeAttributes split_grid(const Range& range) {
  // The remainders are within half a step: half the ratio in steps of the grid, and no more than they need.
  constexpr float room = split_ratio / 2 / (255.0f - split_ratio);
  const float extent = range.high - range.low;
  return grid_over({std::min(range.low, -room * extent), std::max(range.high, room * extent)});
}

nn::ValueId add_split(nn::Graph& graph, nn::ValueId x, const nn::QuantizeAttributes& grid) {
  const std::string name = graph.value(x).name;
  const nn::ValueId rounded = graph.add_node(nn::Op::quantize, name + ".rounded", {x}, grid);
  const nn::ValueId left = graph.add_node(nn::Op::sub, name + ".left", {x, rounded});
  const nn::ValueId ratio = graph.add_constant(name + ".ratio", Tensor::filled({1}, split_ratio));
  const nn::ValueId larger = graph.add_node(nn::Op::mul, name + ".left_larger", {left, ratio});
  const nn::ValueId both = graph.add_node(nn::Op::concat, name + ".split", {rounded, larger}, nn::ConcatAttributes{1});
  return graph.add_node(nn::Op::quantize, name + ".quantized", {both}, grid);
}

Tensor split_numbers(const Tensor& x, const nn::QuantizeAttributes& grid) {
  Dims dims = x.dims();
  dims[1] *= 2;
  Tensor both(dims);
  const Tensor rounded = nn::rounded(x, grid);
  const std::int64_t each = x.size() / dims[0];
  for (std::int64_t n = 0; n < dims[0]; ++n) {
    const float *from = x.data() + n * each, *near = rounded.data() + n * each;
    float* to = both.mutable_data() + 2 * n * each;
    std::copy_n(near, each, to);
    std::transform(from, from + each, near, to + each, [](float a, float b) { return split_ratio * (a - b); });
  }
  return nn::rounded(both, grid);
}

Tensor split_weights(const Tensor& weights) {
  Dims dims = weights.dims();
  const auto outputs = static_cast<std::size_t>(dims[0]), filter = weights.span().size() / outputs;
  dims[1] *= 2;
  Tensor split(dims);
  const float* from = weights.data();
  float* to = split.mutable_data();
  for (std::size_t m = 0; m < outputs; ++m, from += filter, to += 2 * filter) {
    std::copy_n(from, filter, to);
    std::transform(from, from + filter, to + filter, [](float weight) { return weight / split_ratio; });
  }
  return split;
}

}  // namespace latentflow::quantize

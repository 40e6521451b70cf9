// split_input.h: some bits more for the input of a convolution with few channels.
#pragma once

#include "nn/graph.h"
#include "ranges.h"

namespace latentflow::quantize {

/// A rounded input x is given to the convolution twice: as it is, and as further channels `split_ratio` times what its
/// rounding left, with weights that are as many times smaller,
///     W x = W [x] + W / r (r (x - [x])),
/// both on one grid of integers. What rounding x costs shrinks by a half of the ratio or more; by less than all of it,
/// because W / r is on the grid of W, where it has few steps. Kernels that pad channels to 16 take no longer. Without
/// rounding the further channels are 0.
inline constexpr int split_ratio = 16;

/// Whether the channels, and as many again, are within those that kernels pad to.
bool worth_splitting(std::int64_t channels);

/// A grid over the range that has room for what is left of rounding, on either side of 0.
nn::QuantizeAttributes split_grid(const Range& range);

/// The input [N,C,H,W] of a convolution as [N,2C,H,W] on the grid.
nn::ValueId add_split(nn::Graph& graph, nn::ValueId x, const nn::QuantizeAttributes& grid);

/// What that gives for numbers [N,C,H,W].
Tensor split_numbers(const Tensor& x, const nn::QuantizeAttributes& grid);

/// [M,C,kh,kw] to [M,2C,kh,kw].
Tensor split_weights(const Tensor& weights);

}  // namespace latentflow::quantize

// quantization.h: grids of integers over real numbers, and graphs that have them.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/graph.h"

namespace latentflow::nn {

/// How a network that holds quantized layers is computed; one without is computed in f32 by all but bf16.
enum class Precision {
  f32,        ///< values between layers are not rounded, weights are those of the file
  bf16,       ///< convolutions, products with weights and what lies between in bfloat16 (with AVX-512 only)
  int8,       ///< what the file says: in integers where the processor computes them exactly, else rounded in f32
  automatic,  ///< per convolution the faster of integers and f32
};

/// The names that users give them: "f32", "bf16", "int8", "auto"; the precision of a name, which is one of those.
inline constexpr std::array<std::pair<std::string_view, Precision>, 4> precision_names{
    {{"auto", Precision::automatic}, {"f32", Precision::f32}, {"bf16", Precision::bf16}, {"int8", Precision::int8}}};
Precision precision_of(std::string_view name);

/// Whether oneDNN computes in bfloat16 on this processor. Errors: unsupported, which advises precision `otherwise`.
Status check_bfloat(std::string_view otherwise);

/// What is wrong with a grid over a value of these extents; empty when nothing is. A scale has to be finite, above 0
/// and not denormal, zero points have to be within low..high; several scales need as many extents along the axis.
std::string grid_fault(const QuantizeAttributes& grid, const Dims& dims);

/// The integers that real numbers fall on, and the real numbers that integers stand for; row-major, as many as
/// dims say. Numbers are rounded to the nearest integer, ties to even, and clamped; one that is NaN gives low().
std::vector<std::int32_t> integers_of(const Tensor& real, const QuantizeAttributes& grid);
Tensor real_of(const std::vector<std::int32_t>& integers, const Dims& dims, const QuantizeAttributes& grid);

/// real_of(integers_of()): what Op::quantize computes.
Tensor rounded(const Tensor& real, const QuantizeAttributes& grid);

/// Whether any value between layers is quantized.
bool has_quantized_layers(const Graph& graph);

/// The node that makes the value, or null.
const Node* maker_of(const Graph& graph, ValueId id);

/// Without rounding between layers: every reader of a quantized value reads what was to be rounded. Values keep their
/// numbers (those that nothing makes any more stay in the list) and outputs their names.
void remove_rounding(Graph& graph);

/// The same for some readers (indices into graph.nodes) alone.
void remove_rounding(Graph& graph, const std::vector<std::size_t>& readers);

/// Whether the Conv may be computed in integers: input and weights are quantized, the input with one grid, the weights
/// with int8 around 0, one scale for all or per output channel.
bool runs_in_integers(const Graph& graph, const Node& node);

/// Whether oneDNN's direct convolution of them loses no bit of its sums on this processor. Without VNNI it takes uint8
/// alone, and the products of two neighbouring input channels are added in 16 bits, saturating, so there every such
/// pair of weights has to stay within -128..128 in sum.
bool direct_sums_fit(const QuantizeAttributes& input, const Tensor& weights, const QuantizeAttributes& grid);

}  // namespace latentflow::nn

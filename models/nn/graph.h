// graph.h: the operator graph every network is held in, between ONNX file, planner, gradients and exporter.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "latentflow/result.h"
#include "latentflow/tensor.h"

namespace latentflow::nn {

using latentflow::to_string;  // beside the one for Op, which would hide it

using ValueId = std::int32_t;
/// Stands for an optional input that is left out (for example a Conv without bias).
inline constexpr ValueId no_value = -1;

/// Operators, named and defined as in ONNX (opset 13 semantics); every one has a single output here.
enum class Op {
  conv,
  conv_transpose,
  gemm,
  matmul,
  relu,
  leaky_relu,
  sigmoid,
  tanh,
  clip,
  softmax,
  add,
  sub,
  mul,
  concat,
  slice,
  pad,
  reshape,
  flatten,
  max_pool,
  average_pool,
  global_average_pool,
  batch_normalization,
  depth_to_space,
  space_to_depth,
  resize,
  quantize,  ///< no single ONNX operator: QuantizeLinear with DequantizeLinear directly behind it
};

/// The ONNX operator name, for example "Conv".
std::string_view to_string(Op op);

/// Two spatial extents, vertical first.
using Pair = std::array<std::int64_t, 2>;
/// Spatial padding: top, left, bottom, right (the order of ONNX `pads`).
using Padding = std::array<std::int64_t, 4>;

/// Conv: inputs x [N,C,H,W], weights [M,C/group,kh,kw], bias [M] or no_value.
/// ConvTranspose: weights [C,M/group,kh,kw]; output_padding only there.
struct ConvAttributes {
  Pair kernel{1, 1}, strides{1, 1}, dilations{1, 1};
  Padding pads{0, 0, 0, 0};
  std::int64_t group = 1;
  Pair output_padding{0, 0};
};
/// y = alpha op(a) op(b) + beta c; inputs a, b, c or no_value.
struct GemmAttributes {
  float alpha = 1, beta = 1;
  bool trans_a = false, trans_b = false;
};
struct LeakyReluAttributes {
  float alpha = 0.01f;
};
struct ClipAttributes {
  float low, high;
};  ///< infinities where ONNX leaves a bound out
struct SoftmaxAttributes {
  std::int64_t axis = 1;
};  ///< never negative here
struct ConcatAttributes {
  std::int64_t axis = 1;
};  ///< never negative here
/// One entry per axis of the input; `ends` may exceed the extent, steps are positive.
struct SliceAttributes {
  Dims starts, ends, steps;
};
enum class PadMode { constant, reflect, edge };
/// One entry per axis; pads are not negative.
struct PadAttributes {
  PadMode mode = PadMode::constant;
  Dims before, after;
  float value = 0;
};
/// Target as in ONNX: 0 keeps the extent, -1 takes what is left over.
struct ReshapeAttributes {
  Dims shape;
};
struct FlattenAttributes {
  std::int64_t axis = 1;
};
struct PoolAttributes {
  Pair kernel{1, 1}, strides{1, 1};
  Padding pads{0, 0, 0, 0};
  bool ceil_mode = false, count_include_pad = false;
};
/// Inputs x, scale, bias, mean, variance.
struct BatchNormalizationAttributes {
  float epsilon = 1e-5f;
};
/// DCR: depth index = (block row, block column, channel); CRD: (channel, block row, block column), which is
/// PixelShuffle. ONNX knows only DCR for SpaceToDepth; exporters spell CRD with Reshape and Transpose (see
/// onnx_export.h for ours).
enum class DepthOrder { dcr, crd };
struct DepthSpaceAttributes {
  std::int64_t block = 2;
  DepthOrder order = DepthOrder::dcr;
};
enum class ResizeMode { nearest, linear };
enum class ResizeCoordinates { half_pixel, asymmetric, align_corners };
enum class NearestRounding { floor, round_prefer_floor };
struct ResizeAttributes {
  ResizeMode mode = ResizeMode::nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::half_pixel;
  NearestRounding rounding = NearestRounding::round_prefer_floor;
  std::array<float, 2> scales{1, 1};  ///< vertical, horizontal; used when sizes is {0, 0}
  Pair sizes{0, 0};
};

/// A grid of integers laid over real numbers, as ONNX QuantizeLinear and DequantizeLinear define it:
///     y = (clamp(round(x / scale) + zero point, low, high) - zero point) * scale, ties to even
/// with one scale for all, or one per extent of `axis`.
struct QuantizeAttributes {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;  ///< as many as scales, within low..high
  std::int64_t axis = 1;                  ///< never negative; of no meaning for one scale
  bool is_signed = false;                 ///< int8, else uint8

  std::int32_t low() const { return is_signed ? -128 : 0; }
  std::int32_t high() const { return is_signed ? 127 : 255; }
  bool operator==(const QuantizeAttributes&) const = default;
};

using Attributes =
    std::variant<std::monostate, ConvAttributes, GemmAttributes, LeakyReluAttributes, ClipAttributes, SoftmaxAttributes,
                 ConcatAttributes, SliceAttributes, PadAttributes, ReshapeAttributes, FlattenAttributes, PoolAttributes,
                 BatchNormalizationAttributes, DepthSpaceAttributes, ResizeAttributes, QuantizeAttributes>;

/// A tensor in the graph: an input, a constant (weights) or the output of one node.
struct ValueInfo {
  std::string name;                ///< unique; weights are called "<node>.weight", "<node>.bias"
  Dims dims;                       ///< declared; -1 where dynamic; empty when unknown
  std::optional<Tensor> constant;  ///< set for weights
  /// Of weights that the file holds as integers: `constant` has the real numbers they stand for.
  std::optional<QuantizeAttributes> grid = std::nullopt;
  bool half =
      false;  ///< weights that are written as float16; `constant` holds numbers of that type, see half_weights()
};

struct Node {
  Op op;
  std::string name;
  std::vector<ValueId> inputs;
  ValueId output = no_value;
  Attributes attributes;

  template <class T>
  const T& as() const {
    return std::get<T>(attributes);
  }
};

/// Nodes are in an order in which they can be executed. Plain data: passes rewrite it, nobody subclasses it.
struct Graph {
  std::string name;
  std::vector<ValueInfo> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs, outputs;
  std::map<std::string, std::string> metadata;  ///< the model card: ONNX metadata_props

  const ValueInfo& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  ValueInfo& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
  bool is_constant(ValueId id) const { return id != no_value && value(id).constant.has_value(); }

  ValueId add_input(std::string value_name, Dims dims);
  ValueId add_constant(std::string value_name, Tensor tensor);
  /// Appends a node and its output value (named as the node); returns the output.
  ValueId add_node(Op op, std::string node_name, std::vector<ValueId> node_inputs, Attributes attributes = {});
};

/// Number of trainable numbers: elements of all constants.
std::int64_t parameter_count(const Graph& graph);

/// Shape of every value for the given input shapes (same order as graph.inputs, no -1). Errors name the node,
/// what it needs and what it got.
Result<std::vector<Dims>> infer_shapes(const Graph& graph, std::span<const Dims> input_dims);

/// Multiply-adds of one node; 0 for everything but Conv, ConvTranspose, Gemm and MatMul.
std::int64_t multiply_adds(const Node& node, const std::vector<Dims>& shapes);

/// Multiply-adds of Conv, ConvTranspose, Gemm and MatMul by the direct algorithm, for shapes from infer_shapes.
std::int64_t multiply_adds(const Graph& graph, const std::vector<Dims>& shapes);

}  // namespace latentflow::nn

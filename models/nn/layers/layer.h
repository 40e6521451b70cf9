// layer.h: what the planner asks of a computing layer, and the factories of every family.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "nn/onednn_versions.h"
#include "nn/packed_weights.h"
#include "nn/window.h"

namespace latentflow::nn {

using onednn::Layout;

/// One input of a layer that is being planned.
struct Operand {
  ValueId id = no_value;  ///< no_value for an optional input that is left out
  Dims dims;
  Layout layout;                             ///< how the value lies in memory at present
  const Tensor* constant = nullptr;          ///< set for weights
  const QuantizeAttributes* grid = nullptr;  ///< set where the value lies on a grid of integers
};

/// What a convolution or a product of matrices does to its result before storing it, in this order. `bias`: a row of
/// constants that a MatMul adds to every row.
struct PostOp {
  enum class Kind { activation, sum, bias } kind = Kind::activation;
  Op op = Op::relu;  ///< of an activation
  Attributes attributes;
};

struct LayerRequest {
  const Node& node;
  std::span<const Operand> operands;  ///< node.inputs, then the other operand of a fused sum or the fused bias
  const Dims& output;
  std::span<const PostOp> post_ops;
  PackedWeights& weights;
  Winograd winograd = Winograd::automatic;
  bool bfloat = false;                           ///< Conv, ConvTranspose, Gemm, MatMul: compute in bfloat16
  bool integers = false;                         ///< Conv: compute in integers; Quantize: give them
  const QuantizeAttributes* rounding = nullptr;  ///< Conv in integers: gives its result as those of this grid
};

/// Pointers for one execution: sources as Layer::sources lists them, output, scratch of scratch_bytes (64-byte
/// aligned).
struct LayerCall {
  std::span<const float* const> sources;
  float* output = nullptr;
  std::byte* scratch = nullptr;
  /// Of a picture, the part of the output that anybody reads, and the part of source 0 that has been computed for it:
  /// layers may leave out what lies outside the one, and must not let it depend on what lies outside the other.
  Window wanted{}, readable{};
};

/// One planned computation for fixed shapes and layouts; constant, so any number of threads may run it at once.
class Layer {
 public:
  /// Whether the output may live where a source lives. `must_overwrite`: the source is an accumulator;
  /// `view`: the output is the source under another shape and nothing runs.
  enum class Sharing { none, may_overwrite, must_overwrite, view };
  struct Source {
    std::size_t operand = 0;  ///< index into LayerRequest::operands
    Layout layout;            ///< the layout in which the layer reads it
    Sharing sharing = Sharing::none;
  };

  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  /// Runs on the calling thread, which idle ones may help (shared_work.h); the caller holds an onednn::OneThread.
  virtual void run(const LayerCall& call) const = 0;

  std::vector<Source> sources;
  Layout output;
  /// A pixel of the result depends, if only in its rounding, on pixels of the source that the operator does not need
  /// for it; where it heeds LayerCall::readable it does not.
  bool mixes_pixels = false;
  std::size_t scratch_bytes = 0;
  std::size_t weight_bytes = 0;
  std::string algorithm;  ///< for reports, for example "winograd f32"
};

using LayerResult = Result<std::unique_ptr<Layer>>;

// The factories. Errors (unsupported) name the node. dnnl::error and std::bad_alloc pass through to the planner.

/// Conv and ConvTranspose; reads [N,C,H,W], weights are constants.
LayerResult make_convolution(const LayerRequest& request);
LayerResult make_transposed_convolution(const LayerRequest& request);
/// Gemm and MatMul.
LayerResult make_dense(const LayerRequest& request);
/// Relu, LeakyRelu, Sigmoid, Tanh, Clip in the layout they meet.
LayerResult make_activation(const LayerRequest& request);
/// Row-major.
LayerResult make_softmax(const LayerRequest& request);
/// Add, Sub, Mul with numpy broadcasting.
LayerResult make_binary(const LayerRequest& request);
/// MaxPool, AveragePool, GlobalAveragePool.
LayerResult make_pooling(const LayerRequest& request);
/// Reshape and Flatten are views; Concat, Slice, Pad, DepthToSpace and SpaceToDepth copy.
LayerResult make_rearrangement(const LayerRequest& request);
LayerResult make_resize(const LayerRequest& request);
/// Quantize: floats on the grid in the layout they meet, or integers (pictures with one scale) with channels last.
LayerResult make_quantization(const LayerRequest& request);
/// The factory for the node's operator.
LayerResult make_layer(const LayerRequest& request);
/// Copies between two layouts of the same extents; `grid`: of the integers that floats are made of.
std::unique_ptr<Layer> make_reorder(const Layout& from, const Layout& to, const QuantizeAttributes* grid = nullptr);

/// Best time of three runs on zeros after one to warm up, in seconds of the calling thread, in a task arena of its own,
/// so that idle threads do not share the work.
double best_thread_seconds(const Layer& layer);

/// Helpers of the factories.
inline Error layer_error(const Node& node, const std::string& what) {
  return unsupported(std::string(to_string(node.op)) + " '" + node.name + "' " + what);
}
inline std::size_t layout_bytes(const Layout& layout) { return layout.get_size(); }
/// Row-major layout test; a layout that is row-major in memory though named otherwise (extents of 1) passes.
bool is_plain(const Layout& layout, const Dims& dims);
/// 16 or 8 when the layout is nChw16c or nChw8c (channels padded with zeros to whole blocks), else 1.
std::int64_t channel_block(const Layout& layout, const Dims& dims);
/// How integers of the grid are stored; a layout with the channels of a pixel side by side.
onednn::Memory::data_type integer_type(const QuantizeAttributes& grid);
Layout channels_last_layout(const Dims& dims, onednn::Memory::data_type type);
/// Whether elements are of f32.
inline bool is_float(const Layout& layout) { return onednn::type_of(layout) == onednn::Memory::data_type::f32; }
/// Row-major layout of a value; scalars count as one extent of 1, because oneDNN knows no scalars.
inline Layout plain_layout(const Dims& dims) { return onednn::plain(dims.empty() ? Dims{1} : dims); }

}  // namespace latentflow::nn

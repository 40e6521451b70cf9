// layer.h: what a training plan asks of one operator: forward into kept buffers, backward into gradients.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "nn/onednn.h"
#include "nn/parameters.h"

namespace latentflow::nn {

using onednn::Layout;

/// One value of the graph inside a plan. Pictures of whole blocks of channels, and all outputs of convolutions, lie in
/// blocks (channels padded with zeros to whole ones); everything else is row-major.
struct TrainingValue {
  Dims dims;
  Layout layout;
  float* data = nullptr;
  float* gradient = nullptr;  ///< null where nothing before the value is trained
  std::int64_t stored = 0;    ///< floats in the buffer, padding included
  bool blocked = false;
};

/// An input of a node: its value, and whether an operator later in the graph has already written its gradient, so that
/// this one adds to it.
struct TrainingInput {
  TrainingValue* value = nullptr;  ///< null for parameters and left-out inputs
  bool accumulate = false;
  ValueId parameter = no_value;  ///< the constant, where the input is one
  Dims dims;                     ///< empty for left-out inputs and scalars
  bool wants_gradient() const { return value != nullptr && value->gradient != nullptr; }
};

/// Memory the layers of one plan use one after the other; sized while they are made.
class SharedScratch {
 public:
  void reserve(std::size_t bytes) { bytes_ = std::max(bytes_, bytes); }
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  void bind(std::byte* data) { data_ = data; }

 private:
  std::size_t bytes_ = 0;
  std::byte* data_ = nullptr;
};

/// One line of one channel, in either layout.
struct Line {
  float* first;
  std::int64_t step;
};

inline Line line(const TrainingValue& value, float* data, std::int64_t n, std::int64_t c, std::int64_t y) {
  const std::int64_t channels = value.dims[1], height = value.dims[2], width = value.dims[3];
  if (!value.blocked) return {data + ((n * channels + c) * height + y) * width, 1};
  const std::int64_t block = preferred_block(), blocks = (channels + block - 1) / block;
  return {data + ((n * blocks + c / block) * height + y) * width * block + c % block, block};
}

struct TrainingRequest {
  const Node& node;
  std::vector<TrainingInput> inputs;
  TrainingValue& output;
  bool relu_after = false;  ///< Conv: the output is rectified, and its gradient masked first
  const ParameterLayout& parameters;
  PackedParameters& packed;
  float* gradients;  ///< flat, as ParameterLayout orders them
  SharedScratch& scratch;
  SharedScratch& accumulation;
  Winograd winograd = Winograd::automatic;
};

/// Runs on the calling thread, which holds an onednn::OneThread.
class TrainingLayer {
 public:
  virtual ~TrainingLayer() = default;
  virtual void forward() = 0;
  /// Reads the output's gradient, writes or adds to those of the inputs, writes those of its parameters.
  virtual void backward() = 0;
};

using TrainingLayerResult = Result<std::unique_ptr<TrainingLayer>>;

/// `weights`: extents of the constant that is the second input.
TrainingLayerResult make_convolution_training(const TrainingRequest& request, const Dims& weights);
TrainingLayerResult make_transposed_convolution_training(const TrainingRequest& request, const Dims& weights);
TrainingLayerResult make_elementwise_training(const TrainingRequest& request);
TrainingLayerResult make_rearrangement_training(const TrainingRequest& request);
/// Gemm and MatMul.
TrainingLayerResult make_dense_training(const TrainingRequest& request);
/// Add, Sub and Mul of any shapes that broadcast, parameters among them.
TrainingLayerResult make_broadcast_training(const TrainingRequest& request);
/// Reshape, Flatten, Slice, Pad, Resize, AveragePool and GlobalAveragePool.
TrainingLayerResult make_linear_map_training(const TrainingRequest& request);
TrainingLayerResult make_max_pool_training(const TrainingRequest& request);
TrainingLayerResult make_softmax_training(const TrainingRequest& request);

}  // namespace latentflow::nn

// pooling.cpp: MaxPool, AveragePool and GlobalAveragePool.
#include <algorithm>
#include <limits>

#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

class Pooling final : public Layer {
 public:
  using Forward = dnnl::pooling_forward;

  Pooling(Forward::primitive_desc pd, const Layout& src) : pd_(std::move(pd)), primitive_(pd_) {
    sources = {{0, src, Sharing::none}};
    output = pd_.dst_desc();
    scratch_bytes = pd_.scratchpad_desc().get_size();
    algorithm = "pooling";
  }

  void run(const LayerCall& call) const override {
    execute(primitive_, {{DNNL_ARG_SRC, onednn::memory(sources[0].layout, call.sources[0])},
                         {DNNL_ARG_DST, onednn::memory(output, call.output)},
                         {DNNL_ARG_SCRATCHPAD, onednn::memory(pd_.scratchpad_desc(), call.scratch)}});
  }

 private:
  Forward::primitive_desc pd_;
  Forward primitive_;
};

/// Row-major loop for the windows that oneDNN does not define as ONNX does: those reaching past the far padding.
class PoolingLoop final : public Layer {
 public:
  PoolingLoop(const LayerRequest& request, const PoolAttributes& attributes)
      : attributes_(attributes),
        src_(request.operands[0].dims),
        dst_(request.output),
        maximum_(request.node.op == Op::max_pool) {
    sources = {{0, plain_layout(src_), Sharing::none}};
    output = plain_layout(dst_);
    algorithm = "pooling loop";
  }

  void run(const LayerCall& call) const override {
    const std::int64_t height = src_[2], width = src_[3];
    const float* in = call.sources[0];
    float* out = call.output;
    for (std::int64_t plane = 0; plane < src_[0] * src_[1]; ++plane, in += height * width)
      for (std::int64_t y = 0; y < dst_[2]; ++y)
        for (std::int64_t x = 0; x < dst_[3]; ++x) *out++ = window(in, y, x);
  }

 private:
  struct Range {
    std::int64_t first, last, counted;  // inside the picture; extent inside picture and padding
  };
  Range range(std::size_t axis, std::int64_t position) const {
    const std::int64_t extent = src_[axis + 2];
    const std::int64_t start = position * attributes_.strides[axis] - attributes_.pads[axis];
    const std::int64_t stop = start + attributes_.kernel[axis];
    return {std::max<std::int64_t>(start, 0), std::min(stop, extent),
            std::min(stop, extent + attributes_.pads[axis + 2]) - start};
  }

  float window(const float* in, std::int64_t y, std::int64_t x) const {
    const Range rows = range(0, y), columns = range(1, x);
    float largest = -std::numeric_limits<float>::infinity(), sum = 0;
    for (std::int64_t row = rows.first; row < rows.last; ++row)
      for (std::int64_t column = columns.first; column < columns.last; ++column) {
        const float value = in[row * src_[3] + column];
        largest = std::max(largest, value);
        sum += value;
      }
    if (maximum_) return largest;
    const std::int64_t count = attributes_.count_include_pad
                                   ? rows.counted * columns.counted
                                   : (rows.last - rows.first) * (columns.last - columns.first);
    return sum / static_cast<float>(std::max<std::int64_t>(count, 1));
  }

  PoolAttributes attributes_;
  Dims src_, dst_;
  bool maximum_;
};

}  // namespace

LayerResult make_pooling(const LayerRequest& request) {
  const Operand& src = request.operands[0];
  if (src.dims.size() != 4)
    return layer_error(request.node,
                       "has an input of shape " + to_string(src.dims) + ", only pictures (four extents) are possible");
  PoolAttributes attributes;
  if (request.node.op == Op::global_average_pool)
    attributes.kernel = {src.dims[2], src.dims[3]};
  else
    attributes = request.node.as<PoolAttributes>();

  Dims far(2);
  bool beyond = false;  // a window reaches past the far padding (ceil_mode)
  for (std::size_t axis = 0; axis < 2; ++axis) {
    far[axis] = (request.output[axis + 2] - 1) * attributes.strides[axis] + attributes.kernel[axis] -
                src.dims[axis + 2] - attributes.pads[axis];
    beyond |= far[axis] > attributes.pads[axis + 2];
  }
  const bool average = request.node.op != Op::max_pool;
  if (!(average && beyond && attributes.count_include_pad)) {
    const auto algorithm = !average                       ? dnnl::algorithm::pooling_max
                           : attributes.count_include_pad ? dnnl::algorithm::pooling_avg_include_padding
                                                          : dnnl::algorithm::pooling_avg_exclude_padding;
    const auto vector = [](const Pair& pair) { return Dims{pair[0], pair[1]}; };
    try {
      const auto pd =
          onednn::describe_pooling(algorithm, src.layout, onednn::any(request.output), vector(attributes.kernel),
                                   {vector(attributes.strides), {0, 0}, {attributes.pads[0], attributes.pads[1]}, far});
      if (pd.get(true) != nullptr) return std::unique_ptr<Layer>(std::make_unique<Pooling>(pd, src.layout));
    } catch (const dnnl::error&) {
      // Padding that oneDNN refuses: the loop takes it.
    }
  }
  return std::unique_ptr<Layer>(std::make_unique<PoolingLoop>(request, attributes));
}

}  // namespace latentflow::nn

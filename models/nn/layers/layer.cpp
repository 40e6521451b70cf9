// layer.cpp: choosing a factory, and the reorder layer that the planner puts between disagreeing neighbours.
#include "layer.h"

#include <oneapi/tbb/task_arena.h>

#include <algorithm>

#include "nn/algorithm_choice.h"
#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

class Reorder final : public Layer {
 public:
  Reorder(const Layout& from, const Layout& to, std::optional<onednn::Scaling> scaling)
      : scaling_(std::move(scaling)), pd_(describe(from, to, scaling_)), primitive_(pd_) {
    sources = {{0, from, Sharing::none}};
    output = to;
    scratch_bytes = pd_.scratchpad_desc().get_size();
    algorithm = "reorder";
  }

  void run(const LayerCall& call) const override {
    onednn::Arguments arguments{{DNNL_ARG_FROM, onednn::memory(sources[0].layout, call.sources[0])},
                                {DNNL_ARG_TO, onednn::memory(output, call.output)},
                                {DNNL_ARG_SCRATCHPAD, onednn::memory(pd_.scratchpad_desc(), call.scratch)}};
    if (scaling_) scaling_->add_to(arguments);
    execute(primitive_, arguments);
  }

 private:
  static dnnl::reorder::primitive_desc describe(const Layout& from, const Layout& to,
                                                const std::optional<onednn::Scaling>& scaling) {
    dnnl::primitive_attr attributes = onednn::user_scratchpad();
    if (scaling) scaling->describe(attributes);
    return {onednn::engine(), from, onednn::engine(), to, attributes};
  }

  std::optional<onednn::Scaling> scaling_;
  dnnl::reorder::primitive_desc pd_;
  dnnl::reorder primitive_;
};

}  // namespace

void execute(const dnnl::primitive& primitive, const onednn::Arguments& arguments) {
  primitive.execute(onednn::stream(), arguments);
}

std::unique_ptr<Layer> make_reorder(const Layout& from, const Layout& to, const QuantizeAttributes* grid) {
  std::optional<onednn::Scaling> scaling;
  if (grid != nullptr && onednn::type_of(from) != onednn::type_of(to))
    scaling.emplace(onednn::Grids{grid->scales[0], grid->zero_points[0]});
  return std::make_unique<Reorder>(from, to, std::move(scaling));
}

bool is_plain(const Layout& layout, const Dims& dims) {
  if (dims.empty()) return is_plain(layout, {1});
  if (!is_float(layout) || onednn::dims_of(layout) != dims) return false;
  const Dims strides = onednn::strides_of_plain(layout);
  if (strides.empty()) return false;
  std::int64_t stride = 1;
  for (std::size_t axis = dims.size(); axis-- > 0;) {
    if (dims[axis] != 1 && strides[axis] != stride) return false;
    stride *= dims[axis];
  }
  return true;
}

std::int64_t channel_block(const Layout& layout, const Dims& dims) {
  if (dims.size() == 4)
    for (const std::int64_t block : {16, 8})
      if (layout == blocked_layout(dims, block)) return block;
  return 1;
}

double best_thread_seconds(const Layer& layer) {
  std::vector<std::shared_ptr<float>> buffers;
  const auto zeros = [&](std::size_t bytes) {
    buffers.push_back(aligned_floats(bytes));
    std::fill_n(reinterpret_cast<char*>(buffers.back().get()), bytes, char{0});
    return buffers.back().get();
  };
  std::vector<const float*> sources;
  for (const Layer::Source& source : layer.sources) sources.push_back(zeros(layout_bytes(source.layout)));
  float* output = zeros(layout_bytes(layer.output));
  auto* scratch = reinterpret_cast<std::byte*>(zeros(layer.scratch_bytes));
  tbb::task_arena alone(1);
  return alone.execute([&] { return best_thread_seconds(3, [&] { layer.run({sources, output, scratch}); }); });
}

LayerResult make_layer(const LayerRequest& request) {
  switch (request.node.op) {
    case Op::conv: return make_convolution(request);
    case Op::conv_transpose: return make_transposed_convolution(request);
    case Op::gemm:
    case Op::matmul: return make_dense(request);
    case Op::relu:
    case Op::leaky_relu:
    case Op::sigmoid:
    case Op::tanh:
    case Op::clip: return make_activation(request);
    case Op::softmax: return make_softmax(request);
    case Op::add:
    case Op::sub:
    case Op::mul: return make_binary(request);
    case Op::max_pool:
    case Op::average_pool:
    case Op::global_average_pool: return make_pooling(request);
    case Op::concat:
    case Op::slice:
    case Op::pad:
    case Op::reshape:
    case Op::flatten:
    case Op::depth_to_space:
    case Op::space_to_depth: return make_rearrangement(request);
    case Op::resize: return make_resize(request);
    case Op::quantize: return make_quantization(request);
    case Op::batch_normalization: return layer_error(request.node, "has to be folded by optimised() first");
  }
  return layer_error(request.node, "has no implementation");
}

}  // namespace latentflow::nn

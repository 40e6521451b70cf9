// elementwise.cpp: activations and binary arithmetic in the layout they meet.
#include <algorithm>
#include <cmath>

#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha, beta;
};

Eltwise eltwise(Op op, const Attributes& attributes) {
  switch (op) {
    case Op::leaky_relu: return {dnnl::algorithm::eltwise_relu, std::get<LeakyReluAttributes>(attributes).alpha, 0};
    case Op::sigmoid: return {dnnl::algorithm::eltwise_logistic, 0, 0};
    case Op::tanh: return {dnnl::algorithm::eltwise_tanh, 0, 0};
    case Op::clip: {
      const auto& clip = std::get<ClipAttributes>(attributes);
      return {dnnl::algorithm::eltwise_clip, clip.low, clip.high};
    }
    default: return {dnnl::algorithm::eltwise_relu, 0, 0};
  }
}

class Activation final : public Layer {
 public:
  Activation(const LayerRequest& request)
      : pd_(activation_descriptor(request.node.op, request.node.attributes, request.operands[0].layout)),
        primitive_(pd_) {
    output = request.operands[0].layout;
    sources = {{0, output, Sharing::may_overwrite}};
    algorithm = "elementwise";
  }

  void run(const LayerCall& call) const override {
    execute(primitive_, {{DNNL_ARG_SRC, onednn::memory(output, call.sources[0])},
                         {DNNL_ARG_DST, onednn::memory(output, call.output)}});
  }

 private:
  dnnl::eltwise_forward::primitive_desc pd_;
  dnnl::eltwise_forward primitive_;
};

dnnl::algorithm binary_algorithm(Op op) {
  return op == Op::add   ? dnnl::algorithm::binary_add
         : op == Op::sub ? dnnl::algorithm::binary_sub
                         : dnnl::algorithm::binary_mul;
}

/// Equal shapes, or the second operand broadcast over axes of extent 1.
class Binary final : public Layer {
 public:
  Binary(const LayerRequest& request, std::size_t first, const Layout& first_layout, const Layout& second_layout,
         const Layout& dst)
      : pd_(onednn::describe_binary(binary_algorithm(request.node.op), first_layout, second_layout, dst)),
        primitive_(pd_) {
    output = dst;
    const std::size_t second = 1 - first;
    sources = {{first, first_layout, Sharing::may_overwrite},
               {second, second_layout, second_layout == dst ? Sharing::may_overwrite : Sharing::none}};
    scratch_bytes = pd_.scratchpad_desc().get_size();
    algorithm = "binary";
  }

  void run(const LayerCall& call) const override {
    execute(primitive_, {{DNNL_ARG_SRC_0, onednn::memory(pd_.src0_desc(), call.sources[0])},
                         {DNNL_ARG_SRC_1, onednn::memory(pd_.src1_desc(), call.sources[1])},
                         {DNNL_ARG_DST, onednn::memory(pd_.dst_desc(), call.output)},
                         {DNNL_ARG_SCRATCHPAD, onednn::memory(pd_.scratchpad_desc(), call.scratch)}});
  }

 private:
  dnnl::binary::primitive_desc pd_;
  dnnl::binary primitive_;
};

/// Any two shapes that broadcast together, row-major.
class BroadcastLoop final : public Layer {
 public:
  explicit BroadcastLoop(const LayerRequest& request) : op_(request.node.op), extents_(request.output) {
    if (extents_.empty()) extents_ = {1};
    for (std::size_t side = 0; side < 2; ++side) {
      const Dims& dims = request.operands[side].dims;
      strides_[side].assign(extents_.size(), 0);
      std::int64_t stride = 1;
      for (std::size_t back = 0; back < dims.size(); ++back) {
        const std::size_t axis = dims.size() - 1 - back;
        if (dims[axis] != 1) strides_[side][extents_.size() - 1 - back] = stride;
        stride *= dims[axis];
      }
      sources.push_back({side, plain_layout(dims), Sharing::none});
    }
    output = plain_layout(request.output);
    algorithm = "binary loop";
  }

  void run(const LayerCall& call) const override {
    const std::size_t last = extents_.size() - 1;
    const std::int64_t inner = extents_[last], left = strides_[0][last], right = strides_[1][last];
    Dims index(extents_.size(), 0);
    float* out = call.output;
    const std::int64_t rows = element_count(extents_) / std::max<std::int64_t>(inner, 1);
    for (std::int64_t row = 0; row < rows; ++row, out += inner) {
      std::int64_t a = 0, b = 0;
      for (std::size_t axis = 0; axis < last; ++axis) {
        a += index[axis] * strides_[0][axis];
        b += index[axis] * strides_[1][axis];
      }
      const float *x = call.sources[0] + a, *y = call.sources[1] + b;
      switch (op_) {
        case Op::add:
          for (std::int64_t i = 0; i < inner; ++i) out[i] = x[i * left] + y[i * right];
          break;
        case Op::sub:
          for (std::int64_t i = 0; i < inner; ++i) out[i] = x[i * left] - y[i * right];
          break;
        default:
          for (std::int64_t i = 0; i < inner; ++i) out[i] = x[i * left] * y[i * right];
      }
      for (std::size_t axis = last; axis-- > 0;) {
        if (++index[axis] < extents_[axis]) break;
        index[axis] = 0;
      }
    }
  }

 private:
  Op op_;
  Dims extents_;
  std::array<Dims, 2> strides_;
};

/// The extents with leading ones up to `rank`, for broadcasting against a value of that rank.
Dims with_rank(const Dims& dims, std::size_t rank) {
  Dims out(rank - dims.size(), 1);
  out.insert(out.end(), dims.begin(), dims.end());
  return out;
}

}  // namespace

void append_activation(dnnl::post_ops& post_ops, Op op, const Attributes& attributes) {
  const Eltwise e = eltwise(op, attributes);
  onednn::append_eltwise(post_ops, e.algorithm, e.alpha, e.beta);
}

dnnl::eltwise_forward::primitive_desc activation_descriptor(Op op, const Attributes& attributes, const Layout& layout) {
  const Eltwise e = eltwise(op, attributes);
  return onednn::describe_eltwise(e.algorithm, layout, e.alpha, e.beta);
}

LayerResult make_activation(const LayerRequest& request) {
  return std::unique_ptr<Layer>(std::make_unique<Activation>(request));
}

LayerResult make_binary(const LayerRequest& request) {
  const Operand &a = request.operands[0], &b = request.operands[1];
  // The operand that has the output's shape leads; a difference cannot be turned round.
  const bool swap = a.dims != request.output && b.dims == request.output && request.node.op != Op::sub;
  const Operand &lead = swap ? b : a, &other = swap ? a : b;
  if (lead.dims == request.output && !request.output.empty()) {
    // Of two equal shapes the blocked layout leads, since it comes from convolutions and goes to them, unless it is
    // mostly padding.
    const bool either = other.dims == lead.dims && other.constant == nullptr;
    const bool lead_plain = is_plain(lead.layout, lead.dims);
    const std::size_t lead_bytes = layout_bytes(lead.layout), other_bytes = layout_bytes(other.layout);
    const bool follow = either && (other_bytes < lead_bytes || (other_bytes == lead_bytes && lead_plain));
    const Layout dst = follow ? other.layout : lead.layout;
    const Layout second = other.dims == lead.dims ? dst : onednn::plain(with_rank(other.dims, request.output.size()));
    const auto possible = onednn::describe_binary(binary_algorithm(request.node.op), dst, second, dst);
    if (possible.get(true) != nullptr)
      return std::unique_ptr<Layer>(std::make_unique<Binary>(request, swap ? 1 : 0, dst, second, dst));
  }
  return std::unique_ptr<Layer>(std::make_unique<BroadcastLoop>(request));
}

}  // namespace latentflow::nn

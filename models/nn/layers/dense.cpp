// dense.cpp: Gemm and MatMul, with fused bias and activation.
#include <algorithm>
#include <iterator>
#include <string_view>

#include "primitive_layer.h"

namespace latentflow::nn {

namespace {

/// dst = scale a b + bias, with batch axes broadcast; plain layouts of floats, transposition by strides.
struct Product {
  Layout a, b, dst;
  float scale = 1;
};

/// The same elements in the same order in memory.
Layout in_bfloat(const Layout& layout) {
  return {onednn::dims_of(layout), onednn::Memory::data_type::bf16, onednn::strides_of_plain(layout)};
}

/// A third operand that is no bias: scaled by beta, of any shape that broadcasts to [rows, columns].
struct Addend {
  std::size_t operand;
  float beta;
};

class Dense final : public Layer {
 public:
  /// `bias`: none, or one number per column, of as many axes as the product.
  Dense(const LayerRequest& request, const Product& product, Tensor bias, const Addend* addend = nullptr)
      : product_(product), bias_(std::move(bias)) {
    if (!bias_.empty()) bias_layout_ = onednn::plain(bias_.dims());
    // Weights are rounded once; what is computed on both sides, or completed behind the product, stays in floats.
    const bool bfloat = request.bfloat && request.operands[1].constant != nullptr && addend == nullptr;
    if (bfloat) {
      product_.a = in_bfloat(product.a), product_.dst = in_bfloat(product.dst);
      product_.b = Layout(onednn::dims_of(product.b), onednn::Memory::data_type::bf16, onednn::Memory::format_tag::any);
    }
    std::vector<PostOp> activations;
    std::copy_if(request.post_ops.begin(), request.post_ops.end(), std::back_inserter(activations),
                 [](const PostOp& post) { return post.kind == PostOp::Kind::activation; });
    pd_ = describe(addend == nullptr ? std::span<const PostOp>(activations) : std::span<const PostOp>());
    // Behind the product run what its kernel has no code for, and what waits for the third operand.
    const bool in_loops = std::string_view(pd_.impl_info_str()).starts_with("ref");
    if (!activations.empty() && (addend != nullptr || in_loops)) {
      pd_ = describe({});
      for (const PostOp& post : activations)
        behind_.emplace_back(activation_descriptor(post.op, post.attributes, product_.dst));
    }
    primitive_ = dnnl::matmul(pd_);
    const Layout rows = plain_layout(request.operands[0].dims);
    sources = {{0, bfloat ? in_bfloat(rows) : rows, Sharing::none}};
    if (bfloat) {
      product_.b = pd_.weights_desc();
      weights_ = request.weights.packed(request.operands[1].id, *request.operands[1].constant, product.b, product_.b);
      weight_bytes = product_.b.get_size();
    } else {
      sources.push_back({1, plain_layout(request.operands[1].dims), Sharing::none});
    }
    if (addend != nullptr) {
      beta_ = addend->beta;
      const Dims& c = request.operands[addend->operand].dims;
      const std::int64_t columns = c.empty() ? 1 : c.back(), rows = c.size() > 1 ? c[0] : 1;
      row_stride_ = rows == 1 ? 0 : columns;
      column_stride_ = columns == 1 ? 0 : 1;
      sources.push_back({addend->operand, plain_layout(c), Sharing::none});
    }
    output = bfloat ? in_bfloat(plain_layout(request.output)) : plain_layout(request.output);
    scratch_bytes = pd_.scratchpad_desc().get_size();
    algorithm = bfloat ? "bf16 matmul" : "matmul";
  }

  void run(const LayerCall& call) const override {
    const dnnl::memory result = onednn::memory(product_.dst, call.output);
    onednn::Arguments arguments{
        {DNNL_ARG_SRC, onednn::memory(product_.a, call.sources[0])},
        {DNNL_ARG_WEIGHTS, onednn::memory(product_.b, weights_ ? weights_.get() : call.sources[1])},
        {DNNL_ARG_DST, result},
        {DNNL_ARG_SCRATCHPAD, onednn::memory(pd_.scratchpad_desc(), call.scratch)}};
    if (!bias_.empty()) arguments.emplace(DNNL_ARG_BIAS, onednn::memory(bias_layout_, bias_.data()));
    execute(primitive_, arguments);
    if (sources.size() > 2) add_third_operand(call);
    for (const dnnl::eltwise_forward& activation : behind_)
      execute(activation, {{DNNL_ARG_SRC, result}, {DNNL_ARG_DST, result}});
  }

 private:
  /// The product with these activations in its kernel.
  dnnl::matmul::primitive_desc describe(std::span<const PostOp> activations) const {
    dnnl::post_ops posts;
    if (product_.scale != 1) onednn::append_eltwise(posts, dnnl::algorithm::eltwise_linear, product_.scale, 0);
    for (const PostOp& post : activations) append_activation(posts, post.op, post.attributes);
    dnnl::primitive_attr attributes = onednn::user_scratchpad();
    attributes.set_post_ops(posts);
    return onednn::describe_product(product_.a, product_.b, bias_layout_, product_.dst, attributes);
  }

  void add_third_operand(const LayerCall& call) const {
    const Dims dims = onednn::dims_of(product_.dst);
    const float* c = call.sources[2];
    for (std::int64_t row = 0; row < dims[0]; ++row)
      for (std::int64_t column = 0; column < dims[1]; ++column)
        call.output[row * dims[1] + column] += beta_ * c[row * row_stride_ + column * column_stride_];
  }

  Product product_;
  PackedWeights::Data weights_;  ///< null where they are a source
  Tensor bias_;
  Layout bias_layout_;
  dnnl::matmul::primitive_desc pd_;
  dnnl::matmul primitive_;
  std::vector<dnnl::eltwise_forward> behind_;
  float beta_ = 0;
  std::int64_t row_stride_ = 0, column_stride_ = 0;
};

LayerResult make_gemm(const LayerRequest& request) {
  const auto& attributes = request.node.as<GemmAttributes>();
  const auto side = [](const Dims& dims, bool transposed) {
    const Dims logical = transposed ? Dims{dims[1], dims[0]} : dims;
    const Dims strides = transposed ? Dims{1, dims[1]} : Dims{dims[1], 1};
    return Layout(logical, onednn::Memory::data_type::f32, strides);
  };
  const Product product{side(request.operands[0].dims, attributes.trans_a),
                        side(request.operands[1].dims, attributes.trans_b), onednn::plain(request.output),
                        attributes.alpha};
  const bool has_c = request.node.inputs.size() > 2 && request.node.inputs[2] != no_value && attributes.beta != 0;
  if (!has_c) return std::unique_ptr<Layer>(std::make_unique<Dense>(request, product, Tensor()));
  // A row of constants is a bias; it is scaled together with the product, so it is divided first.
  const Operand& c = request.operands[2];
  if (c.constant != nullptr && !c.dims.empty() && c.constant->size() == request.output[1] &&
      c.dims.back() == request.output[1] && attributes.alpha != 0) {
    Tensor bias = Tensor::from({1, request.output[1]}, c.constant->span());
    for (float& element : bias.mutable_span()) element *= attributes.beta / attributes.alpha;
    return std::unique_ptr<Layer>(std::make_unique<Dense>(request, product, std::move(bias)));
  }
  const Addend addend{2, attributes.beta};
  return std::unique_ptr<Layer>(std::make_unique<Dense>(request, product, Tensor(), &addend));
}

}  // namespace

LayerResult make_dense(const LayerRequest& request) {
  if (request.node.op == Op::gemm) return make_gemm(request);
  // numpy rules: a vector on the left is a row, on the right a column; batch axes are aligned at the end.
  Dims a = request.operands[0].dims, b = request.operands[1].dims;
  if (a.empty() || b.empty()) return layer_error(request.node, "has a scalar operand, needs vectors or matrices");
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  const std::size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  if (std::all_of(b.begin(), b.end() - 2, [](std::int64_t extent) { return extent == 1; })) {
    // One matrix on the right: every row of every batch is one row of a plain product.
    a = {element_count(a) / a.back(), a.back()};
    b = {b[rank - 2], b[rank - 1]};
  }
  Dims dst(a.size());
  for (std::size_t axis = 0; axis + 2 < dst.size(); ++axis) dst[axis] = std::max(a[axis], b[axis]);
  dst[dst.size() - 2] = a[a.size() - 2];
  dst.back() = b.back();
  const Product product{onednn::plain(a), onednn::plain(b), onednn::plain(dst)};
  Tensor bias;
  if (!request.post_ops.empty() && request.post_ops[0].kind == PostOp::Kind::bias) {
    Dims row(dst.size(), 1);
    row.back() = dst.back();
    bias = Tensor::from(row, request.operands.back().constant->span());
  }
  return std::unique_ptr<Layer>(std::make_unique<Dense>(request, product, std::move(bias)));
}

}  // namespace latentflow::nn

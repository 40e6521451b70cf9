// convolution.cpp: training of Conv and ConvTranspose: forward, backward data and backward weights on oneDNN.
#include <fmt/format.h>

#include <cstring>

#include "layer.h"
#include "loops.h"

namespace latentflow::nn {
namespace {

using dnnl::algorithm;
using Arguments = std::unordered_map<int, dnnl::memory>;

/// The geometry of one convolution as oneDNN takes it.
struct Geometry {
  Dims strides, dilates, before, after;
  Dims filter;    ///< [M,C,kh,kw] or grouped [g,M/g,C/g,kh,kw]
  Layout stored;  ///< the same extents over the ONNX weights
};

void run(const dnnl::primitive& primitive, const Arguments& arguments) {
  primitive.execute(onednn::stream(), arguments);
  onednn::stream().wait();
}

Geometry geometry_of(const TrainingRequest& request, const Dims& weights, bool transposed) {
  const auto& attributes = request.node.as<ConvAttributes>();
  const Dims& src = request.inputs[0].value->dims;
  const Dims& dst = request.output.dims;
  Geometry geometry;
  geometry.strides = {attributes.strides[0], attributes.strides[1]};
  geometry.dilates = {attributes.dilations[0] - 1, attributes.dilations[1] - 1};
  geometry.before = {attributes.pads[0], attributes.pads[1]};
  geometry.after = {0, 0};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t small = transposed ? src[axis + 2] : dst[axis + 2],
                       large = transposed ? dst[axis + 2] : src[axis + 2];
    const std::int64_t reach = attributes.dilations[axis] * (attributes.kernel[axis] - 1) + 1;
    geometry.after[axis] = (small - 1) * attributes.strides[axis] + reach - large - attributes.pads[axis];
  }
  const std::int64_t groups = attributes.group, kh = weights[2], kw = weights[3], area = kh * kw;
  if (!transposed) {
    geometry.filter = groups == 1 ? weights : Dims{groups, weights[0] / groups, weights[1], kh, kw};
    geometry.stored = onednn::plain(geometry.filter);
  } else {
    const std::int64_t outputs = weights[1], inputs = weights[0] / groups;
    geometry.filter = groups == 1 ? Dims{outputs, inputs, kh, kw} : Dims{groups, outputs, inputs, kh, kw};
    const Dims strides =
        groups == 1 ? Dims{area, outputs * area, kw, 1} : Dims{inputs * outputs * area, area, outputs * area, kw, 1};
    geometry.stored = Layout(geometry.filter, onednn::Memory::data_type::f32, strides);
  }
  return geometry;
}

/// The primitive types of Conv and ConvTranspose under common names.
struct Direct {
  using Forward = dnnl::convolution_forward;
  using BackwardData = dnnl::convolution_backward_data;
  using BackwardWeights = dnnl::convolution_backward_weights;
  static constexpr algorithm plain_algorithm = algorithm::convolution_direct;
  static constexpr bool transposed = false;
};
struct Transposed {
  using Forward = dnnl::deconvolution_forward;
  using BackwardData = dnnl::deconvolution_backward_data;
  using BackwardWeights = dnnl::deconvolution_backward_weights;
  static constexpr algorithm plain_algorithm = algorithm::deconvolution_direct;
  static constexpr bool transposed = true;
};

template <class Kind>
class ConvolutionTraining final : public TrainingLayer {
  using Forward = typename Kind::Forward;
  using BackwardData = typename Kind::BackwardData;
  using BackwardWeights = typename Kind::BackwardWeights;

 public:
  /// Throws dnnl::error.
  ConvolutionTraining(const TrainingRequest& request, const Dims& weights)
      : src_(request.inputs[0]),
        dst_(&request.output),
        relu_(request.relu_after),
        scratch_(&request.scratch),
        accumulation_(&request.accumulation),
        geometry_(geometry_of(request, weights, Kind::transposed)) {
    // oneDNN reads row-major pictures well only where they are the first, of at most three channels.
    src_layout_ = src_.value->layout;
    if (!src_.value->blocked && (src_.value->dims[1] > 3 || src_.wants_gradient())) {
      src_layout_ = Layout(src_.value->dims, onednn::Memory::data_type::f32, onednn::Memory::format_tag::nChw16c);
      src_copy_ = zeroed_floats(src_layout_.get_size());
      if (src_.wants_gradient()) src_gradient_ = zeroed_floats(src_layout_.get_size());
    }
    const bool winograd = !Kind::transposed && request.winograd != Winograd::off && filter_fits_winograd(request);
    has_bias_ = request.node.inputs.size() > 2 && request.node.inputs[2] != no_value;

    const Layout any = onednn::any(geometry_.filter);
    const Layout bias = has_bias_ ? onednn::plain({dst_->dims[1]}) : Layout();
    const auto forward_pd = [&](algorithm how) { return make_forward(how, any, bias); };
    forward_pd_ = forward_pd(Kind::plain_algorithm);
    if (winograd)
      forward_pd_ = choose<Forward>(request, "forward", forward_pd_, forward_pd(algorithm::convolution_winograd));
    forward_ = Forward(forward_pd_);
    const ValueId weights_id = request.node.inputs[1];
    forward_weights_ = request.packed.request(weights_id, geometry_.stored, forward_pd_.weights_desc());
    if (has_bias_) {
      bias_ = request.packed.request(request.node.inputs[2], bias, bias);
      bias_gradient_ = request.gradients + request.parameters.offset(request.node.inputs[2]);
    }

    const auto hint = make_forward(Kind::plain_algorithm, any, bias);
    const auto winograd_hint = winograd ? make_forward(algorithm::convolution_winograd, any, bias) : hint;
    if (src_.wants_gradient()) {
      data_pd_ = make_data(Kind::plain_algorithm, any, hint);
      if (winograd && winograd_hint)
        data_pd_ = choose<BackwardData>(request, "data", data_pd_,
                                        make_data(algorithm::convolution_winograd, any, winograd_hint));
      data_ = BackwardData(data_pd_);
      data_weights_ = request.packed.request(weights_id, geometry_.stored, data_pd_.weights_desc());
      if (src_.accumulate) request.accumulation.reserve(src_.value->layout.get_size());
    }
    weights_pd_ = make_weights(Kind::plain_algorithm, any, bias, hint);
    if (winograd && winograd_hint)
      weights_pd_ = choose<BackwardWeights>(request, "weights", weights_pd_,
                                            make_weights(algorithm::convolution_winograd, any, bias, winograd_hint));
    backward_weights_ = BackwardWeights(weights_pd_);
    weights_gradient_ = request.gradients + request.parameters.offset(weights_id);
    packed_gradient_ = zeroed_floats(weights_pd_.diff_weights_desc().get_size());
    gradient_reorder_ = dnnl::reorder(onednn::memory(weights_pd_.diff_weights_desc(), packed_gradient_.get()),
                                      onednn::memory(geometry_.stored, weights_gradient_));
    std::size_t scratch = std::max(forward_pd_.scratchpad_desc().get_size(), weights_pd_.scratchpad_desc().get_size());
    if (data_pd_) scratch = std::max(scratch, data_pd_.scratchpad_desc().get_size());
    request.scratch.reserve(scratch);
  }

  void forward() override {
    if (src_copy_) onednn::reorder(src_.value->layout, src_.value->data, src_layout_, src_copy_.get());
    Arguments arguments{{DNNL_ARG_SRC, onednn::memory(src_layout_, src_copy_ ? src_copy_.get() : src_.value->data)},
                        {DNNL_ARG_WEIGHTS, onednn::memory(forward_pd_.weights_desc(), forward_weights_)},
                        {DNNL_ARG_DST, onednn::memory(dst_->layout, dst_->data)},
                        {DNNL_ARG_SCRATCHPAD, onednn::memory(forward_pd_.scratchpad_desc(), scratch_->data())}};
    if (has_bias_) arguments.emplace(DNNL_ARG_BIAS, onednn::memory(forward_pd_.bias_desc(), bias_));
    run(forward_, arguments);
  }

  void backward() override {
    if (relu_) loops::rectify_gradient(dst_->data, dst_->gradient, dst_->stored);

    Arguments weights{{DNNL_ARG_SRC, onednn::memory(src_layout_, src_copy_ ? src_copy_.get() : src_.value->data)},
                      {DNNL_ARG_DIFF_DST, onednn::memory(dst_->layout, dst_->gradient)},
                      {DNNL_ARG_DIFF_WEIGHTS, onednn::memory(weights_pd_.diff_weights_desc(), packed_gradient_.get())},
                      {DNNL_ARG_SCRATCHPAD, onednn::memory(weights_pd_.scratchpad_desc(), scratch_->data())}};
    if (has_bias_) weights.emplace(DNNL_ARG_DIFF_BIAS, onednn::memory(weights_pd_.diff_bias_desc(), bias_gradient_));
    run(backward_weights_, weights);
    run(gradient_reorder_, {{DNNL_ARG_FROM, onednn::memory(weights_pd_.diff_weights_desc(), packed_gradient_.get())},
                            {DNNL_ARG_TO, onednn::memory(geometry_.stored, weights_gradient_)}});

    if (!src_.wants_gradient()) return;
    float* accumulated = reinterpret_cast<float*>(accumulation_->data());
    float* target = src_gradient_ ? src_gradient_.get() : src_.accumulate ? accumulated : src_.value->gradient;
    run(data_, {{DNNL_ARG_DIFF_DST, onednn::memory(dst_->layout, dst_->gradient)},
                {DNNL_ARG_WEIGHTS, onednn::memory(data_pd_.weights_desc(), data_weights_)},
                {DNNL_ARG_DIFF_SRC, onednn::memory(src_layout_, target)},
                {DNNL_ARG_SCRATCHPAD, onednn::memory(data_pd_.scratchpad_desc(), scratch_->data())}});
    if (src_gradient_)
      onednn::reorder(src_layout_, target, src_.value->layout, src_.accumulate ? accumulated : src_.value->gradient);
    if (src_.accumulate) loops::accumulate(accumulated, 1.0f, src_.value->gradient, src_.value->stored);
  }

 private:
  static bool filter_fits_winograd(const TrainingRequest& request) {
    const auto& attributes = request.node.as<ConvAttributes>();
    return attributes.kernel == Pair{3, 3} && attributes.strides == Pair{1, 1} && attributes.dilations == Pair{1, 1} &&
           attributes.group == 1;
  }

  typename Forward::primitive_desc make_forward(algorithm how, const Layout& weights, const Layout& bias) const {
    dnnl::primitive_attr attributes = onednn::user_scratchpad();
    if (relu_) {
      dnnl::post_ops post;
      post.append_eltwise(1.0f, algorithm::eltwise_relu, 0.0f, 0.0f);
      attributes.set_post_ops(post);
    }
    const typename Forward::desc desc(dnnl::prop_kind::forward_training, how, src_layout_, weights, bias, dst_->layout,
                                      geometry_.strides, geometry_.dilates, geometry_.before, geometry_.after);
    return {desc, attributes, onednn::engine(), true};
  }

  typename BackwardData::primitive_desc make_data(algorithm how, const Layout& weights,
                                                  const typename Forward::primitive_desc& hint) const {
    const typename BackwardData::desc desc(how, src_layout_, weights, dst_->layout, geometry_.strides,
                                           geometry_.dilates, geometry_.before, geometry_.after);
    return {desc, onednn::user_scratchpad(), onednn::engine(), hint, true};
  }

  typename BackwardWeights::primitive_desc make_weights(algorithm how, const Layout& weights, const Layout& bias,
                                                        const typename Forward::primitive_desc& hint) const {
    const typename BackwardWeights::desc desc(how, src_layout_, weights, bias, dst_->layout, geometry_.strides,
                                              geometry_.dilates, geometry_.before, geometry_.after);
    return {desc, onednn::user_scratchpad(), onednn::engine(), hint, true};
  }

  /// The faster of direct and Winograd on zeros of the real extents.
  template <class Primitive, class Desc>
  Desc choose(const TrainingRequest& request, const char* pass, const Desc& direct, const Desc& winograd) const {
    if (!winograd) return direct;
    if (!direct || request.winograd == Winograd::on) return winograd;
    const std::string key =
        fmt::format("{} {} {} relu {}", pass, to_string(src_.value->dims), to_string(geometry_.filter), relu_);
    return faster_once(key, [&] { return seconds<Primitive>(winograd) < seconds<Primitive>(direct); }) ? winograd
                                                                                                       : direct;
  }

  template <class Primitive, class Desc>
  static double seconds(const Desc& pd) {
    Arguments arguments;
    std::vector<std::shared_ptr<float>> buffers;
    const auto add = [&](int argument, const Layout& layout) {
      if (layout.get_size() == 0) return;
      buffers.push_back(zeroed_floats(layout.get_size()));
      arguments.emplace(argument, onednn::memory(layout, buffers.back().get()));
    };
    if constexpr (std::is_same_v<Primitive, Forward>) {
      add(DNNL_ARG_SRC, pd.src_desc()), add(DNNL_ARG_WEIGHTS, pd.weights_desc()), add(DNNL_ARG_DST, pd.dst_desc());
      add(DNNL_ARG_BIAS, pd.bias_desc());
    } else if constexpr (std::is_same_v<Primitive, BackwardData>) {
      add(DNNL_ARG_DIFF_DST, pd.diff_dst_desc()), add(DNNL_ARG_WEIGHTS, pd.weights_desc());
      add(DNNL_ARG_DIFF_SRC, pd.diff_src_desc());
    } else {
      add(DNNL_ARG_SRC, pd.src_desc()), add(DNNL_ARG_DIFF_DST, pd.diff_dst_desc());
      add(DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc()), add(DNNL_ARG_DIFF_BIAS, pd.diff_bias_desc());
    }
    add(DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc());
    const Primitive primitive(pd);
    return onednn::best_seconds(5, [&] { run(primitive, arguments); });
  }

  TrainingInput src_;
  TrainingValue* dst_;
  Layout src_layout_;
  std::shared_ptr<float> src_copy_, src_gradient_;  ///< blocked copies of a row-major picture
  bool relu_, has_bias_ = false;
  SharedScratch *scratch_, *accumulation_;
  Geometry geometry_;
  typename Forward::primitive_desc forward_pd_;
  typename BackwardData::primitive_desc data_pd_;
  typename BackwardWeights::primitive_desc weights_pd_;
  Forward forward_;
  BackwardData data_;
  BackwardWeights backward_weights_;
  dnnl::reorder gradient_reorder_;
  const float *forward_weights_ = nullptr, *data_weights_ = nullptr, *bias_ = nullptr;
  float *weights_gradient_ = nullptr, *bias_gradient_ = nullptr;
  std::shared_ptr<float> packed_gradient_;
};

template <class Kind>
TrainingLayerResult make(const TrainingRequest& request, const Dims& weights) {
  try {
    return std::unique_ptr<TrainingLayer>(std::make_unique<ConvolutionTraining<Kind>>(request, weights));
  } catch (const dnnl::error& failure) {
    return unsupported(fmt::format("{} '{}' cannot be trained with this geometry: oneDNN says {}",
                                   to_string(request.node.op), request.node.name, failure.what()));
  }
}

}  // namespace

TrainingLayerResult make_convolution_training(const TrainingRequest& request, const Dims& weights) {
  return make<Direct>(request, weights);
}

TrainingLayerResult make_transposed_convolution_training(const TrainingRequest& request, const Dims& weights) {
  return make<Transposed>(request, weights);
}

}  // namespace latentflow::nn

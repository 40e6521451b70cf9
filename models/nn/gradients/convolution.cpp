// convolution.cpp: training of Conv and ConvTranspose: every pass by the algorithm that is the fastest for its shape.
#include <fmt/format.h>

#include <algorithm>

#include "convolution_passes.h"
#include "loops.h"
#include "nn/algorithm_choice.h"
#include "nn/layers/convolution.h"

namespace latentflow::nn {
namespace {

ConvolutionSetup setup_of(const TrainingRequest& request, const Dims& weights, bool transposed) {
  const auto& attributes = request.node.as<ConvAttributes>();
  const Dims& src = request.inputs[0].value->dims;
  const Dims& dst = request.output.dims;
  ConvolutionSetup setup;
  setup.windows.strides = {attributes.strides[0], attributes.strides[1]};
  setup.windows.dilates = {attributes.dilations[0] - 1, attributes.dilations[1] - 1};
  setup.windows.before = {attributes.pads[0], attributes.pads[1]};
  setup.windows.after = {0, 0};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t small = transposed ? src[axis + 2] : dst[axis + 2],
                       large = transposed ? dst[axis + 2] : src[axis + 2];
    const std::int64_t reach = attributes.dilations[axis] * (attributes.kernel[axis] - 1) + 1;
    setup.windows.after[axis] = (small - 1) * attributes.strides[axis] + reach - large - attributes.pads[axis];
  }
  const std::int64_t groups = attributes.group, kh = weights[2], kw = weights[3], area = kh * kw;
  if (!transposed) {
    setup.filter = groups == 1 ? weights : Dims{groups, weights[0] / groups, weights[1], kh, kw};
    setup.stored = onednn::plain(setup.filter);
  } else {
    const std::int64_t outputs = weights[1], inputs = weights[0] / groups;
    setup.filter = groups == 1 ? Dims{outputs, inputs, kh, kw} : Dims{groups, outputs, inputs, kh, kw};
    const Dims strides =
        groups == 1 ? Dims{area, outputs * area, kw, 1} : Dims{inputs * outputs * area, area, outputs * area, kw, 1};
    setup.stored = Layout(setup.filter, onednn::Memory::data_type::f32, strides);
  }
  setup.dst = request.output.layout;
  setup.relu = request.relu_after;
  setup.filter_id = request.node.inputs[1];
  setup.filter_gradient = request.gradients + request.parameters.offset(setup.filter_id);
  if (request.node.inputs.size() > 2 && request.node.inputs[2] != no_value) {
    setup.bias_id = request.node.inputs[2];
    setup.bias_gradient = request.gradients + request.parameters.offset(setup.bias_id);
  }
  setup.packed = &request.packed;
  setup.scratch = &request.scratch;
  return setup;
}

class ConvolutionTraining final : public TrainingLayer {
 public:
  /// Throws dnnl::error.
  ConvolutionTraining(const TrainingRequest& request, const Dims& weights, bool transposed)
      : src_(request.inputs[0]),
        dst_(&request.output),
        accumulation_(&request.accumulation),
        setup_(setup_of(request, weights, transposed)) {
    // oneDNN reads row-major pictures well only where they are the first, of at most three channels, and below AVX-512
    // not even these: the gradient by the weights is a reference loop there.
    const bool reads_rows = src_.value->dims[1] <= 3 && preferred_block() == 16;
    setup_.src = src_.value->layout;
    bool blocked = src_.value->blocked;
    if (!blocked && (!reads_rows || src_.wants_gradient())) {
      blocked = true;
      setup_.src = blocked_layout(src_.value->dims, preferred_block());
      src_copy_ = zeroed_floats(setup_.src.get_size());
      if (src_.wants_gradient()) src_gradient_ = zeroed_floats(setup_.src.get_size());
    }
    const bool own = !transposed && blocked && fits_winograd(request.node.as<ConvAttributes>());
    const bool any_winograd = request.winograd == Winograd::automatic && own;
    const auto choose = [&]<class Pass>(const char* pass, PassCandidates<Pass> candidates,
                                        PassCandidates<Pass> (*winograd)(const ConvolutionSetup&)) {
      if (own && request.winograd != Winograd::off) {
        const PassCandidates<Pass> own_candidates = winograd(setup_);
        if (request.winograd == Winograd::on) return own_candidates[0].make();
        candidates.insert(candidates.end(), own_candidates.begin(), own_candidates.end());
      }
      std::vector<TimedAlgorithm> timed;
      for (const PassCandidate<Pass>& candidate : candidates) timed.push_back({candidate.name, candidate.seconds});
      const std::string key = fmt::format("{} {} {} {} relu {}{}", pass, to_string(src_.value->dims),
                                          to_string(setup_.filter), transposed ? "transposed" : "", setup_.relu,
                                          request.winograd == Winograd::own ? " winograd own" : "");
      const std::string name = fastest(key, timed);
      return std::find_if(candidates.begin(), candidates.end(), [&](const auto& c) { return c.name == name; })->make();
    };
    forward_ = choose("forward", onednn_forward(setup_, transposed, any_winograd), &winograd_forward);
    if (src_.wants_gradient()) {
      data_ = choose("data", onednn_backward_data(setup_, transposed, any_winograd), &winograd_backward_data);
      if (src_.accumulate) request.accumulation.reserve(src_.value->layout.get_size());
    }
    weights_ = choose("weights", onednn_backward_weights(setup_, transposed, any_winograd), &winograd_backward_weights);
  }

  void forward() override {
    if (src_copy_) onednn::reorder(src_.value->layout, src_.value->data, setup_.src, src_copy_.get());
    forward_(source(), dst_->data);
  }

  void backward() override {
    if (setup_.relu) loops::rectify_gradient(dst_->data, dst_->gradient, dst_->stored);
    weights_(source(), dst_->gradient);
    if (!src_.wants_gradient()) return;
    float* accumulated = reinterpret_cast<float*>(accumulation_->data());
    float* target = src_gradient_ ? src_gradient_.get() : src_.accumulate ? accumulated : src_.value->gradient;
    data_(dst_->gradient, target);
    if (src_gradient_)
      onednn::reorder(setup_.src, target, src_.value->layout, src_.accumulate ? accumulated : src_.value->gradient);
    if (src_.accumulate) loops::accumulate(accumulated, 1.0f, src_.value->gradient, src_.value->stored);
  }

 private:
  const float* source() const { return src_copy_ ? src_copy_.get() : src_.value->data; }

  TrainingInput src_;
  TrainingValue* dst_;
  SharedScratch* accumulation_;
  ConvolutionSetup setup_;
  std::shared_ptr<float> src_copy_, src_gradient_;  ///< blocked copies of a row-major picture
  ForwardPass forward_;
  BackwardDataPass data_;
  BackwardWeightsPass weights_;
};

TrainingLayerResult make(const TrainingRequest& request, const Dims& weights, bool transposed) {
  try {
    return std::unique_ptr<TrainingLayer>(std::make_unique<ConvolutionTraining>(request, weights, transposed));
  } catch (const dnnl::error& failure) {
    return unsupported(fmt::format("{} '{}' cannot be trained with this geometry: oneDNN says {}",
                                   to_string(request.node.op), request.node.name, failure.what()));
  }
}

}  // namespace

TrainingLayerResult make_convolution_training(const TrainingRequest& request, const Dims& weights) {
  return make(request, weights, false);
}

TrainingLayerResult make_transposed_convolution_training(const TrainingRequest& request, const Dims& weights) {
  return make(request, weights, true);
}

}  // namespace latentflow::nn

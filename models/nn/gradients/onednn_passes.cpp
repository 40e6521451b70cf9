// onednn_passes.cpp: forward, backward data and backward weights of Conv and ConvTranspose by oneDNN.
#include <algorithm>

#include "convolution_passes.h"
#include "nn/algorithm_choice.h"

namespace latentflow::nn {
namespace {

using dnnl::algorithm;
using onednn::Arguments;

/// The primitive types of Conv and ConvTranspose under common names.
struct Direct {
  using Forward = dnnl::convolution_forward;
  using BackwardData = dnnl::convolution_backward_data;
  using BackwardWeights = dnnl::convolution_backward_weights;
  static constexpr algorithm plain_algorithm = algorithm::convolution_direct;
};
struct Transposed {
  using Forward = dnnl::deconvolution_forward;
  using BackwardData = dnnl::deconvolution_backward_data;
  using BackwardWeights = dnnl::deconvolution_backward_weights;
  static constexpr algorithm plain_algorithm = algorithm::deconvolution_direct;
};

void run(const dnnl::primitive& primitive, const Arguments& arguments) {
  primitive.execute(onednn::stream(), arguments);
  onednn::stream().wait();
}

Layout bias_layout(const ConvolutionSetup& setup) {
  return setup.has_bias() ? onednn::plain({onednn::dims_of(setup.dst)[1]}) : Layout();
}

template <class Kind>
typename Kind::Forward::primitive_desc forward_description(const ConvolutionSetup& setup, algorithm how) {
  dnnl::primitive_attr attributes = onednn::user_scratchpad();
  if (setup.relu) {
    dnnl::post_ops post;
    onednn::append_eltwise(post, algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_post_ops(post);
  }
  return onednn::describe_forward<typename Kind::Forward>(dnnl::prop_kind::forward_training, how, setup.src,
                                                          onednn::any(setup.filter), bias_layout(setup), setup.dst,
                                                          setup.windows, attributes);
}

template <class Kind>
typename Kind::BackwardData::primitive_desc data_description(const ConvolutionSetup& setup, algorithm how) {
  const auto hint = forward_description<Kind>(setup, how);
  if (!hint) return {};
  return onednn::describe_backward_data<typename Kind::BackwardData>(how, setup.src, onednn::any(setup.filter),
                                                                     setup.dst, setup.windows, hint);
}

template <class Kind>
typename Kind::BackwardWeights::primitive_desc weights_description(const ConvolutionSetup& setup, algorithm how) {
  const auto hint = forward_description<Kind>(setup, how);
  if (!hint) return {};
  return onednn::describe_backward_weights<typename Kind::BackwardWeights>(
      how, setup.src, onednn::any(setup.filter), bias_layout(setup), setup.dst, setup.windows, hint);
}

/// Times a primitive on zeros of the given arguments.
template <class Primitive, class Description>
double seconds(const Description& description, const std::vector<std::pair<int, Layout>>& operands) {
  Arguments arguments;
  std::vector<std::shared_ptr<float>> buffers;
  for (const auto& [argument, layout] : operands) {
    if (layout.get_size() == 0) continue;
    buffers.push_back(zeroed_floats(layout.get_size()));
    arguments.emplace(argument, onednn::memory(layout, buffers.back().get()));
  }
  const Primitive primitive(description);
  return best_thread_seconds(3, [&] { run(primitive, arguments); });
}

dnnl::memory scratch_memory(const SharedScratch& scratch, const Layout& layout) {
  return onednn::memory(layout, scratch.data());
}

template <class Kind>
ForwardPass make_forward(const ConvolutionSetup& setup, const typename Kind::Forward::primitive_desc& pd) {
  setup.scratch->reserve(pd.scratchpad_desc().get_size());
  const float* filter = setup.packed->request(setup.filter_id, setup.stored, pd.weights_desc());
  const float* bias =
      setup.has_bias() ? setup.packed->request(setup.bias_id, bias_layout(setup), bias_layout(setup)) : nullptr;
  return [pd, filter, bias, scratch = setup.scratch, primitive = typename Kind::Forward(pd)](const float* src,
                                                                                             float* dst) {
    Arguments arguments{{DNNL_ARG_SRC, onednn::memory(pd.src_desc(), src)},
                        {DNNL_ARG_WEIGHTS, onednn::memory(pd.weights_desc(), filter)},
                        {DNNL_ARG_DST, onednn::memory(pd.dst_desc(), dst)},
                        {DNNL_ARG_SCRATCHPAD, scratch_memory(*scratch, pd.scratchpad_desc())}};
    if (bias != nullptr) arguments.emplace(DNNL_ARG_BIAS, onednn::memory(pd.bias_desc(), bias));
    run(primitive, arguments);
  };
}

template <class Kind>
BackwardDataPass make_data(const ConvolutionSetup& setup, const typename Kind::BackwardData::primitive_desc& pd) {
  setup.scratch->reserve(pd.scratchpad_desc().get_size());
  const float* filter = setup.packed->request(setup.filter_id, setup.stored, pd.weights_desc());
  return [pd, filter, scratch = setup.scratch, primitive = typename Kind::BackwardData(pd)](const float* dst_gradient,
                                                                                            float* src_gradient) {
    run(primitive, {{DNNL_ARG_DIFF_DST, onednn::memory(pd.diff_dst_desc(), dst_gradient)},
                    {DNNL_ARG_WEIGHTS, onednn::memory(pd.weights_desc(), filter)},
                    {DNNL_ARG_DIFF_SRC, onednn::memory(pd.diff_src_desc(), src_gradient)},
                    {DNNL_ARG_SCRATCHPAD, scratch_memory(*scratch, pd.scratchpad_desc())}});
  };
}

template <class Kind>
BackwardWeightsPass make_weights(const ConvolutionSetup& setup,
                                 const typename Kind::BackwardWeights::primitive_desc& pd) {
  setup.scratch->reserve(pd.scratchpad_desc().get_size());
  const std::shared_ptr<float> packed = zeroed_floats(pd.diff_weights_desc().get_size());
  const dnnl::reorder unpack(onednn::memory(pd.diff_weights_desc(), packed.get()),
                             onednn::memory(setup.stored, setup.filter_gradient));
  return [pd, packed, unpack, stored = setup.stored, filter_gradient = setup.filter_gradient,
          bias_gradient = setup.bias_gradient, scratch = setup.scratch,
          primitive = typename Kind::BackwardWeights(pd)](const float* src, const float* dst_gradient) {
    const dnnl::memory gradient = onednn::memory(pd.diff_weights_desc(), packed.get());
    Arguments arguments{{DNNL_ARG_SRC, onednn::memory(pd.src_desc(), src)},
                        {DNNL_ARG_DIFF_DST, onednn::memory(pd.diff_dst_desc(), dst_gradient)},
                        {DNNL_ARG_DIFF_WEIGHTS, gradient},
                        {DNNL_ARG_SCRATCHPAD, scratch_memory(*scratch, pd.scratchpad_desc())}};
    if (bias_gradient != nullptr)
      arguments.emplace(DNNL_ARG_DIFF_BIAS, onednn::memory(pd.diff_bias_desc(), bias_gradient));
    run(primitive, arguments);
    run(unpack, {{DNNL_ARG_FROM, gradient}, {DNNL_ARG_TO, onednn::memory(stored, filter_gradient)}});
  };
}

/// The direct algorithm and, where asked for and there, Winograd: `describe` and `candidate` know the pass.
template <class Kind, class Pass, class Describe, class MakeCandidate>
PassCandidates<Pass> candidates(bool winograd, const Describe& describe, const MakeCandidate& candidate) {
  PassCandidates<Pass> list;
  if (const auto pd = describe(Kind::plain_algorithm)) list.push_back(candidate("direct", pd));
  if (winograd && Kind::plain_algorithm == algorithm::convolution_direct)
    if (const auto pd = describe(algorithm::convolution_winograd)) list.push_back(candidate("winograd of oneDNN", pd));
  if (list.empty()) throw dnnl::error(dnnl_unimplemented, "it has no such convolution");
  return list;
}

template <class Kind>
PassCandidates<ForwardPass> forward_candidates(const ConvolutionSetup& setup, bool winograd) {
  return candidates<Kind, ForwardPass>(
      winograd, [&](algorithm how) { return forward_description<Kind>(setup, how); },
      [&](const char* name, const auto& pd) {
        return PassCandidate<ForwardPass>{name,
                                          [pd] {
                                            return seconds<typename Kind::Forward>(
                                                pd, {{DNNL_ARG_SRC, pd.src_desc()},
                                                     {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                                     {DNNL_ARG_BIAS, pd.bias_desc()},
                                                     {DNNL_ARG_DST, pd.dst_desc()},
                                                     {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}});
                                          },
                                          [&setup, pd] { return make_forward<Kind>(setup, pd); }};
      });
}

template <class Kind>
PassCandidates<BackwardDataPass> data_candidates(const ConvolutionSetup& setup, bool winograd) {
  return candidates<Kind, BackwardDataPass>(
      winograd, [&](algorithm how) { return data_description<Kind>(setup, how); },
      [&](const char* name, const auto& pd) {
        return PassCandidate<BackwardDataPass>{name,
                                               [pd] {
                                                 return seconds<typename Kind::BackwardData>(
                                                     pd, {{DNNL_ARG_DIFF_DST, pd.diff_dst_desc()},
                                                          {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                                          {DNNL_ARG_DIFF_SRC, pd.diff_src_desc()},
                                                          {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}});
                                               },
                                               [&setup, pd] { return make_data<Kind>(setup, pd); }};
      });
}

template <class Kind>
PassCandidates<BackwardWeightsPass> weights_candidates(const ConvolutionSetup& setup, bool winograd) {
  return candidates<Kind, BackwardWeightsPass>(
      winograd, [&](algorithm how) { return weights_description<Kind>(setup, how); },
      [&](const char* name, const auto& pd) {
        return PassCandidate<BackwardWeightsPass>{name,
                                                  [pd] {
                                                    return seconds<typename Kind::BackwardWeights>(
                                                        pd, {{DNNL_ARG_SRC, pd.src_desc()},
                                                             {DNNL_ARG_DIFF_DST, pd.diff_dst_desc()},
                                                             {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc()},
                                                             {DNNL_ARG_DIFF_BIAS, pd.diff_bias_desc()},
                                                             {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}});
                                                  },
                                                  [&setup, pd] { return make_weights<Kind>(setup, pd); }};
      });
}

}  // namespace

PassCandidates<ForwardPass> onednn_forward(const ConvolutionSetup& setup, bool transposed, bool winograd) {
  return transposed ? forward_candidates<Transposed>(setup, false) : forward_candidates<Direct>(setup, winograd);
}

PassCandidates<BackwardDataPass> onednn_backward_data(const ConvolutionSetup& setup, bool transposed, bool winograd) {
  return transposed ? data_candidates<Transposed>(setup, false) : data_candidates<Direct>(setup, winograd);
}

PassCandidates<BackwardWeightsPass> onednn_backward_weights(const ConvolutionSetup& setup, bool transposed,
                                                            bool winograd) {
  return transposed ? weights_candidates<Transposed>(setup, false) : weights_candidates<Direct>(setup, winograd);
}

}  // namespace latentflow::nn

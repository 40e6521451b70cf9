// winograd_passes.cpp: forward, backward data and backward weights of 3x3 convolutions by our own Winograd.
#include <algorithm>

#include "convolution_passes.h"
#include "nn/algorithm_choice.h"
#include "nn/layers/convolution.h"
#include "nn/winograd/winograd.h"

namespace latentflow::nn {
namespace {

winograd::Shape shape_of(const ConvolutionSetup& setup, std::int64_t tile) {
  return winograd::shape_of(onednn::dims_of(setup.src), onednn::dims_of(setup.dst), setup.windows.before[0],
                            setup.windows.before[1], preferred_block(), tile);
}

std::shared_ptr<float> zeros(std::size_t floats) { return zeroed_floats(floats * sizeof(float)); }

/// Time of one call on zeros of the extents that `shape` says.
double forward_seconds(const winograd::Shape& shape, const Layout& src, const Layout& dst) {
  const auto from = zeroed_floats(src.get_size()), to = zeroed_floats(dst.get_size()),
             filter = zeros(winograd::packed_filter_size(shape)),
             scratch = zeroed_floats(winograd::forward_scratch_bytes(shape));
  return best_thread_seconds(3, [&] {
    winograd::forward(shape, from.get(), filter.get(), nullptr, {}, to.get(),
                      reinterpret_cast<std::byte*>(scratch.get()));
  });
}

const float* request_filter(const ConvolutionSetup& setup, const winograd::Shape& shape, winograd::Filter kind) {
  return setup.packed->request(
      setup.filter_id, winograd_name(shape.tile) + (kind == winograd::Filter::plain ? "" : " flipped"),
      winograd::packed_filter_size(shape),
      [shape, kind](const float* stored, float* packed) { winograd::pack_filter(shape, kind, stored, packed); });
}

PassCandidate<ForwardPass> forward_candidate(const ConvolutionSetup& setup, std::int64_t tile) {
  return {
      winograd_name(tile), [&setup, tile] { return forward_seconds(shape_of(setup, tile), setup.src, setup.dst); },
      [&setup, tile]() -> ForwardPass {
        const winograd::Shape shape = shape_of(setup, tile);
        setup.scratch->reserve(winograd::forward_scratch_bytes(shape));
        const float* filter = request_filter(setup, shape, winograd::Filter::plain);
        const float* bias = nullptr;
        if (setup.has_bias())
          bias = setup.packed->request(
              setup.bias_id, "padded", static_cast<std::size_t>(shape.padded_dst_channels()),
              [count = shape.dst_channels](const float* stored, float* packed) { std::copy_n(stored, count, packed); });
        std::vector<winograd::Step> steps;
        if (setup.relu) steps.push_back({winograd::Step::Kind::leaky_relu, 0, 0});
        return [shape, filter, bias, steps, scratch = setup.scratch](const float* src, float* dst) {
          winograd::forward(shape, src, filter, bias, steps, dst, scratch->data());
        };
      }};
}

PassCandidate<BackwardDataPass> backward_data_candidate(const ConvolutionSetup& setup, std::int64_t tile) {
  return {
      winograd_name(tile),
      [&setup, tile] { return forward_seconds(winograd::backward_data(shape_of(setup, tile)), setup.dst, setup.src); },
      [&setup, tile]() -> BackwardDataPass {
        const winograd::Shape shape = winograd::backward_data(shape_of(setup, tile));
        setup.scratch->reserve(winograd::forward_scratch_bytes(shape));
        const float* filter = request_filter(setup, shape, winograd::Filter::flipped);
        return [shape, filter, scratch = setup.scratch](const float* dst_gradient, float* src_gradient) {
          winograd::forward(shape, dst_gradient, filter, nullptr, {}, src_gradient, scratch->data());
        };
      }};
}

template <class Candidate>
auto for_tiles(const ConvolutionSetup& setup, const Dims& result, const Candidate& candidate) {
  PassCandidates<decltype(candidate(setup, 4).make())> candidates;
  for (const std::int64_t tile : winograd::worthwhile_tiles(result)) candidates.push_back(candidate(setup, tile));
  return candidates;
}

}  // namespace

PassCandidates<ForwardPass> winograd_forward(const ConvolutionSetup& setup) {
  return for_tiles(setup, onednn::dims_of(setup.dst), forward_candidate);
}

PassCandidates<BackwardDataPass> winograd_backward_data(const ConvolutionSetup& setup) {
  return for_tiles(setup, onednn::dims_of(setup.src), backward_data_candidate);
}

PassCandidates<BackwardWeightsPass> winograd_backward_weights(const ConvolutionSetup& setup) {
  constexpr std::int64_t tile = 4;
  return {{winograd_name(tile),
           [&setup] {
             const winograd::Shape shape = shape_of(setup, tile);
             const auto src = zeroed_floats(setup.src.get_size()), dst = zeroed_floats(setup.dst.get_size()),
                        gradient = zeros(static_cast<std::size_t>(shape.src_channels * shape.dst_channels * 9)),
                        scratch = zeroed_floats(winograd::backward_weights_scratch_bytes(shape));
             return best_thread_seconds(3, [&] {
               winograd::backward_weights(shape, src.get(), dst.get(), gradient.get(), nullptr,
                                          reinterpret_cast<std::byte*>(scratch.get()));
             });
           },
           [&setup]() -> BackwardWeightsPass {
             const winograd::Shape shape = shape_of(setup, tile);
             setup.scratch->reserve(winograd::backward_weights_scratch_bytes(shape));
             return [shape, filter_gradient = setup.filter_gradient, bias_gradient = setup.bias_gradient,
                     scratch = setup.scratch](const float* src, const float* dst_gradient) {
               winograd::backward_weights(shape, src, dst_gradient, filter_gradient, bias_gradient, scratch->data());
             };
           }}};
}

}  // namespace latentflow::nn

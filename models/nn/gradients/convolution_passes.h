// convolution_passes.h: the three directions of a trained convolution, and who can compute them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "layer.h"
#include "nn/onednn_versions.h"

namespace latentflow::nn {

/// What the passes of one convolution need to know. References live as long as the plan.
struct ConvolutionSetup {
  onednn::Windows windows;
  Dims filter;    ///< [M,C,kh,kw] or grouped [g,M/g,C/g,kh,kw]
  Layout stored;  ///< the same extents over the ONNX weights
  Layout src, dst;
  bool relu = false;  ///< the result is rectified
  ValueId filter_id = no_value, bias_id = no_value;
  PackedParameters* packed = nullptr;
  float *filter_gradient = nullptr, *bias_gradient = nullptr;  ///< as stored
  SharedScratch* scratch = nullptr;
  bool has_bias() const { return bias_id != no_value; }
};

using ForwardPass = std::function<void(const float* src, float* dst)>;
using BackwardDataPass = std::function<void(const float* dst_gradient, float* src_gradient)>;
/// Overwrites the gradients of the parameters.
using BackwardWeightsPass = std::function<void(const float* src, const float* dst_gradient)>;

/// One way to compute a pass. `seconds` times it on zeros; `make` prepares it, weights and scratch memory included.
template <class Pass>
struct PassCandidate {
  std::string name;
  std::function<double()> seconds;
  std::function<Pass()> make;
};

template <class Pass>
using PassCandidates = std::vector<PassCandidate<Pass>>;

/// oneDNN's, the direct algorithm first; `winograd`: also its Winograd where that exists. Throw dnnl::error.
PassCandidates<ForwardPass> onednn_forward(const ConvolutionSetup& setup, bool transposed, bool winograd);
PassCandidates<BackwardDataPass> onednn_backward_data(const ConvolutionSetup& setup, bool transposed, bool winograd);
PassCandidates<BackwardWeightsPass> onednn_backward_weights(const ConvolutionSetup& setup, bool transposed,
                                                            bool winograd);

/// Our own Winograd, for 3x3 filters of stride 1 in one group between blocked pictures; never empty, the tile with the
/// fewest products first.
PassCandidates<ForwardPass> winograd_forward(const ConvolutionSetup& setup);
PassCandidates<BackwardDataPass> winograd_backward_data(const ConvolutionSetup& setup);
PassCandidates<BackwardWeightsPass> winograd_backward_weights(const ConvolutionSetup& setup);

}  // namespace latentflow::nn

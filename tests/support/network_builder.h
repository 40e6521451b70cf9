// network_builder.h: small networks with random weights, in the shapes that denoisers have.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "nn/graph.h"

namespace latentflow::testing {

/// Adds nodes with random weights, scaled so that values keep their size from layer to layer; the seed is fixed.
class Builder {
 public:
  nn::Graph graph;
  std::mt19937 generator{11};

  nn::ValueId input(Dims dims);
  /// Square kernel; "same" padding for stride 1, none otherwise.
  nn::ValueId conv(nn::ValueId from, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1,
                   bool bias = true);
  /// ConvTranspose 2x2 with stride 2.
  nn::ValueId up(nn::ValueId from, std::int64_t in, std::int64_t out);
  nn::ValueId node(nn::Op op, std::vector<nn::ValueId> inputs, nn::Attributes attributes = {});
  nn::ValueId constant(Dims dims);

  /// Random tensors of the declared input shapes, which must be known.
  std::vector<Tensor> inputs();

 private:
  std::string fresh(std::string name);
};

/// Space-to-depth, Conv-Relu residual blocks on two levels with an additive skip, depth-to-space, plus the picture.
/// Inputs: picture of `dims` (extents multiples of 4) and a one-channel map of the same extents.
Builder residual_unet(Dims dims, std::int64_t channels = 16);

/// Conv-Relu, `inner` times Conv-Relu between `channels` channels, Conv; taken from the picture (DnCNN).
Builder plain_denoiser(Dims dims, std::int64_t channels = 32, int inner = 3);

}  // namespace latentflow::testing

// networks.h: builds the networks that recipes name, with their initial weights.
#pragma once

#include <string_view>

#include "nn/graph.h"
#include "recipe.h"

namespace latentflow::train {

/// Inputs `image` [N,C,H,W] in 0..1 and, with a noise map, `sigma` [N,1,H,W] in sigma / 255; the output `clean` is the
/// clean image. With a mask: `mask` [N,1,H,W], 1 in the holes that are filled somehow in `image`, and the output
/// `filled`. No biases anywhere, so the network is homogeneous of degree one in its inputs (Mohan, Kadkhodaie,
/// Simoncelli, Fernandez-Granda, ICLR 2020). Weights after He et al. (ICCV 2015) from `seed`. residual_unet:
/// space-to-depth 2, levels joined by 2x2 stride-2 convolutions and additive skips, residual blocks
/// convolution-ReLU-convolution; extents have to be multiples of 2^levels.
/// residual_autoencoder: the same without skips, so that all goes through `code` [N,codes,H/2^levels,W/2^levels], which
/// one convolution makes out of the deepest level and one takes up again; the output is `reconstruction`.
/// dncnn: Zhang et al. (IEEE TIP 2017) without batch normalisation.
Result<nn::Graph> build_network(const NetworkRecipe& recipe, std::uint64_t seed);

/// Layers of a residual block, which adds nothing where the weights of the layer that ends it are zero.
bool is_block_layer(std::string_view node);
bool ends_block(std::string_view node);

/// What height and width have to be multiples of.
std::int64_t extent_multiple(const NetworkRecipe& recipe);

}  // namespace latentflow::train

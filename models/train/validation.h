// validation.h: how well weights denoise pictures they were not trained on.
#pragma once

#include <span>
#include <vector>

#include "nn/graph.h"
#include "photographs.h"
#include "recipe.h"

namespace latentflow::train {

struct Score {
  double sigma = 0;
  double noisy = 0, clean = 0;  ///< PSNR in dB before and after, mean over the pictures
};

/// Per noise level: white Gaussian noise, the same in every call, is added in float; the output is limited and rounded
/// to 8 bits; PSNR is over all channels of a picture, then averaged over pictures (with the input neither limited nor
/// rounded). Pictures run in parallel; sides that the network does not take are extended by reflection.
Result<std::vector<Score>> validate(const nn::Graph& network, const NetworkRecipe& recipe,
                                    std::span<const Photograph> pictures, std::span<const double> sigmas);

/// The central part of every picture, at most crop x crop.
std::vector<Photograph> central_crops(std::span<const Photograph> pictures, std::int64_t crop);

/// "sigma 25: 30.03 dB (noisy 20.17)", comma separated.
std::string describe(std::span<const Score> scores);

}  // namespace latentflow::train

// validation.h: how well weights denoise or inpaint pictures they were not trained on.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/graph.h"
#include "photographs.h"
#include "recipe.h"

namespace latentflow::train {

struct Score {
  std::string what;                           ///< "sigma 25", "photo", "pairs", "text", "holes"
  double before = 0, after = 0;               ///< PSNR in dB of what the network gets and gives, mean over the pictures
                                              ///< (before 0: it gets the picture itself, task image_codes)
  std::optional<std::array<double, 2>> hole;  ///< the same over missing pixels alone (task inpaint)
};

/// By the task of the recipe, the same in every call. Denoisers, per noise level: white Gaussian noise is added in
/// float; and where the recipe damages photographs so do these, with the level that their difference has. Pairs that a
/// graph delivered are taken as they are instead, for codes of pictures, too. Outputs are
/// limited and rounded to 8 bits; PSNR is over all channels of a picture, then averaged over pictures. Pictures run in
/// parallel; sides that the network does not take are extended by reflection.
Result<std::vector<Score>> validate(const nn::Graph& network, const Recipe& recipe,
                                    std::span<const Photograph> pictures);

/// Holes, filled smoothly and then by the network; known pixels stay, the others are limited and rounded to 8 bits.
/// Pictures that a graph delivered with masks have their own ("holes"); else there is a score per kind of mask in the
/// recipe, drawn the same in every call.
Result<std::vector<Score>> validate_holes(const nn::Graph& network, const Recipe& recipe,
                                          std::span<const Photograph> pictures);

/// The central part of every picture, at most crop x crop, with what belongs to it. Where a mask has no hole there, the
/// part about the hole that is nearest to the centre.
std::vector<Photograph> central_crops(std::span<const Photograph> pictures, std::int64_t crop);

/// "sigma 25: 30.03 dB (noisy 20.17)" or "text: 33.12 dB (smooth 31.05), in holes 24.01 (22.00)", comma separated.
std::string describe(std::span<const Score> scores);

}  // namespace latentflow::train

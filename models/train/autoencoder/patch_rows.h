// patch_rows.h: patches of photographs, by themselves and as rows to train on.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <span>

#include "item_rows.h"
#include "train/photographs.h"
#include "train/random.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::train {

/// Standard deviation, of 0..1, below which a patch counts as flat: sky and walls, which teach nothing.
inline constexpr double least_texture = 0.04;

/// A view of a random part of a random photograph; a flat one is drawn again, up to 20 times. Photographs are grey and
/// no smaller than `size`.
cv::Mat textured_patch(std::span<const Photograph> photographs, cv::Size size, Random& random);

/// Patches of grey photographs in 0..1, whitened if the recipe says so; those to test come from other photographs than
/// those to train on (a tenth of them, at least one). Patch i depends on `seed` and i alone. Errors: bad_input with
/// fewer than two photographs, those of fit_whitening().
Result<ItemSet> cut_patches(const PatchData& data, std::span<const Photograph> photographs, std::uint64_t seed);

}  // namespace latentflow::train

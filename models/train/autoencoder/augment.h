// augment.h: pictures that are moved a little whenever they are seen.
#pragma once

#include <cstdint>
#include <span>

#include "nn/code_model.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::train {

/// Changes the picture `row` in place by an affine map about its centre: bilinear, black outside. What is drawn, evenly
/// up to what `augmentation` says, depends on `key` alone.
void augment(const Augmentation& augmentation, std::uint64_t key, const nn::CodeItem& item, std::span<float> row);

}  // namespace latentflow::train

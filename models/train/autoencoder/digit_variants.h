// digit_variants.h: digits that are harder to tell apart, as described by Larochelle et al. (ICML 2007).
#pragma once

#include <cstdint>
#include <span>

#include "item_rows.h"
#include "train/photographs.h"

namespace latentflow::train {

/// Turns every picture about its centre by an angle drawn evenly from 0 to 2 pi: bilinear, black outside. Row i depends
/// on `seed` and i alone.
void turn_digits(ItemRows& rows, std::uint64_t seed);

/// Puts a random patch of a random photograph (grey, 8 bit, no side shorter than a digit's) where a picture is black.
/// Patches with little texture are drawn again (see patch_rows.h). Row i depends on `seed` and i alone.
void put_before_photographs(ItemRows& rows, std::span<const Photograph> photographs, std::uint64_t seed);

}  // namespace latentflow::train

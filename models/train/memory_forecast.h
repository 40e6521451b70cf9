// memory_forecast.h: what training an autoencoder on vectors takes at least, known before it begins.
#pragma once

#include "autoencoder/autoencoder.h"
#include "autoencoder/item_rows.h"

namespace latentflow::train {

/// Bytes of the weights (value, gradient, two moments, average), of the items, and of the activations for a
/// batch and their gradients on both sides of a layer. What primitives take for themselves comes on top.
double training_bytes(const Autoencoder& network, const ItemSet& items, std::int64_t batch);

/// Errors: out_of_memory, saying what is needed, where that is more than `available` bytes.
Status check_memory(const Autoencoder& network, const ItemSet& items, std::int64_t batch, double available);

}  // namespace latentflow::train

// memory_forecast.cpp: see memory_forecast.h.
#include "memory_forecast.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/machine_memory.h"

namespace latentflow::train {

double training_bytes(const Autoencoder& network, const ItemSet& items, std::int64_t batch) {
  double numbers = 5 * static_cast<double>(network.parameters);
  for (const ItemRows* rows : {&items.train, &items.validation, &items.test})
    numbers += static_cast<double>(rows->values.size() + rows->damaged.size());
  double per_item = 3 * static_cast<double>(network.features()), deltas = 0;  // clean, corrupted, on the tape
  for (const DenseLayer& layer : network.layers) {
    per_item += static_cast<double>(layer.outputs);
    deltas = std::max(deltas, static_cast<double>(layer.inputs + layer.outputs));
  }
  per_item += deltas;
  return (numbers + per_item * static_cast<double>(batch)) * sizeof(float);
}

Status check_memory(const Autoencoder& network, const ItemSet& items, std::int64_t batch, double available) {
  const double bytes = training_bytes(network, items, batch);
  if (bytes <= available) return success();
  return out_of_memory(fmt::format(
      "training of {} weights with batches of {} items needs at least {:.1f} GiB of memory, this machine has {:.1f} "
      "GiB; take smaller network.layers or a smaller batch",
      network.parameters, batch, bytes / nn::gibibyte, available / nn::gibibyte));
}

}  // namespace latentflow::train

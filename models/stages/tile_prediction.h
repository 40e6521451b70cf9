// tile_prediction.h: what a stage predicts of the memory that a network takes which it runs in tiles.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "latentflow/node.h"
#include "nn/network.h"

namespace latentflow::stages {

/// What one call needs that runs `network` over a picture, besides what it makes; no outputs are filled in.
/// `input_dims`: the whole picture's, for every input of the network; empty where they are not known yet, which counts
/// as the largest tile that is allowed. `options`, `worker_limit` and `turned`: those of Network::fitted_tile_memory(),
/// whose tiles the call has to take. Nothing where the network refuses the extents: the call will fail for the same
/// reason. Every packed form of the weights is an owner of its own, so that stages which take the same ones pay once.
inline Prediction tile_prediction(const nn::Network& network, std::vector<Dims> input_dims,
                                  const nn::TileOptions& options, std::size_t worker_limit, bool turned = false) {
  constexpr std::size_t most_workers = 1024;
  Prediction prediction;
  if (input_dims.empty()) {
    prediction.worker_bytes = std::min(options.bytes_per_tile, worker_limit);
    return prediction;
  }
  const Result<nn::Network::TileMemory> memory =
      network.fitted_tile_memory(std::move(input_dims), options, worker_limit, turned);
  if (!memory) return prediction;
  prediction.worker_bytes = memory->tile_bytes;
  prediction.workers = static_cast<int>(std::min(memory->tiles, most_workers));
  for (const nn::PackedForm& one : memory->weights) prediction.shared.push_back({one.form, one.bytes});
  return prediction;
}

}  // namespace latentflow::stages

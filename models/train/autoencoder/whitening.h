// whitening.h: rows whose numbers are uncorrelated and of one variance, and networks that do that themselves.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latentflow/result.h"
#include "nn/graph.h"

namespace latentflow::train {

/// x' = forward (x - mean), undone by x = backward x' + mean: zero-phase components, the whitening that changes rows
/// least (Bell and Sejnowski, Vision Research 1997). Natural pictures have most of their variance in what changes
/// slowly; without it features learn little else.
struct Whitening {
  std::vector<float> mean;               ///< [features]
  std::vector<float> forward, backward;  ///< [features, features], symmetric

  void apply(std::span<float> rows) const;
};

/// Of rows [n, features]. A direction of variance v gets the variance v / (v + e) instead of 1, with e =
/// `floor` times the mean variance of a number: what varies less than that is noise and stays small. Errors: those of
/// fit_pca(), with fewer rows than features among them.
Result<Whitening> fit_whitening(std::span<const float> rows, std::int64_t features, double floor);

/// Makes a network of dense layers that was trained on whitened rows (nn/code_model.h) take rows and give
/// reconstructions as they were before, by other weights of the first and the last layer. Requires a last layer without
/// activation.
void take_in_whitening(const Whitening& whitening, nn::Graph& graph);

}  // namespace latentflow::train

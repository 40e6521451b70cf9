// pca_checks.h: what the fits of principal components share: refusals and the sign of a component.
#pragma once

#include <span>

#include "pca.h"

namespace latentflow::nn {

/// Whether the options are in range and can be met with so much data.
Status check_options(const PcaOptions& options, std::int64_t items, std::int64_t features);

/// `mean_square`: the squared length of the mean, against which rounding is judged.
Status check_variance(double total, double mean_square);

/// Whether every component can be scaled to unit variance.
Status check_whitening(const Pca& pca);

/// Fills in `components` from vectors [count, features], each turned so that its largest entry is positive.
void store_components(Pca& pca, std::span<const double> vectors, std::int64_t count);

}  // namespace latentflow::nn

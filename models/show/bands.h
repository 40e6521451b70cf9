// bands.h: is a filter an oriented edge? A measure for sets of filters.
#pragma once

#include "filters.h"

namespace latentflow::show {

/// Of a filter's power spectrum (mean taken out, colours summed, padded with zeros to twice the extents),
/// the share that lies within 22.5 degrees of its main orientation, which is half the angle of the sum of
/// power exp(2 i angle) over all frequencies. 1 for a grating or an edge of one direction, 0.25 to 0.4 for spots and
/// noise.
double band_share(std::span<const float> filter, const nn::CodeItem& item);

/// A filter is one orientation band when the share is at least this.
inline constexpr double one_band = 0.7;

/// Share of filters that are one orientation band; those without any contrast count as none.
double oriented_share(std::span<const Filter> filters, const nn::CodeItem& item);

}  // namespace latentflow::show

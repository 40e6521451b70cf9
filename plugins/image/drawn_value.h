// drawn_value.h: parameters that are drawn for every item.
#pragma once

#include "data/dice.h"
#include "latentflow/schema.h"

namespace latentflow::image {

/// What is drawn. Each has numbers of its own: two nodes of one seed, such as noise and JPEG behind it, would otherwise
/// draw strong noise and high quality for the same items.
enum class Drawn : std::uint64_t { noise_level = 1, jpeg_quality };

/// Evenly from the range, from seed and item number alone; a range of one number gives exactly that.
inline double drawn_value(const NumberRange& range, Drawn what, std::int64_t seed, std::uint64_t item) {
  data::Dice dice(data::item_key(seed, item) + static_cast<std::uint64_t>(what));
  return range.low + (range.high - range.low) * static_cast<double>(dice.between(0, 1));
}

}  // namespace latentflow::image

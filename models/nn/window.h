// window.h: a part of a picture.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace latentflow::nn {

/// Rows from top to bottom and columns from left to right, ends not included; without limits where none are set.
struct Window {
  std::int64_t top = 0, left = 0;
  std::int64_t bottom = std::numeric_limits<std::int64_t>::max(), right = std::numeric_limits<std::int64_t>::max();

  bool operator==(const Window&) const = default;
  Window within(std::int64_t height, std::int64_t width) const {
    return {std::clamp<std::int64_t>(top, 0, height), std::clamp<std::int64_t>(left, 0, width),
            std::clamp<std::int64_t>(bottom, 0, height), std::clamp<std::int64_t>(right, 0, width)};
  }
};

}  // namespace latentflow::nn

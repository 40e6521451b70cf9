// digits.h: handwriting-like digits, for learning without a download.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

namespace latentflow::data {

/// One digit, 0 to 9, in strokes that vary with the seed (points, slant, turn, size, place, width). CV_8U, square,
/// white on black.
cv::Mat draw_digit(int digit, std::uint64_t seed, int size);

/// Item `index` of the endless data set that `seed` names: 0 to 9 in turn.
inline int drawn_label(std::uint64_t index) { return static_cast<int>(index % 10); }
cv::Mat drawn_digit_of(std::uint64_t index, std::int64_t seed, int size);

}  // namespace latentflow::data

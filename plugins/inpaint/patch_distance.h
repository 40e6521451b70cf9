// patch_distance.h: how much the surroundings of pixels differ, for a row of pixels at a time in vectors.
#pragma once

#include <array>
#include <cstddef>

namespace latentflow::inpaint {

constexpr int patch_reach = 3;  ///< pixels to each side of one whose surroundings are compared
/// Loops run over whole vectors, so rows may be read and results written so far behind their end.
constexpr int vector_slack = 16;

/// A row of a picture that is compared with the same row moved by `step` numbers.
struct ComparedRow {
  std::array<const float*, 3> planes{};  ///< unused ones null
  const float* trust = nullptr;          ///< weight of every pixel
  std::ptrdiff_t step = 0;
};

/// For `width` pixels, the first of them patch_reach behind where the row's pointers are: the squared differences
/// summed over planes and times the trust in both pixels, and that trust, both summed along the row with the weights of
/// a Gaussian (deviation 2.25 pixels, cut at patch_reach). `buffer` has 2 (width + 2 patch_reach + vector_slack)
/// numbers.
void compare_along(const ComparedRow& row, int width, float* buffer, float* differences, float* trusts);

/// The same Gaussian down 2 patch_reach + 1 rows of such sums, `stride` numbers apart, the first one at the pointers:
/// distances[x] = `scale` times the sum of differences by that of trusts.
void compare_down(const float* differences, const float* trusts, std::ptrdiff_t stride, int width, float scale,
                  float* distances);

}  // namespace latentflow::inpaint

// points.h: where the polynomials of Winograd's algorithm are evaluated, and the numbers that follow from it.
#pragma once

#include <array>

namespace latentflow::nn::winograd {

/// The positive ones of the pairs +-root, by the side of the patch. Patches of 6: instead of the usual 1 and 2, which
/// hold larger numbers; the rounding error is less than half. Patches of 8: the usual ones; others within a grid of a
/// tenth round no better.
template <int Patch>
constexpr std::array<double, (Patch - 2) / 2> roots_of();
template <>
constexpr std::array<double, 1> roots_of<4>() {
  return {1};
}
template <>
constexpr std::array<double, 2> roots_of<6>() {
  return {0.70710678118654752440, 1.41421356237309504880};
}
template <>
constexpr std::array<double, 3> roots_of<8>() {
  return {0.5, 1, 2};
}

/// Computed in double, kept in float: the points are 0, the pairs and infinity.
template <int Patch>
struct PointNumbers {
  static constexpr int count = (Patch - 2) / 2, most_power = 6;
  float roots[count] = {}, powers[count][most_power] = {};
  float polynomial[count + 1] = {};  ///< coefficients of the product of (z - root^2), by the power of z = x^2
  float without[count][count] = {};  ///< the same without the pair
  float scales[count] = {}, scale_of_zero = 0;  ///< 1 / the product of the distances to the other finite points

  constexpr PointNumbers() {
    constexpr auto root = roots_of<Patch>();
    double zero = 1;
    for (int k = 0; k < count; ++k) {
      roots[k] = static_cast<float>(root[k]);
      double power = 1;
      for (int i = 0; i < most_power; ++i, power *= root[k]) powers[k][i] = static_cast<float>(power);
      zero *= -root[k] * root[k];
      double distances = 2 * root[k] * root[k];
      for (int j = 0; j < count; ++j)
        if (j != k) distances *= root[k] * root[k] - root[j] * root[j];
      scales[k] = static_cast<float>(1 / distances);
      multiply_all(k, without[k]);
    }
    scale_of_zero = static_cast<float>(1 / zero);
    multiply_all(-1, polynomial);
  }

 private:
  static constexpr void multiply_all(int left_out, float* result) {
    double coefficients[count + 1] = {1};
    int degree = 0;
    for (int j = 0; j < count; ++j) {
      if (j == left_out) continue;
      const double square = roots_of<Patch>()[j] * roots_of<Patch>()[j];
      for (int i = ++degree; i >= 0; --i)
        coefficients[i] = (i > 0 ? coefficients[i - 1] : 0) - square * coefficients[i];
    }
    for (int i = 0; i <= degree; ++i) result[i] = static_cast<float>(coefficients[i]);
  }
};

template <int Patch>
struct Points {
  static constexpr PointNumbers<Patch> numbers{};
  static constexpr int pairs = PointNumbers<Patch>::count;
  static constexpr auto& roots = numbers.roots;
  static constexpr auto& powers = numbers.powers;
  static constexpr auto& polynomial = numbers.polynomial;
  static constexpr auto& without = numbers.without;
  static constexpr auto& scales = numbers.scales;
  static constexpr float scale_of_zero = numbers.scale_of_zero;
};

}  // namespace latentflow::nn::winograd

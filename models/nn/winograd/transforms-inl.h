// transforms-inl.h: the transforms of F(m x m, r x r) on vectors of channels, for patches of m + r - 1 pixels a side.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H
#undef LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H
#else
#define LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H
#endif

#include <hwy/highway.h>

#include "points.h"
#include "tiles.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Vectors of at most `Block` channels, so that a vector never reaches into the next block.
template <int Block>
using Channels = hn::CappedTag<float, Block>;

/// Each transform maps a column of vectors x(i) to y(i) and is applied down the columns, then along the rows. The
/// points are 0, pairs +-root and infinity, in this order; rows of a pair share an even and an odd half.

/// value + factor * x, factor known to the compiler.
template <class D, class V>
HWY_INLINE V add_scaled(D d, V value, float factor, V x) {
  return factor == 1 ? hn::Add(value, x) : hn::MulAdd(hn::Set(d, factor), x, value);
}

/// B^T: input pixels to points; row p holds the coefficients of M(x)/(x - p), M the product of all (x - point).
template <int Patch>
struct InputTransform {
  static constexpr int from = Patch, to = Patch;

  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D d, const Read& x, const Write& y) {
    using P = Points<Patch>;
    constexpr int pairs = P::pairs;
    hn::Vec<D> pixels[Patch];
#pragma GCC unroll 8
    for (int i = 0; i < Patch; ++i) pixels[i] = x(i);
    y(0, every_second<pairs>(d, P::polynomial, pixels, 0));
#pragma GCC unroll 3
    for (int k = 0; k < pairs; ++k) {
      const auto even = every_second<pairs - 1>(d, P::without[k], pixels, 2);
      const auto odd = every_second<pairs - 1>(d, P::without[k], pixels, 1);
      const float root = P::roots[k];
      y(1 + 2 * k, add_scaled(d, even, root, odd));
      y(2 + 2 * k, add_scaled(d, even, -root, odd));
    }
    y(Patch - 1, every_second<pairs>(d, P::polynomial, pixels, 1));
  }

 private:
  /// The value at the pixels first, first + 2, ... of a polynomial in x^2 of this degree whose leading coefficient
  /// is 1.
  template <int Degree, class D>
  static HWY_INLINE hn::Vec<D> every_second(D d, const float* coefficients, const hn::Vec<D>* pixels, int first) {
    hn::Vec<D> value = pixels[first + 2 * Degree];
#pragma GCC unroll 3
    for (int i = Degree - 1; i >= 0; --i) value = add_scaled(d, value, coefficients[i], pixels[first + 2 * i]);
    return value;
  }
};

/// A^T: points to `Outputs` pixels; row i holds p^i, infinity only the last.
template <int Outputs, int Patch>
struct OutputTransform {
  static constexpr int from = Patch, to = Outputs;

  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D d, const Read& x, const Write& y) {
    using P = Points<Patch>;
    hn::Vec<D> even[P::pairs], odd[P::pairs];
#pragma GCC unroll 3
    for (int k = 0; k < P::pairs; ++k) {
      const auto plus = x(1 + 2 * k), minus = x(2 + 2 * k);
      even[k] = hn::Add(plus, minus);
      odd[k] = hn::Sub(plus, minus);
    }
#pragma GCC unroll 6
    for (int i = 0; i < Outputs; ++i) {
      const auto* half = i % 2 == 0 ? even : odd;
      auto value = i == 0             ? hn::Add(x(0), half[0])
                   : i == Outputs - 1 ? add_scaled(d, x(Patch - 1), P::powers[0][i], half[0])
                                      : hn::Mul(hn::Set(d, P::powers[0][i]), half[0]);
#pragma GCC unroll 2
      for (int k = 1; k < P::pairs; ++k) value = add_scaled(d, value, P::powers[k][i], half[k]);
      y(i, value);
    }
  }
};

/// G: `Inputs` filter taps to points; row p holds p^i / N_p, N_p the product of the distances to the other points.
template <int Inputs, int Patch>
struct FilterTransform {
  static constexpr int from = Inputs, to = Patch;

  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D d, const Read& x, const Write& y) {
    using P = Points<Patch>;
    hn::Vec<D> taps[Inputs];
#pragma GCC unroll 4
    for (int i = 0; i < Inputs; ++i) taps[i] = x(i);
    y(0, P::scale_of_zero == 1 ? taps[0] : hn::Mul(hn::Set(d, P::scale_of_zero), taps[0]));
#pragma GCC unroll 3
    for (int k = 0; k < P::pairs; ++k) {
      const float scale = P::scales[k];
      auto even = hn::Mul(hn::Set(d, scale), taps[0]), odd = hn::Mul(hn::Set(d, scale * P::powers[k][1]), taps[1]);
#pragma GCC unroll 2
      for (int i = 2; i < Inputs; ++i) {
        auto& half = i % 2 == 0 ? even : odd;
        half = add_scaled(d, half, scale * P::powers[k][i], taps[i]);
      }
      y(1 + 2 * k, hn::Add(even, odd));
      y(2 + 2 * k, hn::Sub(even, odd));
    }
    y(Patch - 1, taps[Inputs - 1]);
  }
};

/// Both directions: read(row, column) gives the picture, write(row, column, vector) takes the result.
template <class Transform, class D, class Read, class Write>
HWY_INLINE void transform(D d, const Read& read, const Write& write) {
  HWY_ALIGN hn::TFromD<D> half[Transform::to * Transform::from * hn::MaxLanes(d)];
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (int column = 0; column < Transform::from; ++column)
    Transform::apply(
        d, [&](int row) HWY_ATTR { return read(row, column); },
        [&](int row, auto value) HWY_ATTR { hn::Store(value, d, half + (row * Transform::from + column) * lanes); });
  for (int row = 0; row < Transform::to; ++row)
    Transform::apply(
        d, [&](int column) HWY_ATTR { return hn::Load(d, half + (row * Transform::from + column) * lanes); },
        [&](int column, auto value) HWY_ATTR { write(row, column, value); });
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#endif

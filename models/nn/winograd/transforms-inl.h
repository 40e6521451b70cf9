// transforms-inl.h: the four transforms of F(4x4,3x3) and F(3x3,4x4) on vectors of channels.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H
#undef LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H
#else
#define LATENTFLOW_WINOGRAD_TRANSFORMS_INL_H
#endif

#include <hwy/highway.h>

#include "tiles.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Vectors of at most `Block` channels, so that a vector never reaches into the next block.
template <int Block>
using Channels = hn::CappedTag<float, Block>;

constexpr float root_half = 0.70710678118654752440f, root_two = 1.41421356237309504880f;

/// Each transform maps a column of vectors x(i) to y(i) and is applied down the columns, then along the rows. With the
/// points 0, +-a, +-b, infinity, a^2 = 1/2, b^2 = 2, rows of a pair +-p share an even and an odd half.

/// B^T: six input pixels to the six points; row p holds the coefficients of M(x)/(x - p), M = x (x^2 - a^2) (x^2 -
/// b^2).
struct InputTransform {
  static constexpr int from = 6, to = 6;
  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D d, const Read& x, const Write& y) {
    const auto x0 = x(0), x1 = x(1), x2 = x(2), x3 = x(3), x4 = x(4), x5 = x(5);
    const auto two = hn::Set(d, 2.0f), half = hn::Set(d, 0.5f), middle = hn::Set(d, 2.5f);
    const auto even_a = hn::NegMulAdd(two, x2, x4), odd_a = hn::NegMulAdd(two, x1, x3);
    const auto even_b = hn::NegMulAdd(half, x2, x4), odd_b = hn::NegMulAdd(half, x1, x3);
    const auto a = hn::Set(d, root_half), b = hn::Set(d, root_two);
    y(0, hn::NegMulAdd(middle, x2, hn::Add(x0, x4)));
    y(1, hn::MulAdd(a, odd_a, even_a));
    y(2, hn::NegMulAdd(a, odd_a, even_a));
    y(3, hn::MulAdd(b, odd_b, even_b));
    y(4, hn::NegMulAdd(b, odd_b, even_b));
    y(5, hn::NegMulAdd(middle, x3, hn::Add(x1, x5)));
  }
};

/// A^T: six points to `Outputs` pixels; row i holds p^i, infinity only the last.
template <int Outputs>
struct OutputTransform {
  static constexpr int from = 6, to = Outputs;
  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D d, const Read& x, const Write& y) {
    const auto x1 = x(1), x2 = x(2), x3 = x(3), x4 = x(4);
    const auto even_a = hn::Add(x1, x2), odd_a = hn::Sub(x1, x2);
    const auto even_b = hn::Add(x3, x4), odd_b = hn::Sub(x3, x4);
    y(0, hn::Add(x(0), hn::Add(even_a, even_b)));
    y(1, hn::MulAdd(hn::Set(d, root_half), odd_a, hn::Mul(hn::Set(d, root_two), odd_b)));
    const auto second = hn::MulAdd(hn::Set(d, 0.5f), even_a, hn::Mul(hn::Set(d, 2.0f), even_b));
    if constexpr (Outputs == 3) {
      y(2, hn::Add(second, x(5)));
    } else {
      y(2, second);
      y(3, hn::MulAdd(hn::Set(d, 0.5f * root_half), odd_a, hn::MulAdd(hn::Set(d, 2.0f * root_two), odd_b, x(5))));
    }
  }
};

/// G: `Inputs` filter taps to the six points; row p holds p^i / N_p, N_p the product of the distances to the others.
template <int Inputs>
struct FilterTransform {
  static constexpr int from = Inputs, to = 6;
  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D d, const Read& x, const Write& y) {
    const auto x0 = x(0), x1 = x(1), x2 = x(2);
    auto odd_a = x1, odd_b = x1;  // odd powers by p: x1 + p^2 x3
    if constexpr (Inputs == 4) {
      odd_a = hn::MulAdd(hn::Set(d, 0.5f), x(3), x1);
      odd_b = hn::MulAdd(hn::Set(d, 2.0f), x(3), x1);
    }
    constexpr float scale_a = -2.0f / 3.0f, scale_b = 1.0f / 6.0f;
    const auto even_a = hn::Mul(hn::Set(d, scale_a), hn::MulAdd(hn::Set(d, 0.5f), x2, x0));
    const auto even_b = hn::Mul(hn::Set(d, scale_b), hn::MulAdd(hn::Set(d, 2.0f), x2, x0));
    const auto a = hn::Set(d, scale_a * root_half), b = hn::Set(d, scale_b * root_two);
    y(0, x0);
    y(1, hn::MulAdd(a, odd_a, even_a));
    y(2, hn::NegMulAdd(a, odd_a, even_a));
    y(3, hn::MulAdd(b, odd_b, even_b));
    y(4, hn::NegMulAdd(b, odd_b, even_b));
    y(5, x(Inputs - 1));
  }
};

/// Both directions: read(row, column) gives the picture, write(row, column, vector) takes the result.
template <class Transform, class D, class Read, class Write>
HWY_INLINE void transform(D d, const Read& read, const Write& write) {
  HWY_ALIGN float half[Transform::to * Transform::from * hn::MaxLanes(d)];
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

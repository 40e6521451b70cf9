// integer_transforms-inl.h: the transforms of F(4x4, 3x3) at 0, +-1, +-2 and infinity on vectors of integers.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_INTEGER_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_INTEGER_TRANSFORMS_INL_H
#undef LATENTFLOW_WINOGRAD_INTEGER_TRANSFORMS_INL_H
#else
#define LATENTFLOW_WINOGRAD_INTEGER_TRANSFORMS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// B^T, of 16-bit numbers: in both directions at most 100 times the largest pixel comes out, 25,500 for differences of
/// bytes, and nothing in between is larger.
struct IntegerInput {
  static constexpr int from = 6, to = 6;

  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D, const Read& x, const Write& y) {
    const auto x0 = x(0), x1 = x(1), x2 = x(2), x3 = x(3), x4 = x(4), x5 = x(5);
    const auto even = hn::Sub(x4, x2), odd = hn::Sub(x3, x1);
    y(0, hn::Add(even, hn::ShiftLeft<2>(hn::Sub(x0, x2))));
    const auto even_of_1 = hn::Sub(x4, hn::ShiftLeft<2>(x2)), odd_of_1 = hn::Sub(x3, hn::ShiftLeft<2>(x1));
    y(1, hn::Add(even_of_1, odd_of_1));
    y(2, hn::Sub(even_of_1, odd_of_1));
    const auto twice_odd = hn::Add(odd, odd);
    y(3, hn::Add(even, twice_odd));
    y(4, hn::Sub(even, twice_odd));
    y(5, hn::Sub(hn::Sub(x5, x3), hn::ShiftLeft<2>(odd)));
  }
};

/// A^T of what filters without their fractions leave: row i gives pixel i times IntegerOutput::multiples[i].
struct IntegerOutput {
  static constexpr int from = 6, to = 4;
  static constexpr std::uint32_t multiples[to] = {24, 12, 6, 6};

  template <class D, class Read, class Write>
  static HWY_INLINE void apply(D, const Read& x, const Write& y) {
    const auto x1 = x(1), x2 = x(2), x3 = x(3), x4 = x(4);
    const auto even_of_1 = hn::Add(x1, x2), odd_of_1 = hn::Sub(x1, x2);
    const auto even_of_2 = hn::Add(x3, x4), odd_of_2 = hn::Sub(x3, x4);
    y(0, hn::Add(six_times(x(0)), hn::Sub(even_of_2, hn::ShiftLeft<2>(even_of_1))));
    y(1, hn::Sub(odd_of_2, hn::Add(odd_of_1, odd_of_1)));
    y(2, hn::Sub(even_of_2, even_of_1));
    y(3, hn::Add(six_times(x(5)), hn::Sub(hn::Add(odd_of_2, odd_of_2), odd_of_1)));
  }

 private:
  template <class V>
  static HWY_INLINE V six_times(V x) {
    return hn::Add(hn::ShiftLeft<2>(x), hn::Add(x, x));
  }
};

/// G times 24 / {6, -4, -4, 1, 1, 24}: whole numbers, at most 49 times the largest tap in both directions.
inline void integer_filter(const std::int8_t* taps, std::int16_t* points) {
  const auto apply = [](int x0, int x1, int x2, int* y) {
    y[0] = x0;
    y[1] = x0 + x1 + x2, y[2] = x0 - x1 + x2;
    y[3] = x0 + 2 * x1 + 4 * x2, y[4] = x0 - 2 * x1 + 4 * x2;
    y[5] = x2;
  };
  int half[3][6], whole[6];
  for (int row = 0; row < 3; ++row) apply(taps[row * 3], taps[row * 3 + 1], taps[row * 3 + 2], half[row]);
  for (int column = 0; column < 6; ++column) {
    apply(half[0][column], half[1][column], half[2][column], whole);
    for (int row = 0; row < 6; ++row) points[row * 6 + column] = static_cast<std::int16_t>(whole[row]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#endif

// multiply-inl.h: the small matrix products at each point, with all sums in registers.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_MULTIPLY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_MULTIPLY_INL_H
#undef LATENTFLOW_WINOGRAD_MULTIPLY_INL_H
#else
#define LATENTFLOW_WINOGRAD_MULTIPLY_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Rows by two vectors of sums: 12 of AVX2's 16 registers, 24 of AVX-512's 32; the rest hold factors.
#if HWY_TARGET <= HWY_AVX3
constexpr int most_rows = 12;
#else
constexpr int most_rows = 6;
#endif

/// c[row][column] (+)= sum over steps of a(row, step) b[step][column]. The left factor lies as [row][step] or,
/// transposed, as [step][row]. An element is a number, or what `Arithmetic` takes for one step.
template <class T>
struct Product {
  const T* a;
  std::int64_t a_stride;
  const T* b;
  std::int64_t b_stride;
  std::int64_t steps;
  T* c;
  std::int64_t c_stride;
};

/// Tag of the elements, and what a step does to a sum.
template <class D>
struct Floats {
  D d;
  using Vector = hn::Vec<D>;
  HWY_INLINE Vector add_product(Vector value, Vector factor, Vector sum) const {
    return hn::MulAdd(value, factor, sum);
  }
};

template <int Rows, int Vectors, bool Transposed, bool Accumulate, class Arithmetic, class T>
HWY_INLINE void multiply_rows(const Arithmetic& arithmetic, const Product<T>& product) {
  using Vector = typename Arithmetic::Vector;
  const auto d = arithmetic.d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  Vector sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v)
      sums[row][v] = Accumulate ? hn::LoadU(d, product.c + row * product.c_stride + v * lanes) : hn::Zero(d);
  const T* a = product.a;
  const T* b = product.b;
  for (std::int64_t step = 0; step < product.steps; ++step) {
    Vector factors[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) factors[v] = hn::LoadU(d, b + v * lanes);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
      const auto value = hn::Set(d, Transposed ? a[row] : a[row * product.a_stride]);
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) sums[row][v] = arithmetic.add_product(value, factors[v], sums[row][v]);
    }
    a += Transposed ? product.a_stride : 1;
    b += product.b_stride;
  }
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) hn::StoreU(sums[row][v], d, product.c + row * product.c_stride + v * lanes);
}

/// The last rows, an even number of them below most_rows.
template <int Rows, int Vectors, bool Transposed, bool Accumulate, class Arithmetic, class T>
HWY_INLINE void multiply_rest(const Arithmetic& arithmetic, const Product<T>& product, std::int64_t rows) {
  if constexpr (Rows > 0) {
    if (rows == Rows) return multiply_rows<Rows, Vectors, Transposed, Accumulate>(arithmetic, product);
    multiply_rest<Rows - 2, Vectors, Transposed, Accumulate>(arithmetic, product, rows);
  }
}

/// `rows`: any even number.
template <int Vectors, bool Transposed, bool Accumulate, class Arithmetic, class T>
HWY_INLINE void multiply(const Arithmetic& arithmetic, Product<T> product, std::int64_t rows) {
  for (; rows >= most_rows; rows -= most_rows) {
    multiply_rows<most_rows, Vectors, Transposed, Accumulate>(arithmetic, product);
    product.a += most_rows * (Transposed ? 1 : product.a_stride);
    product.c += most_rows * product.c_stride;
  }
  multiply_rest<most_rows - 2, Vectors, Transposed, Accumulate>(arithmetic, product, rows);
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#endif

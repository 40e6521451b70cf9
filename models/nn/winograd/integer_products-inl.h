// integer_products-inl.h: sums of products of pairs of 16-bit numbers for multiply-inl.h.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_INTEGER_PRODUCTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_INTEGER_PRODUCTS_INL_H
#undef LATENTFLOW_WINOGRAD_INTEGER_PRODUCTS_INL_H
#else
#define LATENTFLOW_WINOGRAD_INTEGER_PRODUCTS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Vectors of 32-bit sums, in blocks of at most 16 channels.
using Sums = hn::CappedTag<std::int32_t, 16>;

/// An element holds two 16-bit numbers; a step adds both products to a 32-bit sum, modulo 2^32.
struct Pairs {
  Sums d;
  using Vector = hn::Vec<Sums>;
  HWY_INLINE Vector add_product(Vector value, Vector factor, Vector sum) const {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
    const hn::Repartition<std::int16_t, Sums> d16;
    Vector none = hn::Zero(d);
    return hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, value), hn::BitCast(d16, factor), sum, none);
#else
    // Elsewhere Highway may add other products up than those of neighbours.
    const auto low = [](Vector pair) HWY_ATTR { return hn::ShiftRight<16>(hn::ShiftLeft<16>(pair)); };
    const auto high = hn::Mul(hn::ShiftRight<16>(value), hn::ShiftRight<16>(factor));
    return hn::Add(hn::Add(sum, high), hn::Mul(low(value), low(factor)));
#endif
  }
};

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
/// The same in one instruction, for processors with VNNI. Assembly, because Highway 1.0 has no set of instructions that
/// includes it, and functions that are compiled for less may not use its intrinsic.
struct PairsByVnni {
  Sums d;
  using Vector = hn::Vec<Sums>;
  HWY_INLINE Vector add_product(Vector value, Vector factor, Vector sum) const {
    asm("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(value.raw), "v"(factor.raw));
    return sum;
  }
};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#endif

// patch_distance.cpp: see patch_distance.h.
#include "nn/highway/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inpaint/patch_distance.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cstddef>

#include "nn/highway/dispatch.h"
#include "patch_distance.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::inpaint {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr float gaussian[patch_reach + 1] = {0.20075f, 0.18187f, 0.13523f, 0.08253f};

static_assert(hn::MaxLanes(hn::ScalableTag<float>()) <= vector_slack);

/// The Gaussian over numbers `stride` apart, of which `from` is the first.
template <class D>
HWY_INLINE hn::Vec<D> smooth(D d, const float* from, std::ptrdiff_t stride) {
  const float* middle = from + patch_reach * stride;
  auto sum = hn::Mul(hn::Set(d, gaussian[0]), hn::LoadU(d, middle));
  for (int k = 1; k <= patch_reach; ++k)
    sum = hn::MulAdd(hn::Set(d, gaussian[k]),
                     hn::Add(hn::LoadU(d, middle - k * stride), hn::LoadU(d, middle + k * stride)), sum);
  return sum;
}

void along(const ComparedRow& row, int width, float* buffer, float* differences, float* trusts) {
  const hn::ScalableTag<float> d;
  const int lanes = static_cast<int>(hn::Lanes(d)), columns = width + 2 * patch_reach;
  float *const weighted = buffer, *const trust_in_both = buffer + columns + vector_slack;
  for (int x = 0; x < columns; x += lanes) {
    auto sum = hn::Zero(d);
    for (const float* plane : row.planes) {
      if (plane == nullptr) break;
      const auto difference = hn::Sub(hn::LoadU(d, plane + x), hn::LoadU(d, plane + x + row.step));
      sum = hn::MulAdd(difference, difference, sum);
    }
    const auto trust = hn::Mul(hn::LoadU(d, row.trust + x), hn::LoadU(d, row.trust + x + row.step));
    hn::StoreU(trust, d, trust_in_both + x);
    hn::StoreU(hn::Mul(sum, trust), d, weighted + x);
  }
  for (int x = 0; x < width; x += lanes) {
    hn::StoreU(smooth(d, weighted + x, 1), d, differences + x);
    hn::StoreU(smooth(d, trust_in_both + x, 1), d, trusts + x);
  }
}

void down(const float* differences, const float* trusts, std::ptrdiff_t stride, int width, float scale,
          float* distances) {
  const hn::ScalableTag<float> d;
  for (int x = 0; x < width; x += static_cast<int>(hn::Lanes(d)))
    hn::StoreU(hn::Div(hn::Mul(hn::Set(d, scale), smooth(d, differences + x, stride)), smooth(d, trusts + x, stride)),
               d, distances + x);
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::inpaint
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latentflow::inpaint {

HWY_EXPORT(along);
HWY_EXPORT(down);

void compare_along(const ComparedRow& row, int width, float* buffer, float* differences, float* trusts) {
  LATENTFLOW_DISPATCH(along)(row, width, buffer, differences, trusts);
}

void compare_down(const float* differences, const float* trusts, std::ptrdiff_t stride, int width, float scale,
                  float* distances) {
  LATENTFLOW_DISPATCH(down)(differences, trusts, stride, width, scale, distances);
}

}  // namespace latentflow::inpaint
#endif

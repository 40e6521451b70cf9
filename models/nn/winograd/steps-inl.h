// steps-inl.h: what happens to a vector of results before it is stored.
// Included once per instruction set (Highway's convention), hence the guard that toggles.

#if defined(LATENTFLOW_WINOGRAD_STEPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LATENTFLOW_WINOGRAD_STEPS_INL_H
#undef LATENTFLOW_WINOGRAD_STEPS_INL_H
#else
#define LATENTFLOW_WINOGRAD_STEPS_INL_H
#endif

#include <hwy/highway.h>

#include <span>
#include <type_traits>

#include "winograd.h"

HWY_BEFORE_NAMESPACE();
namespace latentflow::nn::winograd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V>
HWY_INLINE V finish(D d, V value, std::span<const Step> steps, const float* before) {
  for (const Step& step : steps) switch (step.kind) {
      case Step::Kind::sum: value = hn::Add(value, hn::LoadU(d, before)); break;
      case Step::Kind::leaky_relu: {
        const auto zero = hn::Zero(d);
        value = hn::MulAdd(hn::Set(d, step.low), hn::Min(value, zero), hn::Max(value, zero));
        break;
      }
      case Step::Kind::clip: value = hn::Min(hn::Max(value, hn::Set(d, step.low)), hn::Set(d, step.high)); break;
    }
  return value;
}

/// Whole tiles that are only rectified, or not even that, need no decisions per pixel.
enum class Ending { nothing, rectify, any };

inline Ending ending_of(std::span<const Step> steps) {
  if (steps.empty()) return Ending::nothing;
  const bool rectifies = steps.size() == 1 && steps[0].kind == Step::Kind::leaky_relu && steps[0].low == 0;
  return rectifies ? Ending::rectify : Ending::any;
}

/// Calls `function` with the ending as a type.
template <class Function>
void with_ending(Ending ending, const Function& function) {
  switch (ending) {
    case Ending::nothing: return function(std::integral_constant<Ending, Ending::nothing>());
    case Ending::rectify: return function(std::integral_constant<Ending, Ending::rectify>());
    case Ending::any: return function(std::integral_constant<Ending, Ending::any>());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace latentflow::nn::winograd
HWY_AFTER_NAMESPACE();

#endif

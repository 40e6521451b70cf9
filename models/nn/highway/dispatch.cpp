// dispatch.cpp: see dispatch.h and instruction_set.h.
#include "dispatch.h"

#include <cstdint>

#include "instruction_set.h"
#include "nn/onednn.h"

namespace latentflow::nn {
namespace {

/// Those of Highway's targets that a limit of oneDNN lets run.
std::int64_t targets_within([[maybe_unused]] dnnl::cpu_isa limit) {
#if HWY_ARCH_X86
  // Highway's better targets have the lower bits.
  constexpr std::int64_t better_than_avx2 = HWY_AVX2 - 1;
  if (!onednn::includes(limit, dnnl::cpu_isa::avx2)) return ~(better_than_avx2 | HWY_AVX2);
  if (!onednn::includes(limit, dnnl::cpu_isa::avx512_core)) return ~better_than_avx2;
#endif
  return -1;
}

/// Of the processor's targets, those that may run.
std::int64_t allowed_targets() { return hwy::SupportedTargets() & targets_within(dnnl::get_effective_cpu_isa()); }

struct Choice {
  Choice() { target.Update(allowed_targets()); }
  hwy::ChosenTarget target;
};

}  // namespace

const hwy::ChosenTarget& chosen_target() {
  static const Choice choice;
  return choice.target;
}

std::string instruction_set() {
  const std::int64_t usable = allowed_targets() & HWY_TARGETS;
  return hwy::TargetName(usable == 0 ? HWY_STATIC_TARGET : usable & -usable);
}

}  // namespace latentflow::nn

// dispatch.h: which of the compiled instruction sets kernels in vectors run with.
#pragma once

#include "targets.h"

#include <hwy/highway.h>

namespace latentflow::nn {

/// The best target that the processor has and ONEDNN_MAX_CPU_ISA allows: at most AVX2 below AVX-512, and none of it
/// below AVX2. Highway's own choice belongs to the process, in which others may use it, too, so it is left alone.
const hwy::ChosenTarget& chosen_target();

}  // namespace latentflow::nn

/// HWY_DYNAMIC_DISPATCH with that choice.
#if HWY_IDE || ((HWY_TARGETS & (HWY_TARGETS - 1)) == 0)
#define LATENTFLOW_DISPATCH(function) HWY_STATIC_DISPATCH(function)
#else
#define LATENTFLOW_DISPATCH(function) (*(HWY_DISPATCH_TABLE(function)[latentflow::nn::chosen_target().GetIndex()]))
#endif

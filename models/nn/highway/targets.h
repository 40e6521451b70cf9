// targets.h: instruction sets that kernels in vectors are compiled for; include before anything of Highway.
#pragma once

// x86 below AVX2 gains nothing over oneDNN's direct convolutions, which are most of the work there; AVX3_DL adds nothing
// that is used here, and vectors without a fixed size cannot stand in arrays.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

// loops.h: the flat loops between convolutions, compiled for each instruction set the processor may have.
#pragma once

#include <cstdint>

// Sanitizers' runtimes are not ready when the loader picks a clone, so they get the portable code only.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define LATENTFLOW_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LATENTFLOW_CLONES
#endif

namespace latentflow::nn::loops {

/// y = a + sign b
void sum(const float* a, const float* b, float sign, float* y, std::int64_t count);
/// y += sign a
void accumulate(const float* a, float sign, float* y, std::int64_t count);
/// y = factor a
void scaled_copy(const float* a, float factor, float* y, std::int64_t count);
/// y = a b, or y += a b
void product(const float* a, const float* b, float* y, std::int64_t count, bool add);
/// gradient = 0 where the rectified output is 0
void rectify_gradient(const float* output, float* gradient, std::int64_t count);

}  // namespace latentflow::nn::loops

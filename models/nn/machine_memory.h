// machine_memory.h: how much memory there is, to be looked at before it is taken: the kernel would rather end the
// process than refuse it.
#pragma once

namespace latentflow::nn {

inline constexpr double gibibyte = 1 << 30;

/// Bytes that the machine, or the control group that the process may be in, has.
double machine_bytes();

}  // namespace latentflow::nn

// instruction_set.h: the name of what kernels in vectors run with, for who does not compile with Highway.
#pragma once

#include <string>

namespace latentflow::nn {

/// Highway's name of the instruction set, such as "AVX2": the best one that the processor has and ONEDNN_MAX_CPU_ISA
/// allows.
std::string instruction_set();

}  // namespace latentflow::nn

// precision_parameter.h: the parameter `precision` of every stage that runs a network.
#pragma once

#include <string>

#include "latentflow/plugin.h"

namespace latentflow::stages {

template <class Stage>
void describe_precision(Describe<Stage>& d, std::string Stage::Params::*precision) {
  d.field(precision, "precision",
          "how the network computes: int8 as a quantized file says, f32 without rounding, auto the faster of the two "
          "per layer (f32 where the file is not quantized), bf16 half the memory of convolutions, and faster dense "
          "layers where the processor has instructions for it; with AVX-512 only")
      .choices({"auto", "f32", "bf16", "int8"});
}

}  // namespace latentflow::stages

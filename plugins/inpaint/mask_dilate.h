// mask_dilate.h: the node mask_dilate: holes that reach further.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::inpaint {

struct MaskDilate {
  struct Params {
    double radius = 3;
  };
  static constexpr Port inputs[] = {{"mask", "black and white"}};
  static constexpr Port outputs[] = {{"mask", "one channel, 8 bit, of the same size"}};
  static void describe(Describe<MaskDilate>& d);

  explicit MaskDilate(const Params& p) : params(p) {}
  Result<Image> process(const Image& mask, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::inpaint

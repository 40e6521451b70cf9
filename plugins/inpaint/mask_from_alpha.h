// mask_from_alpha.h: the node mask_from_alpha: what is transparent is missing.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::inpaint {

struct MaskFromAlpha {
  struct Params {
    double threshold = 128;
  };
  static constexpr Port inputs[] = {{"image", "a picture with transparency"}};
  static constexpr Port outputs[] = {
      {"mask", "one channel, 8 bit, of the picture's size: 255 where it is transparent"}};
  static void describe(Describe<MaskFromAlpha>& d);

  explicit MaskFromAlpha(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::inpaint

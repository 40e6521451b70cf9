// mask_from_color.h: the node mask_from_color: what has a certain colour is missing.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::inpaint {

struct MaskFromColor {
  struct Params {
    std::vector<double> color{255, 0, 255};
    double tolerance = 0;
  };
  static constexpr Port inputs[] = {{"image", "a picture; alpha is ignored"}};
  static constexpr Port outputs[] = {
      {"mask", "one channel, 8 bit, of the picture's size: 255 where it has the colour"}};
  static void describe(Describe<MaskFromColor>& d);

  explicit MaskFromColor(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::inpaint

// make_mask.h: the node make_mask: seeded holes of many kinds, for demonstrations and for measuring inpainting.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::inpaint {

struct MakeMask {
  struct Params {
    std::string kind = "thin";
    NumberRange share = 0.5;
    NumberRange side = 0.25;
    bool centred = false;
    std::int64_t seed = 1;
  };
  static constexpr Port inputs[] = {{"image", "a picture; only its size counts"}};
  static constexpr Port outputs[] = {
      {"mask", "one channel, 8 bit, of the picture's size: 255 where pixels are missing"}};
  static void describe(Describe<MakeMask>& d);

  explicit MakeMask(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::inpaint

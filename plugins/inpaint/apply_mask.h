// apply_mask.h: the node apply_mask: pictures with the holes of a mask in them.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::inpaint {

struct ApplyMask {
  struct Params {
    std::vector<double> color{0, 0, 0};
    std::string fit = "exact";
  };
  static constexpr Port inputs[] = {
      {"image", "grey or colour picture of any depth; alpha passes through unchanged"},
      {"mask", "white where pixels are missing, black where they are known; same size, or one pixel for all"}};
  static constexpr Port outputs[] = {{"damaged", "same size, depth and channels; known pixels keep their bits"}};
  static void describe(Describe<ApplyMask>& d);

  explicit ApplyMask(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, const Image& mask, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::inpaint

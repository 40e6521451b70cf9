// denoise_nlm.h: the node denoise_nlm: OpenCV's non-local means, the baseline that networks are measured against.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::image {

/// Buades, Coll, Morel: A non-local algorithm for image denoising, CVPR 2005.
struct DenoiseNlm {
  struct Params {
    double h = 10;
    double h_color = -1;
    int template_window = 7;
    int search_window = 21;
  };
  static constexpr Port inputs[] = {{"image", "any picture; rounded to 8 bit, alpha passes through"}};
  static constexpr Port outputs[] = {{"clean", "8 bit"}};
  static void describe(Describe<DenoiseNlm>& d);

  explicit DenoiseNlm(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::image

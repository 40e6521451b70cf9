// add_noise.h: the node add_noise: seeded Gaussian noise, for demonstrations and for measuring denoisers.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::image {

struct AddNoise {
  struct Params {
    NumberRange sigma = 25;
    std::int64_t seed = 1;
    bool keep_float = false;
  };
  static constexpr Port inputs[] = {{"image", "any picture; alpha passes through unchanged"}};
  static constexpr Port outputs[] = {{"noisy", "same size and depth, or float where keep_float asks for it"}};
  static void describe(Describe<AddNoise>& d);

  explicit AddNoise(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;
};

}  // namespace latentflow::image

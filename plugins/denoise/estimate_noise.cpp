// estimate_noise.cpp: see estimate_noise.h.
#include "estimate_noise.h"

#include <fmt/format.h>

#include <cmath>

#include "latentflow/finite.h"
#include "noise_estimate.h"

namespace latentflow::denoise {

void EstimateNoise::describe(Describe<EstimateNoise>& d) {
  d.name("estimate_noise", "estimates the noise level of every picture, as denoise does with sigma: auto");
  d.field(&Params::truth, "truth", "the true level, to measure the estimator against; -1 for not known")
      .range(-1, 255)
      .unit("grey levels of 0..255");
  d.example("{node: estimate_noise, image: photos}");
}

Result<Record> EstimateNoise::process(const Image& image, const Record* record, Context& ctx) const {
  if (Status possible = check_picture(image); !possible) return possible.error();
  if (Status finite = check_finite(image); !finite) return finite.error();
  Record row = record == nullptr ? Record() : *record;
  if (row.find("name") == nullptr) row.set("name", ctx.item().name);
  if (!can_estimate(image)) {
    // A level of 0 would be an estimate like others, in means too.
    ctx.warn(fmt::format("{}x{} pixels are too few to estimate a noise level from, so the row has none", image.width(),
                         image.height()));
    return row;
  }
  const double estimate = estimate_noise(image);
  row.set("estimate", estimate);
  if (params.truth >= 0) row.set("error", std::abs(estimate - params.truth));
  if (params.truth > 0) row.set("relative_error", std::abs(estimate - params.truth) / params.truth);
  return row;
}

Prediction EstimateNoise::predict(const Shapes& shapes) const {
  return {{Shape{Kind::record, {}, 1}}, estimate_bytes(shapes[0])};
}

}  // namespace latentflow::denoise

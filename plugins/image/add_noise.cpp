// add_noise.cpp: see add_noise.h.
#include "add_noise.h"

#include <opencv2/core.hpp>

#include "drawn_value.h"

namespace latentflow::image {

void AddNoise::describe(Describe<AddNoise>& d) {
  d.name("add_noise", "adds Gaussian noise that depends only on the seed and the item number");
  d.field(&Params::sigma, "sigma",
          "standard deviation; [lowest, highest] draws one for every item, which item_facts knows as noise_added")
      .range(0, 255)
      .unit("grey levels of 0..255");
  d.field(&Params::seed, "seed", "same seed and item number give the same noise");
  d.field(&Params::keep_float, "keep_float", "float output, neither rounded nor clipped, as papers measure denoisers");
  d.example("{node: add_noise, image: photos, sigma: 25}");
}

Result<Image> AddNoise::process(const Image& image, Context& ctx) const {
  const cv::Mat& src = image.mat();
  const bool as_float = params.keep_float || src.depth() == CV_32F;
  const std::uint64_t item = ctx.item().number;
  const double sigma = drawn_value(params.sigma, Drawn::noise_level, params.seed, item);
  ctx.measure("noise_added", sigma);
  cv::RNG rng(data::item_key(params.seed, item));
  cv::Mat out(src.size(), as_float ? CV_MAKETYPE(CV_32F, src.channels()) : src.type());
  // Row by row, because noise and sum as whole floating-point pictures would take eight times the memory of bytes.
  const int colours = image.has_alpha() ? 3 : src.channels();
  cv::Mat noise(1, src.cols, CV_32FC(colours)), sum;
  for (int y = 0; y < src.rows; ++y) {
    if (y % 256 == 0 && ctx.cancelled()) return cancelled("adding noise was interrupted");
    rng.fill(noise, cv::RNG::NORMAL, 0.0, sigma / 255.0);
    src.row(y).convertTo(sum, CV_32F, 1.0 / image.white());
    float* target = sum.ptr<float>();
    const float* added = noise.ptr<float>();
    for (int x = 0; x < src.cols; ++x, target += src.channels(), added += colours)
      for (int c = 0; c < colours; ++c) target[c] += added[c];
    cv::Mat row = out.row(y);
    sum.convertTo(row, out.depth(), as_float ? 1.0 : image.white());
  }
  return Image(out);
}

Prediction AddNoise::predict(const Shapes& shapes) const {
  Shape out = shapes[0];
  if (params.keep_float) out.element_bytes = 4;
  return {{out}, 0};
}

}  // namespace latentflow::image

// mask_from_alpha.cpp: see mask_from_alpha.h.
#include "mask_from_alpha.h"

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include "mask_shape.h"

namespace latentflow::inpaint {

void MaskFromAlpha::describe(Describe<MaskFromAlpha>& d) {
  d.name(
      "mask_from_alpha",
      "makes a mask of the transparent pixels of pictures; inpaint leaves alpha as it is, so that what it fills shows "
      "only after convert with alpha: drop (graph inpaint_transparent)");
  d.field(&Params::threshold, "threshold", "pixels whose alpha is below are missing")
      .range(0, 255)
      .unit("grey levels of 0..255");
  d.example("{node: mask_from_alpha, image: photos}");
}

Result<Image> MaskFromAlpha::process(const Image& image, Context& ctx) const {
  if (!image.has_alpha()) return bad_input("needs a picture with transparency, got " + describe_picture(image));
  cv::Mat alpha;
  cv::extractChannel(image.mat(), alpha, 3);
  const cv::Mat mask = alpha < params.threshold / 255 * image.white();
  if (cv::countNonZero(mask) == 0)
    ctx.warn(fmt::format("nothing is missing: no pixel has alpha below {}", params.threshold));
  return Image(mask);
}

Prediction MaskFromAlpha::predict(const Shapes& shapes) const {
  const Shape mask = mask_shape(shapes[0]);
  return {{mask}, shapes[0].bytes() / 4};
}

}  // namespace latentflow::inpaint

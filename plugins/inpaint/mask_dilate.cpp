// mask_dilate.cpp: see mask_dilate.h.
#include "mask_dilate.h"

#include <opencv2/imgproc.hpp>

#include "holes/mask.h"
#include "mask_shape.h"

namespace latentflow::inpaint {

void MaskDilate::describe(Describe<MaskDilate>& d) {
  d.name("mask_dilate", "lets the holes of a mask grow by a margin, so that soft edges are inside, too");
  d.field(&Params::radius, "radius", "pixels at most so far from a hole become part of it")
      .range(0, 1000)
      .unit("pixels");
  d.example("{node: mask_dilate, mask: masks, radius: 2}");
}

Result<Image> MaskDilate::process(const Image& mask, Context&) const {
  Result<cv::Mat> checked = holes::to_mask(mask.mat(), {});
  if (!checked) return std::move(checked).error();
  const int missing = cv::countNonZero(*checked);
  // Without a hole there is no distance to one.
  if (missing == 0 || static_cast<std::size_t>(missing) == checked->total()) return Image(*checked);
  cv::Mat distance;
  cv::distanceTransform(cv::Mat(*checked == holes::known), distance, cv::DIST_L2, cv::DIST_MASK_PRECISE);
  return Image(cv::Mat(distance <= params.radius));
}

Prediction MaskDilate::predict(const Shapes& shapes) const {
  const Shape mask = mask_shape(shapes[0]);
  return {{mask}, 10 * mask.bytes()};  // distances in floats, and what computing them takes
}

}  // namespace latentflow::inpaint

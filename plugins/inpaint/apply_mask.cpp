// apply_mask.cpp: see apply_mask.h.
#include "apply_mask.h"

#include <fmt/format.h>

#include <opencv2/core.hpp>

#include "holes/mask.h"
#include "latentflow/finite.h"
#include "mask_shape.h"
#include "picture.h"

namespace latentflow::inpaint {

void ApplyMask::describe(Describe<ApplyMask>& d) {
  d.name(
      "apply_mask",
      "makes holes: what the mask says is missing gets one colour, as damage to train on or to look at (inpaint needs "
      "none, it does not look under its mask)");
  d.field(&Params::color, "color", "of the holes: red, green, blue; grey pictures take three equal ones")
      .range(0, 255)
      .unit("grey levels of 0..255");
  d.field(&Params::fit, "fit", "masks of another size than the picture: exact fails them, nearest scales them")
      .choices({"exact", "nearest"});
  d.rule("color has three numbers", [](const Params& p) { return p.color.size() == 3; });
  d.example("{node: apply_mask, image: photos, mask: masks, color: [255, 0, 255]}");
}

Result<Image> ApplyMask::process(const Image& image, const Image& mask, Context& ctx) const {
  if (Status fits = check_picture(image); !fits) return fits.error();
  const std::vector<double>& color = params.color;
  if (image.channels() == 1 && (color[0] != color[1] || color[0] != color[2]))
    return bad_input(fmt::format(
        "the picture is grey and the color [{}] is not; needs three equal numbers, or convert with color: color before",
        fmt::join(color, ", ")));
  const Result<cv::Mat> holes = holes::fit_mask(mask.mat(), image.mat().size(), params.fit == "nearest");
  if (!holes) return holes.error();
  const int missing = cv::countNonZero(*holes);
  ctx.measure("missing_pixels", missing);
  if (missing == 0) return image;
  cv::Mat damaged = image.mat().clone();
  damaged.setTo(color_on(image, color), *holes);
  if (image.has_alpha()) cv::mixChannels({image.mat()}, {damaged}, {3, 3});
  return Image(damaged);
}

Prediction ApplyMask::predict(const Shapes& shapes) const {
  // The mask, checked, and once more in the picture's size.
  return {{shapes[0]}, mask_shape(shapes[0]).bytes() + mask_shape(shapes[1]).bytes()};
}

}  // namespace latentflow::inpaint

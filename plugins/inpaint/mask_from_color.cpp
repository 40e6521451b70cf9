// mask_from_color.cpp: see mask_from_color.h.
#include "mask_from_color.h"

#include <fmt/format.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "holes/mask.h"
#include "latentflow/finite.h"
#include "mask_shape.h"
#include "picture.h"

namespace latentflow::inpaint {
namespace {

/// `key` as of color_on().
template <class Sample>
void mark(const cv::Mat& picture, const cv::Scalar& key, double tolerance, cv::Mat& mask) {
  const int channels = picture.channels();
  for (int y = 0; y < picture.rows; ++y) {
    const Sample* row = picture.ptr<Sample>(y);
    unsigned char* out = mask.ptr<unsigned char>(y);
    for (int x = 0; x < picture.cols; ++x, row += channels) {
      bool same = true;
      for (int c = 0; c < 3; ++c)
        same = same && std::abs(static_cast<double>(row[channels == 1 ? 0 : c]) - key[c]) <= tolerance;
      out[x] = same ? holes::hole : holes::known;
    }
  }
}

}  // namespace

void MaskFromColor::describe(Describe<MaskFromColor>& d) {
  d.name("mask_from_color",
         "makes a mask of the pixels that have a certain colour, as painted over or written on pictures");
  d.field(&Params::color, "color", "red, green, blue").range(0, 255).unit("grey levels of 0..255");
  d.field(&Params::tolerance, "tolerance", "how far each of the three may be off")
      .range(0, 255)
      .unit("grey levels of 0..255");
  d.rule("color has three numbers", [](const Params& p) { return p.color.size() == 3; });
  d.example("{node: mask_from_color, image: photos, color: [255, 0, 255], tolerance: 20}");
}

Result<Image> MaskFromColor::process(const Image& image, Context& ctx) const {
  const cv::Mat& picture = image.mat();
  if (Status fits = check_picture(image); !fits) return fits.error();
  const cv::Scalar key = color_on(image, params.color);
  // For floats: rounding is no difference.
  const double tolerance = params.tolerance * (image.white() / 255) + 1e-6 * image.white();
  cv::Mat mask(picture.size(), CV_8UC1);
  if (picture.depth() == CV_8U)
    mark<unsigned char>(picture, key, tolerance, mask);
  else if (picture.depth() == CV_16U)
    mark<unsigned short>(picture, key, tolerance, mask);
  else
    mark<float>(picture, key, tolerance, mask);
  if (cv::countNonZero(mask) == 0)
    ctx.warn(fmt::format("nothing is missing: no pixel has the color [{}] within a tolerance of {}",
                         fmt::join(params.color, ", "), params.tolerance));
  return Image(mask);
}

Prediction MaskFromColor::predict(const Shapes& shapes) const { return {{mask_shape(shapes[0])}, 0}; }

}  // namespace latentflow::inpaint

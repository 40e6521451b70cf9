// convert.cpp: see convert.h.
#include "convert.h"

#include <opencv2/imgproc.hpp>

#include "latentflow/finite.h"

namespace latentflow::image {

void Convert::describe(Describe<Convert>& d) {
  d.name("convert", "changes the depth and the colours of pictures; white stays white");
  d.field(&Params::depth, "depth", "8 and 16 bit round and clip; float has white at 1")
      .choices({"keep", "8", "16", "float"});
  d.field(&Params::color, "color", "gray weighs as BT.601 and has no alpha").choices({"keep", "gray", "color"});
  d.field(&Params::alpha, "alpha", "drop forgets the transparency").choices({"keep", "drop"});
  d.example("{node: convert, image: photos, color: gray, depth: float}");
}

int Convert::channels(int given) const {
  if (params.color == "gray") return 1;
  if (given == 4) return params.alpha == "drop" ? 3 : 4;
  return params.color == "color" ? 3 : given;
}

Result<Image> Convert::process(const Image& image, Context&) const {
  cv::Mat picture = image.mat();
  const int from = picture.channels(), to = channels(from);
  if (from != to) {
    const int code = to == 1     ? (from == 4 ? cv::COLOR_BGRA2GRAY : cv::COLOR_BGR2GRAY)
                     : from == 1 ? cv::COLOR_GRAY2BGR
                                 : cv::COLOR_BGRA2BGR;
    cv::Mat changed;
    cv::cvtColor(picture, changed, code);
    picture = changed;
  }
  const int depth = params.depth == "8"       ? CV_8U
                    : params.depth == "16"    ? CV_16U
                    : params.depth == "float" ? CV_32F
                                              : picture.depth();
  if (depth != picture.depth()) {
    if (Status finite = check_finite(image); !finite) return finite.error();
    const double white = depth == CV_8U ? 255.0 : depth == CV_16U ? 65535.0 : 1.0;
    cv::Mat changed;
    picture.convertTo(changed, depth, white / image.white());
    picture = changed;
  }
  return Image(picture);
}

Prediction Convert::predict(const Shapes& shapes) const {
  Shape out = shapes[0];
  if (params.depth != "keep") out.element_bytes = params.depth == "8" ? 1 : params.depth == "16" ? 2 : 4;
  if (!out.known()) return {{out}, 0};
  out.dims[2] = channels(static_cast<int>(out.dims[2]));
  Shape between = out;  // other channels, still the old depth
  between.element_bytes = shapes[0].element_bytes;
  return {{out}, out.dims[2] != shapes[0].dims[2] ? between.bytes() : 0};
}

}  // namespace latentflow::image

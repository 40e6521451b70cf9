// denoise_nlm.cpp: see denoise_nlm.h.
#include "denoise_nlm.h"

#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "latentflow/finite.h"

namespace latentflow::image {

void DenoiseNlm::describe(Describe<DenoiseNlm>& d) {
  d.name("denoise_nlm", "removes noise by non-local means (OpenCV), without a network");
  d.field(&Params::h, "h", "strength; near the noise's standard deviation").range(0, 255).unit("grey levels of 0..255");
  d.field(&Params::h_color, "h_color", "strength for the colour part of colour pictures; negative for the same as h")
      .range(-1, 255);
  d.field(&Params::template_window, "template_window", "side of the patches that are compared; odd")
      .range(1, 31)
      .unit("pixels");
  d.field(&Params::search_window, "search_window", "side of the area they are searched in; odd")
      .range(1, 101)
      .unit("pixels");
  d.rule("template_window and search_window are odd",
         [](const Params& p) { return p.template_window % 2 == 1 && p.search_window % 2 == 1; });
  d.example("{node: denoise_nlm, image: noisy, h: 20}");
}

Result<Image> DenoiseNlm::process(const Image& image, Context&) const {
  cv::Mat picture = image.mat(), alpha;
  if (picture.empty()) return bad_input("picture has no pixels");
  if (Status finite = check_finite(image); !finite) return finite.error();
  if (picture.depth() != CV_8U) {
    cv::Mat bytes;
    picture.convertTo(bytes, CV_8U, 255.0 / image.white());
    picture = bytes;
  }
  if (image.has_alpha()) {
    cv::extractChannel(picture, alpha, 3);
    cv::Mat opaque;
    cv::cvtColor(picture, opaque, cv::COLOR_BGRA2BGR);
    picture = opaque;
  }
  cv::Mat clean;
  const float h = static_cast<float>(params.h), h_color = params.h_color < 0 ? h : static_cast<float>(params.h_color);
  if (picture.channels() == 1)
    cv::fastNlMeansDenoising(picture, clean, h, params.template_window, params.search_window);
  else
    cv::fastNlMeansDenoisingColored(picture, clean, h, h_color, params.template_window, params.search_window);
  if (alpha.empty()) return Image(clean);
  cv::Mat joined(clean.size(), CV_8UC4);
  const std::vector<cv::Mat> parts{clean, alpha};
  cv::mixChannels(parts, joined, {0, 0, 1, 1, 2, 2, 3, 3});
  return Image(joined);
}

Prediction DenoiseNlm::predict(const Shapes& shapes) const {
  Shape out = shapes[0];
  out.element_bytes = 1;
  // The 8-bit copy, the Lab planes before and after, and one copy with borders.
  return {{out}, 5 * out.bytes()};
}

}  // namespace latentflow::image

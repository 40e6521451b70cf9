// resize.cpp: see resize.h.
#include "resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace latentflow::image {
namespace {

constexpr int side_limit = 1 << 20;

int method_for(const std::string& word, cv::Size from, cv::Size to) {
  if (word == "nearest") return cv::INTER_NEAREST;
  if (word == "linear") return cv::INTER_LINEAR;
  if (word == "cubic") return cv::INTER_CUBIC;
  if (word == "area") return cv::INTER_AREA;
  if (word == "lanczos") return cv::INTER_LANCZOS4;
  return to.width <= from.width && to.height <= from.height ? cv::INTER_AREA : cv::INTER_CUBIC;
}

/// Colours weighted by their alpha, so that invisible pixels do not bleed into visible ones.
cv::Mat resize_with_alpha(const cv::Mat& picture, cv::Size size, int method, double white) {
  cv::Mat weighted, resized, out;
  picture.convertTo(weighted, CV_32F, 1 / white);
  for (int y = 0; y < weighted.rows; ++y) {
    cv::Vec4f* row = weighted.ptr<cv::Vec4f>(y);
    for (int x = 0; x < weighted.cols; ++x)
      for (int c = 0; c < 3; ++c) row[x][c] *= row[x][3];
  }
  cv::resize(weighted, resized, size, 0, 0, method);
  for (int y = 0; y < resized.rows; ++y) {
    cv::Vec4f* row = resized.ptr<cv::Vec4f>(y);
    for (int x = 0; x < resized.cols; ++x)
      for (int c = 0; c < 3; ++c) row[x][c] = row[x][3] > 1e-6f ? row[x][c] / row[x][3] : 0.0f;
  }
  resized.convertTo(out, picture.depth(), white);
  return out;
}

}  // namespace

void Resize::describe(Describe<Resize>& d) {
  d.name("resize", "changes the size of pictures");
  d.field(&Params::width, "width", "new width; 0 keeps the proportions").range(0, side_limit).unit("pixels");
  d.field(&Params::height, "height", "new height; 0 keeps the proportions").range(0, side_limit).unit("pixels");
  d.field(&Params::scale, "scale", "factor for both sides; 0 for none").range(0, 64);
  d.field(&Params::max_side, "max_side", "shrinks larger pictures until the longer side fits; 0 for none")
      .range(0, side_limit)
      .unit("pixels");
  d.field(&Params::interpolation, "interpolation", "auto: area where it shrinks, cubic where it enlarges")
      .choices({"auto", "nearest", "linear", "cubic", "area", "lanczos"});
  d.rule("exactly one of width/height, scale and max_side is given",
         [](const Params& p) { return (p.width > 0 || p.height > 0) + (p.scale > 0) + (p.max_side > 0) == 1; });
  d.example("{node: resize, image: photos, max_side: 1024}");
}

cv::Size Resize::target(cv::Size size) const {
  const auto part = [](double extent) {
    return static_cast<int>(std::clamp(std::round(extent), 1.0, static_cast<double>(side_limit)));
  };
  const double width = size.width, height = size.height;
  if (params.max_side > 0) {
    const double factor = std::min(1.0, params.max_side / std::max(width, height));
    return {part(width * factor), part(height * factor)};
  }
  if (params.scale > 0) return {part(width * params.scale), part(height * params.scale)};
  if (params.width > 0 && params.height > 0) return {params.width, params.height};
  if (params.width > 0) return {params.width, part(height * params.width / width)};
  return {part(width * params.height / height), params.height};
}

Result<Image> Resize::process(const Image& image, Context&) const {
  if (image.mat().empty()) return bad_input("picture has no pixels");
  const cv::Size from = image.mat().size(), to = target(from);
  if (from == to) return image;
  if (static_cast<double>(to.width) * to.height > (1 << 30))
    return unsupported(fmt::format("a picture of {}x{} would become {}x{}, allowed up to 2^30 pixels", from.width,
                                   from.height, to.width, to.height));
  const int method = method_for(params.interpolation, from, to);
  if (image.has_alpha() && method != cv::INTER_NEAREST)
    return Image(resize_with_alpha(image.mat(), to, method, image.white()));
  cv::Mat out;
  cv::resize(image.mat(), out, to, 0, 0, method);
  return Image(out);
}

Prediction Resize::predict(const Shapes& shapes) const {
  if (!shapes[0].known()) return {{shapes[0]}, 0};
  Shape out = shapes[0];
  const cv::Size size = target({static_cast<int>(out.dims[1]), static_cast<int>(out.dims[0])});
  out.dims = {size.height, size.width, out.dims[2]};
  const bool alpha = out.dims[2] == 4;
  return {{out}, alpha ? (shapes[0].bytes() + out.bytes()) * 4 / out.element_bytes : 0};
}

}  // namespace latentflow::image

// crop.cpp: see crop.h.
#include "crop.h"

#include <fmt/format.h>

#include <algorithm>

namespace latentflow::image {

void Crop::describe(Describe<Crop>& d) {
  constexpr double limit = 1 << 20;
  d.name("crop", "cuts a rectangle out of pictures");
  d.field(&Params::x, "x", "left edge of the rectangle (at: corner), or its offset from the centre (at: centre)")
      .range(-limit, limit)
      .unit("pixels");
  d.field(&Params::y, "y", "upper edge, or offset from the centre").range(-limit, limit).unit("pixels");
  d.field(&Params::width, "width", "0 for all there is").range(0, limit).unit("pixels");
  d.field(&Params::height, "height", "0 for all there is").range(0, limit).unit("pixels");
  d.field(&Params::at, "at", "what x and y count from").choices({"corner", "centre"});
  d.field(&Params::multiple, "multiple", "makes width and height multiples of this, by cutting more")
      .range(1, 65536)
      .unit("pixels");
  d.rule("x and y are not negative where at is corner",
         [](const Params& p) { return p.at == "centre" || (p.x >= 0 && p.y >= 0); });
  d.example("{node: crop, image: photos, width: 256, height: 256, at: centre}");
}

cv::Rect Crop::area(cv::Size size) const {
  const bool centred = params.at == "centre";
  const auto extent = [&](int wanted, int whole, int offset) {
    const int all = wanted > 0 ? wanted : centred ? whole : whole - offset;
    return all / params.multiple * params.multiple;
  };
  cv::Rect rect(params.x, params.y, extent(params.width, size.width, params.x),
                extent(params.height, size.height, params.y));
  if (centred) rect.x += (size.width - rect.width) / 2, rect.y += (size.height - rect.height) / 2;
  return rect;
}

Result<Image> Crop::process(const Image& image, Context&) const {
  const cv::Size size = image.mat().size();
  const cv::Rect rect = area(size);
  if (rect.width <= 0 || rect.height <= 0 || (rect & cv::Rect({0, 0}, size)) != rect)
    return bad_input(fmt::format("rectangle of {}x{} at {},{} does not fit into a picture of {}x{}", rect.width,
                                 rect.height, rect.x, rect.y, size.width, size.height));
  if (rect.size() == size) return image;
  const cv::Mat part(image.mat(), rect);
  // A large part shares the pixels; a small one is copied, so that it does not keep the whole picture in memory.
  return Image(part.total() * 2 >= image.mat().total() ? part : part.clone());
}

Prediction Crop::predict(const Shapes& shapes) const {
  if (!shapes[0].known()) return {{shapes[0]}, 0};
  Shape out = shapes[0];
  const cv::Rect rect = area({static_cast<int>(out.dims[1]), static_cast<int>(out.dims[0])});
  out.dims = {std::max(1, rect.height), std::max(1, rect.width), out.dims[2]};
  return {{out}, 0};
}

}  // namespace latentflow::image

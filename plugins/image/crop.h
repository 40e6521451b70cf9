// crop.h: the node crop: a rectangle of each picture.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::image {

struct Crop {
  struct Params {
    int x = 0;
    int y = 0;
    int width = 0;
    int height = 0;
    std::string at = "corner";
    int multiple = 1;
  };
  static constexpr Port inputs[] = {{"image", "any picture"}};
  static constexpr Port outputs[] = {{"cropped", "same channels and depth"}};
  static void describe(Describe<Crop>& d);

  explicit Crop(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;

 private:
  cv::Rect area(cv::Size size) const;
};

}  // namespace latentflow::image

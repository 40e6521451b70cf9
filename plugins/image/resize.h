// resize.h: the node resize: pictures of another size.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::image {

struct Resize {
  struct Params {
    int width = 0;
    int height = 0;
    double scale = 0;
    int max_side = 0;
    std::string interpolation = "auto";
  };
  static constexpr Port inputs[] = {{"image", "any picture"}};
  static constexpr Port outputs[] = {{"resized", "same channels and depth; the input itself where the size is right"}};
  static void describe(Describe<Resize>& d);

  explicit Resize(const Params& p) : params(p) {}
  Result<Image> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& shapes) const;

  const Params params;

 private:
  cv::Size target(cv::Size size) const;
};

}  // namespace latentflow::image

// sharpen.cpp: a plugin of somebody else: the node `sharpen`, an unsharp mask.
#include <latentflow/plugin.h>

#include <opencv2/imgproc.hpp>

namespace {

using namespace latentflow;

struct Sharpen {
  struct Params {
    double amount = 0.5;
    double radius = 1.5;
  };

  static constexpr Port inputs[] = {{"image", "any picture"}};
  static constexpr Port outputs[] = {{"sharp", "same size and depth"}};

  static void describe(Describe<Sharpen>& d) {
    d.name("sharpen", "adds what a blur takes away");
    d.field(&Params::amount, "amount", "how much of it").range(0, 4);
    d.field(&Params::radius, "radius", "standard deviation of the blur").range(0.3, 20).unit("pixels");
    d.example("{node: sharpen, image: photos, amount: 0.8}");
  }

  explicit Sharpen(const Params& p) : params(p) {}

  Result<Image> process(const Image& image, Context&) const {
    cv::Mat blurred, sharp;
    cv::GaussianBlur(image.mat(), blurred, {}, params.radius);
    cv::addWeighted(image.mat(), 1 + params.amount, blurred, -params.amount, 0, sharp);
    return Image(sharp);
  }

  const Params params;
};

}  // namespace

LATENTFLOW_PLUGIN("sharpen", "1.0.0", Sharpen)

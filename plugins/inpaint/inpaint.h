// inpaint.h: the node inpaint: fills the holes of pictures, with a network or without.
#pragma once

#include "inpainter.h"
#include "latentflow/plugin.h"

namespace latentflow::inpaint {

struct Inpaint {
  struct Params {
    std::string method = "network";
    std::string model = "inpaint_color";
    double radius = 3;
    std::string fit = "exact";
    std::int64_t tile = 0;
    std::int64_t ensemble = 1;
    double nonlocal = 1;
    std::string precision = "auto";
  };
  static constexpr Port inputs[] = {
      {"image", "grey or colour picture of any depth; alpha passes through unchanged: convert drops it"},
      {"mask", "white where pixels are missing, black where they are known; same size, or one pixel for all"}};
  static constexpr Port outputs[] = {{"filled", "same size, depth and channels; known pixels keep their bits"}};
  static void describe(Describe<Inpaint>& d);
  static Result<std::unique_ptr<Inpaint>> create(const Params& params, Services& services);

  Result<Image> process(const Image& image, const Image& mask, Context& ctx) const;
  Prediction predict(const Shapes& shapes, std::size_t worker_limit = no_limit) const;

  Inpainter::Request request() const { return {params.tile, static_cast<int>(params.ensemble), params.nonlocal}; }

  Params params;
  std::shared_ptr<const Inpainter> inpainter;  ///< with method network only
};

}  // namespace latentflow::inpaint

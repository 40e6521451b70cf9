// compare.h: the node compare: PSNR, SSIM and squared error of a picture against its reference.
#pragma once

#include "latentflow/plugin.h"

namespace latentflow::quality {

struct Compare {
  struct Params {
    bool round = true;
    bool ssim = true;
    bool sse = false;
    std::string label;
    std::string fit = "exact";
  };
  static constexpr Port inputs[] = {
      {"image", "the picture to judge; alpha is ignored"},
      {"reference", "what it should be; same size and colours"},
      {"record", "a row to add the numbers to, for several comparisons in one table"},
      {"mask", "white where pixels were missing: adds hole_psnr and hole_mse, over those alone"}};
  static constexpr Port outputs[] = {
      {"scores", "name, psnr (dB), ssim, mse, sse; with a mask that has holes hole_psnr, hole_mse"}};
  static void describe(Describe<Compare>& d);

  explicit Compare(const Params& p) : params(p) {}
  Result<Record> process(const Image& image, const Image& reference, const Record* record, const Image* mask,
                         Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  const Params params;
};

}  // namespace latentflow::quality

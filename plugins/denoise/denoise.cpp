// denoise.cpp: see denoise.h.
#include "denoise.h"

#include <fmt/format.h>

#include <algorithm>

#include "noise_estimate.h"

namespace latentflow::denoise {

void Denoise::describe(Describe<Denoise>& d) {
  d.name("denoise", "removes noise with a trained network");
  d.field(&Params::model, "model", "a name from the zoo or an ONNX file");
  d.field(&Params::sigma, "sigma", "noise level, or auto to estimate it for every picture")
      .range(0, 255)
      .unit("grey levels of 0..255");
  d.field(&Params::strength, "strength",
          "how much of the noise to remove: 0 leaves the picture, 1 takes the network's result")
      .range(0, 1);
  d.field(&Params::tile, "tile", "side of the tiles large pictures are cut into; 0 lets the planner choose")
      .range(0, 4096)
      .unit("pixels");
  d.example("{node: denoise, image: photos, sigma: auto}");
}

Result<std::unique_ptr<Denoise>> Denoise::create(const Params& params, Services& services) {
  Result<std::shared_ptr<const Denoiser>> denoiser = Denoiser::load(params.model, services);
  if (!denoiser) return std::move(denoiser).error();
  auto node = std::make_unique<Denoise>();
  node->params = params;
  node->denoiser = std::move(*denoiser);
  return node;
}

Result<Image> Denoise::process(const Image& image, const Image* sigma_map, Context& ctx) const {
  if (image.channels() == 2 || (image.depth() != CV_8U && image.depth() != CV_16U && image.depth() != CV_32F))
    return bad_input("needs 1, 3 or 4 channels of 8 bit, 16 bit or float, got " + describe_picture(image));
  if (sigma_map != nullptr && (sigma_map->mat().size() != image.mat().size() || sigma_map->channels() != 1))
    return bad_input(fmt::format("needs a sigma_map of {}x{} with 1 channel, got {}", image.width(), image.height(),
                                 describe_picture(*sigma_map)));
  Denoiser::Request request{0, sigma_map, params.strength, params.tile};
  if (denoiser->wants_level() && sigma_map == nullptr) {
    const double asked = params.sigma.value ? *params.sigma.value : estimate_noise(image);
    request.sigma = std::clamp(asked, denoiser->lowest_level(), denoiser->highest_level());
    if (request.sigma != asked)
      ctx.warn(fmt::format("noise level {:.1f} is outside {:g} to {:g}, which the model was trained for; {:g} is used",
                           asked, denoiser->lowest_level(), denoiser->highest_level(), request.sigma));
    ctx.measure("sigma", request.sigma);
  }
  return denoiser->clean(image, request, ctx);
}

Prediction Denoise::predict(const Shapes& shapes) const {
  return {{shapes[0]}, denoiser->working_bytes(shapes[0], params.tile)};
}

}  // namespace latentflow::denoise

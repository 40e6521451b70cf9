// denoise.h: the node denoise: removes noise with a network from the zoo or the user's own.
#pragma once

#include "denoiser.h"
#include "latentflow/plugin.h"

namespace latentflow::denoise {

struct Denoise {
  struct Params {
    std::string model = "denoise_color";
    NoiseLevel sigma;
    double strength = 1;
    std::int64_t tile = 0;
    std::int64_t ensemble = 1;
    std::string quality = "best";
    std::string precision = "auto";
  };
  static constexpr Port inputs[] = {{"image", "grey or colour picture of any depth; alpha passes through unchanged"},
                                    {"sigma_map",
                                     "noise level at every pixel, one channel of the picture's size, in grey levels of "
                                     "its depth (floats: 1 stands for "
                                     "255); replaces sigma"}};
  static constexpr Port outputs[] = {{"clean", "same size, depth and channels"}};
  static void describe(Describe<Denoise>& d);
  static Result<std::unique_ptr<Denoise>> create(const Params& params, Services& services);

  Result<Image> process(const Image& image, const Image* sigma_map, Context& ctx) const;
  /// Asks for what a picture of equal planes takes, whose header called for the memory of colours. Reads the file of
  /// the grey twin for it. Errors: out_of_memory.
  Status admit_as_grey(const Image& image, Context& ctx) const;
  /// process() for a picture that was checked, with the model that its number of channels asks for.
  Result<Image> clean(const Image& image, const Image* sigma_map, Context& ctx) const;
  Prediction predict(const Shapes& shapes, std::size_t worker_limit = no_limit) const;

  /// Of the model, or of its twin for grey pictures where there is one.
  Result<std::shared_ptr<const Denoiser>> denoiser_for(std::int64_t channels) const;

  Params params;
  std::shared_ptr<const Denoiser> denoiser;
  std::shared_ptr<const DenoiserFile> gray_twin;  ///< may be null
};

}  // namespace latentflow::denoise

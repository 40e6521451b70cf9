// denoising_chain.h: the node denoising_chain: corrupt, reconstruct, and again from there.
#pragma once

#include "codes/decoding.h"
#include "codes/encoding.h"
#include "latentflow/plugin.h"

namespace latentflow::autoencoder {

struct DenoisingChain {
  struct Params {
    std::string model;
    int steps = 10;
    std::string kind = "masking";
    double amount = 0.25;
    std::int64_t seed = 1;
  };
  static constexpr Port inputs[] = {{"image", "where the chain begins: a picture as the model was trained on"}};
  static constexpr Port outputs[] = {
      {"strip", "the picture and every reconstruction after it, side by side, as floats"},
      {"last", "the last reconstruction"}};
  static void describe(Describe<DenoisingChain>& d);
  static Result<std::unique_ptr<DenoisingChain>> create(const Params& params, Services& services);

  DenoisingChain(const Params& p, codes::Encoding e, codes::Decoding d)
      : params(p), encoding(std::move(e)), decoding(std::move(d)) {}
  Result<std::tuple<Image, Image>> process(const Image& image, Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  const Params params;
  const codes::Encoding encoding;
  const codes::Decoding decoding;
};

}  // namespace latentflow::autoencoder

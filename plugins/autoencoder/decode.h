// decode.h: the node decode: codes of an autoencoder back to pictures or tensors.
#pragma once

#include <tuple>

#include "codes/decoding.h"
#include "latentflow/plugin.h"

namespace latentflow::autoencoder {

struct Decode {
  struct Params {
    std::string model;
    std::int64_t stride = 0;
    std::string depth = "float";
    std::string precision = "auto";
  };
  static constexpr Port inputs[] = {
      {"codes", "as encode makes them"},
      {"like",
       "for patches and convolutional models: the picture whose size the result gets; without it, all that the codes "
       "cover, or the size that encode noted in the metadata"}};
  static constexpr Port outputs[] = {
      {"image", "the picture; for a model of tensors one line of it per item"},
      {"tensor",
       "the same as numbers: planes [channels, height, width] of a picture, or the shape of the codes with "
       "features instead of codes"}};
  static void describe(Describe<Decode>& d);
  static Result<std::unique_ptr<Decode>> create(const Params& params, Services& services);

  Decode(const Params& p, codes::Decoding d) : params(p), decoding(std::move(d)) {}
  Result<std::tuple<Image, Tensor>> process(const Tensor& codes, const Image* like, Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  const Params params;
  const codes::Decoding decoding;
};

}  // namespace latentflow::autoencoder

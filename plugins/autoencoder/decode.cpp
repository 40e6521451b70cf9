// decode.cpp: see decode.h.
#include "decode.h"

#include "family.h"
#include "stages/precision_parameter.h"

namespace latentflow::autoencoder {

void Decode::describe(Describe<Decode>& d) {
  d.name("decode",
         "runs the decoder of an autoencoder: codes become pictures or tensors; overlapping patches are averaged");
  d.field(&Params::model, "model", "the one encode used: an ONNX file, or a name from the zoo").required();
  d.field(&Params::stride, "stride", "the one encode used; 0 for patches side by side").range(0, 256).unit("pixels");
  d.field(&Params::depth, "depth", "samples of the picture; 8 and 16 are rounded and clipped")
      .choices({"float", "8", "16"});
  stages::describe_precision(d, &Params::precision);
  d.example("{node: decode, codes: codes, model: mnist_deep.onnx}");
}

Result<std::unique_ptr<Decode>> Decode::create(const Params& params, Services& services) {
  auto decoding = codes::Decoding::create(
      {params.model, params.stride, params.depth, nn::precision_of(params.precision)}, family(), services);
  if (!decoding) return std::move(decoding).error();
  return std::make_unique<Decode>(params, std::move(*decoding));
}

Result<std::tuple<Image, Tensor>> Decode::process(const Tensor& codes, const Image* like, Context& ctx) const {
  return decoding.run(codes, like, ctx);
}

Prediction Decode::predict(const Shapes& inputs) const { return decoding.predict(inputs); }

}  // namespace latentflow::autoencoder

// encode.cpp: see encode.h.
#include "encode.h"

#include "family.h"
#include "stages/precision_parameter.h"

namespace latentflow::autoencoder {

void Encode::describe(Describe<Encode>& d) {
  d.name("encode", "runs the encoder of an autoencoder: pictures, patches or tensors become codes");
  d.field(&Params::model, "model",
          "what latentflow train wrote for an autoencoder, or pca_fit: an ONNX file, or a name from the zoo")
      .required();
  d.field(&Params::stride, "stride",
          "distance of neighbouring patches; 0 for side by side, for coding; less than a patch for restoration. "
          "decode needs the same")
      .range(0, 256)
      .unit("pixels");
  stages::describe_precision(d, &Params::precision);
  d.example("{node: encode, image: digits, model: mnist_deep.onnx}");
}

Result<std::unique_ptr<Encode>> Encode::create(const Params& params, Services& services) {
  auto encoding =
      codes::Encoding::create(params.model, params.stride, family(), services, nn::precision_of(params.precision));
  if (!encoding) return std::move(encoding).error();
  return std::make_unique<Encode>(params, std::move(*encoding));
}

Result<Tensor> Encode::process(const Image* image, const Tensor* tensor, Context& ctx) const {
  return encoding.run(image, tensor, ctx);
}

Prediction Encode::predict(const Shapes& inputs) const { return encoding.predict(inputs); }

}  // namespace latentflow::autoencoder

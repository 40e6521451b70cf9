// pca_reconstruct.cpp: see pca_reconstruct.h.
#include "pca_reconstruct.h"

#include "family.h"

namespace latentflow::pca {

void PcaReconstruct::describe(Describe<PcaReconstruct>& d) {
  d.name("pca_reconstruct", "turns codes back into pictures or tensors; overlapping patches are averaged");
  d.field(&Params::model, "model", "the one pca_project used: an ONNX file, or a name from the zoo").required();
  d.field(&Params::stride, "stride", "the one pca_project used; 0 for patches side by side")
      .range(0, 256)
      .unit("pixels");
  d.field(&Params::depth, "depth", "samples of the picture; 8 and 16 are rounded and clipped")
      .choices({"float", "8", "16"});
  d.example("{node: pca_reconstruct, codes: codes, model: digits_pca.onnx}");
}

Result<std::unique_ptr<PcaReconstruct>> PcaReconstruct::create(const Params& params, Services& services) {
  auto decoding = codes::Decoding::create({params.model, params.stride, params.depth}, family(), services);
  if (!decoding) return std::move(decoding).error();
  return std::make_unique<PcaReconstruct>(params, std::move(*decoding));
}

Result<std::tuple<Image, Tensor>> PcaReconstruct::process(const Tensor& codes, const Image* like, Context& ctx) const {
  return decoding.run(codes, like, ctx);
}

Prediction PcaReconstruct::predict(const Shapes& inputs) const { return decoding.predict(inputs); }

}  // namespace latentflow::pca

// pca_project.cpp: see pca_project.h.
#include "pca_project.h"

#include "family.h"

namespace latentflow::pca {

void PcaProject::describe(Describe<PcaProject>& d) {
  d.name("pca_project", "projects pictures, patches or tensors on principal components: few numbers instead of many");
  d.field(&Params::model, "model", "what pca_fit wrote: an ONNX file, or a name from the zoo").required();
  d.field(&Params::stride, "stride",
          "distance of neighbouring patches; 0 for side by side, for coding; less than a patch for restoration. "
          "pca_reconstruct needs the same")
      .range(0, 256)
      .unit("pixels");
  d.example("{node: pca_project, image: digits, model: digits_pca.onnx}");
}

Result<std::unique_ptr<PcaProject>> PcaProject::create(const Params& params, Services& services) {
  auto encoding = codes::Encoding::create(params.model, params.stride, family(), services);
  if (!encoding) return std::move(encoding).error();
  return std::make_unique<PcaProject>(params, std::move(*encoding));
}

Result<Tensor> PcaProject::process(const Image* image, const Tensor* tensor, Context& ctx) const {
  return encoding.run(image, tensor, ctx);
}

Prediction PcaProject::predict(const Shapes& inputs) const { return encoding.predict(inputs); }

}  // namespace latentflow::pca

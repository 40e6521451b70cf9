// pca_project.h: the node pca_project: pictures, patches of them, or tensors to their codes.
#pragma once

#include "codes/encoding.h"
#include "latentflow/plugin.h"

namespace latentflow::pca {

struct PcaProject {
  struct Params {
    std::string model;
    std::int64_t stride = 0;
  };
  static constexpr Port inputs[] = {
      {"image", "a picture as the model was fitted to, or of any size for a model of patches"},
      {"tensor", "instead, for a model of tensors: one item, or items along the last axis"}};
  static constexpr Port outputs[] = {
      {"codes", "[components]; for patches [rows, columns, components]; for rows of a tensor [..., components]"}};
  static void describe(Describe<PcaProject>& d);
  static Result<std::unique_ptr<PcaProject>> create(const Params& params, Services& services);

  PcaProject(const Params& p, codes::Encoding e) : params(p), encoding(std::move(e)) {}
  Result<Tensor> process(const Image* image, const Tensor* tensor, Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  const Params params;
  const codes::Encoding encoding;
};

}  // namespace latentflow::pca

// encode.h: the node encode: pictures, patches of them, or tensors to the codes of an autoencoder.
#pragma once

#include "codes/encoding.h"
#include "latentflow/plugin.h"

namespace latentflow::autoencoder {

struct Encode {
  struct Params {
    std::string model;
    std::int64_t stride = 0;
    std::string precision = "auto";
  };
  static constexpr Port inputs[] = {
      {"image", "a picture as the model was trained on, or of any size for models of patches and of whole pictures"},
      {"tensor", "instead, for a model of tensors: one item, or items along the last axis"}};
  static constexpr Port outputs[] = {
      {"codes",
       "[codes]; for patches [rows, columns, codes]; for rows of a tensor [..., codes]; of a "
       "convolutional model [codes, rows, columns]"}};
  static void describe(Describe<Encode>& d);
  static Result<std::unique_ptr<Encode>> create(const Params& params, Services& services);

  Encode(const Params& p, codes::Encoding e) : params(p), encoding(std::move(e)) {}
  Result<Tensor> process(const Image* image, const Tensor* tensor, Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  const Params params;
  const codes::Encoding encoding;
};

}  // namespace latentflow::autoencoder

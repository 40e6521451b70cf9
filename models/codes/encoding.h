// encoding.h: pictures, patches of them, or tensors to codes: the work of the nodes pca_project and encode.
#pragma once

#include "code_network.h"
#include "picture_rows.h"

namespace latentflow::codes {

class Encoding {
 public:
  /// `stride`: of patches; 0 for side by side. Errors: those of CodeNetwork::load(), a stride the model has no use for.
  static Result<Encoding> create(const std::string& model, std::int64_t stride, const Family& family,
                                 Services& services, nn::Precision precision = nn::Precision::automatic);

  /// One of the two, as the model takes it. Codes are [codes]; for patches [rows, columns, codes]; for rows of a tensor
  /// [..., codes]. Errors: bad_input for another kind, size or number of channels than the model's, and
  /// for nan and infinity.
  Result<Tensor> run(const Image* image, const Tensor* tensor, Context& ctx) const;
  /// For the shapes of image and tensor.
  Prediction predict(const Shapes& inputs) const;

 private:
  Encoding(std::shared_ptr<const CodeNetwork> network, std::int64_t stride)
      : network_(std::move(network)), stride_(stride) {}
  Result<Tensor> encode_picture(const Image& image, Context& ctx) const;
  Result<Tensor> encode_tensor(const Tensor& tensor) const;

  std::shared_ptr<const CodeNetwork> network_;
  std::int64_t stride_;
};

}  // namespace latentflow::codes

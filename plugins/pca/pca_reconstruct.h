// pca_reconstruct.h: the node pca_reconstruct: codes back to pictures or tensors.
#pragma once

#include <tuple>

#include "code_network.h"
#include "latentflow/plugin.h"
#include "picture_rows.h"

namespace latentflow::pca {

struct PcaReconstruct {
  struct Params {
    std::string model;
    std::int64_t stride = 0;
    std::string depth = "float";
  };
  static constexpr Port inputs[] = {
      {"codes", "as pca_project makes them"},
      {"like", "for patches: the picture whose size the result gets; without it, all that the patches cover"}};
  static constexpr Port outputs[] = {
      {"image", "the picture; for a model of tensors one line of it per item"},
      {"tensor",
       "the same as numbers: planes [channels, height, width] of a picture, or the shape of the codes with "
       "features instead of components"}};
  static void describe(Describe<PcaReconstruct>& d);
  static Result<std::unique_ptr<PcaReconstruct>> create(const Params& params, Services& services);

  Result<std::tuple<Image, Tensor>> process(const Tensor& codes, const Image* like, Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  Params params;
  std::shared_ptr<const CodeNetwork> network;

 private:
  Result<Grid> grid_of(const Tensor& codes, const Image* like) const;
  std::int64_t stride() const { return params.stride > 0 ? params.stride : network->item().width; }
};

}  // namespace latentflow::pca

// decoding.h: codes back to pictures or tensors: the work of the nodes pca_reconstruct and decode.
#pragma once

#include <tuple>

#include "code_network.h"
#include "picture_rows.h"

namespace latentflow::codes {

class Decoding {
 public:
  struct Options {
    std::string model;
    std::int64_t stride = 0;      ///< of patches; 0 for side by side
    std::string depth = "float";  ///< of the picture: "float", "8" or "16"
    nn::Precision precision = nn::Precision::automatic;
  };
  /// Errors: those of CodeNetwork::load(), a stride the model has no use for.
  static Result<Decoding> create(const Options& options, const Family& family, Services& services);

  /// `codes` as Encoding makes them; [pictures, codes] for a model of whole pictures of one size gives them side by
  /// side. `like`, for patches: the picture whose size the result gets. The tensor has the picture's numbers as planes,
  /// or the shape of the codes with features in place of codes. Overlapping patches are averaged.
  /// Errors: bad_input for codes of another shape, or with nan or infinity.
  Result<std::tuple<Image, Tensor>> run(const Tensor& codes, const Image* like, Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

 private:
  Decoding(std::shared_ptr<const CodeNetwork> network, const Options& options, const Family& family)
      : network_(std::move(network)), family_(family), stride_(options.stride), depth_(options.depth) {}
  Result<Grid> grid_of(const Tensor& codes, const Image* like) const;

  std::shared_ptr<const CodeNetwork> network_;
  Family family_;
  std::int64_t stride_;
  std::string depth_;
};

}  // namespace latentflow::codes

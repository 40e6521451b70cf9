// picture_model.h: a convolutional model of codes, which takes pictures of any size, read from its ONNX file to look
// into it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "codes/code_network.h"
#include "latentflow/result.h"
#include "nn/model_card.h"
#include "nn/network.h"
#include "train/recipe_autoencoder.h"

namespace latentflow::show {

struct PictureModel {
  std::string name;  ///< what pictures and tables call it: the file without folder and ending
  nn::ModelCard card;
  codes::PictureCodes extents;
  std::shared_ptr<const nn::Network> network;  ///< pictures to codes and reconstructions
  nn::Graph encoder;                           ///< optimised, pictures to codes

  /// What the codes come out of: linear where it is none of the others.
  train::Activation activation() const;
};

/// Files that `latentflow train` (task image_codes) writes, and others of the same form. Errors: those of
/// nn::read_card, nn::encoder_of and codes::picture_codes.
Result<PictureModel> picture_model(const nn::Graph& graph, const std::string& name);

/// Whether a network takes pictures, [N, channels, height, width], and not rows.
bool takes_pictures(const nn::Graph& graph);

struct PictureCoding {
  Tensor codes;             ///< [1, codes, height / multiple, width / multiple]
  std::vector<float> back;  ///< [channels, height, width]
};
/// `planes` [channels, height, width] in 0..1; extents are multiples of the model's.
Result<PictureCoding> reconstruct(const PictureModel& model, std::span<const float> planes, const nn::CodeItem& item);
/// Rows of such planes, [n, item.features()], one after the other.
Result<std::vector<float>> reconstruct_each(const PictureModel& model, std::span<const float> rows,
                                            const nn::CodeItem& item);

}  // namespace latentflow::show

// pictures.h: photographs as the items that models of whole pictures are looked at with.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "picture_model.h"

namespace latentflow::show {

struct Picture {
  std::string name;  ///< path below its folder
  nn::CodeItem item;
  std::vector<float> planes;  ///< [channels, height, width], R, G, B, 0..1
};

struct PictureChoice {
  std::int64_t crop = 256;  ///< longest side of what is taken of a picture
  bool all_sides = false;   ///< refuse smaller pictures: both sides of all of them are the same
  std::int64_t most = 50;   ///< pictures, evenly spread over the folder
};

/// The central parts of the photographs below `folder`, cut to multiples of what all the models take, where their
/// encoding and decoding stages would continue the border instead. Errors: invalid_argument for models of colour beside
/// models of grey, and for a crop that is smaller than their multiple; those of train::load_photographs.
Result<std::vector<Picture>> load_pictures(const std::filesystem::path& folder, std::span<const PictureModel> models,
                                           const PictureChoice& choice);

/// PSNR in dB of a reconstruction, limited and rounded to 8 bits, over all channels.
double psnr(const Picture& picture, std::span<const float> back);

/// The squares of `side` pixels, side by side, that a picture consists of, as rows [squares, channels, side, side], and
/// back. Its extents are multiples of `side`.
std::vector<float> to_patches(std::span<const float> planes, const nn::CodeItem& picture, std::int64_t side);
std::vector<float> from_patches(std::span<const float> rows, const nn::CodeItem& picture, std::int64_t side);

}  // namespace latentflow::show

// picture_reconstructions.h: what comes back of photographs, beside principal components of as many numbers, with PSNR.
#pragma once

#include <opencv2/core.hpp>

#include "pictures.h"

namespace latentflow::show {

struct PictureRow {
  std::string name, note;                  ///< of the model; numbers per pixel, in words
  std::vector<std::vector<float>> planes;  ///< of every picture
  std::vector<double> psnr;                ///< in dB, as psnr() has it
  double mean_psnr = 0;
};

/// A row per model, and before them, for each share of numbers per pixel, one of principal components: of patches as
/// large as what a code stands for, as many components as numbers in it, fitted to these very pictures, which is the
/// best that a linear code of patches can do for them. Without it where a patch has more numbers than components are
/// fitted to, and where the code has as many numbers as a patch, or as there are patches. Pictures run in parallel.
/// Errors: those of running and fitting.
Result<std::vector<PictureRow>> reconstruct_all(std::span<const PictureModel> models,
                                                std::span<const Picture> pictures);

/// The first `columns` pictures: the input, then a row each, with the PSNR under every one.
cv::Mat draw(std::span<const Picture> pictures, std::span<const PictureRow> rows, std::int64_t columns);
/// PSNR per picture and model, and means.
std::string table(std::span<const Picture> pictures, std::span<const PictureRow> rows);

}  // namespace latentflow::show

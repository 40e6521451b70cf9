// photo_damage.h: what happens to a picture between the sensor and the file.
#pragma once

#include <opencv2/core.hpp>

#include "random.h"
#include "recipe.h"

namespace latentflow::train {

/// A picture of 8 bits, as a camera may have saved the clean one (CV_32FC1 or CV_32FC3, RGB, in 0..1). Every kind of
/// damage happens with the chance `each`, its strength drawn evenly from the recipe's range, in this order:
/// - signal-dependent noise of the variance shot^2 x + read^2 at intensity x (Foi et al., IEEE TIP 2008),
/// - noise whose neighbours are alike, as after demosaicing: white noise smoothed by a Gaussian of `grain` pixels,
/// - coarser noise of the colours alone, which leaves the grey value as it is,
/// - JPEG as Debian's OpenCV writes it (colours at half the resolution), the grid of its blocks anywhere; one in four
/// of
///   these pictures is saved twice, in another grid.
/// Noise is limited and rounded to 8 bits before JPEG. Mixtures of this kind train denoisers for real photographs (Guo
/// et al., CVPR 2019; Zhang et al., SCUNet, 2022).
cv::Mat damage_photo(const cv::Mat& clean, const PhotoRecipe& recipe, Random& random);

/// Root of the mean squared difference.
double deviation(const cv::Mat& damaged, const cv::Mat& clean);

}  // namespace latentflow::train

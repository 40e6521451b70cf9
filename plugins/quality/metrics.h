// metrics.h: how far one picture is from another.
#pragma once

#include <opencv2/core.hpp>

namespace latentflow::quality {

/// Sums over all samples of two pictures of equal size and channel count (1 or 3), on the scale 0..255.
struct Difference {
  double mse = 0;   ///< mean squared difference over all pixels and channels
  double psnr = 0;  ///< 10 log10(255^2 / mse); infinite for equal pictures
};

/// `image` and `reference` as CV_8U or CV_32F on the scale 0..255, each of its own type; over all pixels, or those
/// where `mask` (CV_8U, same size, at least one set) is not 0.
Difference difference(const cv::Mat& image, const cv::Mat& reference, const cv::Mat& mask = cv::Mat());

/// Structural similarity (Wang, Bovik, Sheikh, Simoncelli: Image Quality Assessment: From Error Visibility to
/// Structural Similarity, IEEE TIP 13(4), 2004, equation 13): Gaussian window 11x11 of deviation 1.5, K1 = 0.01, K2 =
/// 0.03, L = 255, mean over the positions where the window lies inside and over the channels. Pictures smaller than 11
/// on a side: the largest odd window that fits. Same input as difference(); works in strips, so its memory does not
/// grow with the height.
double structural_similarity(const cv::Mat& image, const cv::Mat& reference);

}  // namespace latentflow::quality

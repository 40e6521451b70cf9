// mask.h: what a mask is: a picture of one channel and 8 bits, 255 where pixels are missing and 0 where they are known.
#pragma once

#include <opencv2/core.hpp>

#include "latentflow/result.h"

namespace latentflow::holes {

inline constexpr unsigned char hole = 255, known = 0;

struct MaskRule {
  double threshold = 0;  ///< grey levels of 0..255: values from here on are white; 0 allows black and white only
  bool invert = false;   ///< black is the hole
};

/// A mask from a picture (8 or 16 bit or float with white at 1; 1, 3 or 4 channels). Errors (bad_input): values between
/// black and white where there is no threshold, with their number and one place; colours; transparent pixels.
Result<cv::Mat> to_mask(const cv::Mat& picture, const MaskRule& rule);

/// Brings a mask from another node to `size`. One pixel stands for the whole picture. Another size is an error
/// (bad_input) unless `nearest` scales it by nearest neighbours. Errors also as to_mask() without a threshold.
Result<cv::Mat> fit_mask(const cv::Mat& mask, cv::Size size, bool nearest);

}  // namespace latentflow::holes

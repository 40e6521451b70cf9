// finite.h: what stages refuse: pictures of other kinds, and numbers that pictures of floats may hold and networks must
// not see.
#pragma once

#include <span>
#include <string>

#include "latentflow/result.h"
#include "latentflow/value.h"

namespace latentflow {

/// bad_input for what is no grey or colour picture, with or without alpha, of 8 bit, 16 bit or float.
Status check_picture(const Image& image);

/// bad_input with the place of the first sample that is NaN or infinite, but for pixels where `except` (8 bit, one
/// channel, of the same size, or empty) is not 0.
Status check_finite(const Image& image, const cv::Mat& except = cv::Mat());

/// bad_input when a network gave NaN or infinity; as integers they would be black pixels without a word.
Status check_finite(std::span<const float> results, const std::string& network);

}  // namespace latentflow

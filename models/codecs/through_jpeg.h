// through_jpeg.h: the artefacts of JPEG: what training and graphs damage pictures with.
#pragma once

#include <opencv2/core/mat.hpp>

#include "encode.h"
#include "latentflow/result.h"

namespace latentflow::codecs {

/// The picture as it comes back from a JPEG file, which stays in memory. Arguments and errors: those of encode_jpeg().
Result<cv::Mat> through_jpeg(const cv::Mat& picture, int quality, Chroma chroma = Chroma::half);

}  // namespace latentflow::codecs

// opencv_codecs.h: OpenCV's codecs, loaded where they are first needed: for the rarer formats, and to train.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::codecs {

/// The functions of opencv2/imgcodecs.hpp. In Debian that library needs some hundred others, which take longer to load
/// than everything else, and few runs meet a file that is neither PNG nor JPEG nor TIFF, or read photographs to train
/// on.
struct OpencvCodecs {
  cv::Mat (*decode)(const cv::Mat& file, int flags);
  cv::Mat (*read)(const std::string& path, int flags);
  bool (*encode)(const std::string& extension, const cv::Mat& picture, std::vector<std::uint8_t>& file,
                 const std::vector<int>& settings);
};

/// Lies in opencv_module.cpp, a library of its own beside liblatentflow_nn.so. Errors: internal, with the loader's
/// reason.
Result<const OpencvCodecs*> opencv_codecs();

}  // namespace latentflow::codecs

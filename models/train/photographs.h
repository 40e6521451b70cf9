// photographs.h: the pictures a network is trained or validated on, decoded once.
#pragma once

#include <filesystem>
#include <limits>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::train {

struct Photograph {
  std::string name;  ///< path below the folder
  cv::Mat pixels;    ///< CV_8UC3 in RGB order, or CV_8UC1
  /// Of a pair, what a network shall make the picture of: of its size and channels, CV_8U, or CV_32F with white as 1.
  /// Empty where training does the damage.
  cv::Mat damaged{};
  /// Where pixels are missing (holes/mask.h): of its size, with missing and with known pixels. Empty where training
  /// draws the holes.
  cv::Mat mask{};
};

/// Every picture below `folder` (jpg, jpeg, png, bmp, tif, tiff, webp), sorted by path, decoded in parallel. Errors:
/// not_found for a missing or empty folder; bad_input listing the files that do not decode, and those with a side
/// shorter than `smallest`. Of more than `most` files so many are taken, evenly spread over the list.
Result<std::vector<Photograph>> load_photographs(const std::filesystem::path& folder, bool color, std::int64_t smallest,
                                                 std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace latentflow::train

// encode.h: pictures to PNG and JPEG files in memory, through libpng and libjpeg: the formats that everything here
// writes. OpenCV's own encoders come with some hundred libraries, whose loading takes longer than a small picture.
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::codecs {

/// A PNG file of a picture with 1, 3 (BGR) or 4 (BGRA) channels of 8 or 16 bits. `level`: of zlib, 0 to 9, with filters
/// as libpng chooses them; without it differences of neighbours, in which only runs are looked for: for photographs
/// smaller files than those of levels 1 and 2, in three fifths of the time. Never throws. Errors: unsupported for other
/// pictures, io with libpng's reason.
Result<std::vector<std::uint8_t>> encode_png(const cv::Mat& picture, std::optional<int> level = {});

/// The resolution of colours in a JPEG file: all of it, half of the width, or half of both extents.
enum class Chroma { full, half_width, half };
/// As the field names them, in the order of Chroma.
inline constexpr std::array<std::string_view, 3> chroma_names{"4:4:4", "4:2:2", "4:2:0"};

/// A baseline JPEG file of a picture with 1 or 3 (BGR) channels of 8 bits; `quality` 0 to 100; grey pictures have no
/// chroma. Never throws. Errors: unsupported for other pictures, io with libjpeg's reason.
Result<std::vector<std::uint8_t>> encode_jpeg(const cv::Mat& picture, int quality, Chroma chroma = Chroma::half);

}  // namespace latentflow::codecs

// planes.h: between interleaved pictures of any depth and the planar 0..1 floats a network reads and writes.
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>

#include "latentflow/value.h"

namespace latentflow::denoise {

/// Which source channel feeds each plane; -1 ends the list. Networks order colours R, G, B, OpenCV B, G, R.
using ChannelOrder = std::array<int, 4>;

/// Whether the picture has three colours that are equal everywhere: a grey picture in a colour file.
bool has_equal_planes(const Image& picture);

/// Fills planes [count, region.height, region.width] (count = entries of `order`) from the region of the picture,
/// scaled so that white is 1. A region may reach past the right and bottom border: the picture is reflected there.
void read_planes(const Image& picture, const cv::Rect& region, const ChannelOrder& order, float* planes);

/// Three equal planes of a grey picture have equal noise, which no colour network was trained for. Adds noise of
/// standard deviation `level` (one number per pixel, as the planes) in the two directions across grey, so that grey
/// noise of level / sqrt(3) becomes independent noise of `level` in every plane, while the mean of the planes stays.
/// Depends on the place in the picture alone; `region` says which one the planes [3, height, width] are.
void add_chroma_noise(float* planes, const float* level, const cv::Rect& region);

/// How a cleaned region goes back.
struct PlaneWrite {
  cv::Rect planes;       ///< the region the planes cover
  cv::Rect region;       ///< the part of it to write; what lies past the right and bottom border is dropped
  ChannelOrder order;    ///< as for read_planes
  bool average = false;  ///< all planes are estimates of the one grey channel: their mean is written
  double strength = 1;   ///< 0 leaves the picture, 1 takes the planes, linear between
};

/// Writes planes [count, height, width] into `target` (same size and type as `source`), rounded and clipped for integer
/// depths. Only the channels named by `order` are touched. Disjoint regions may be written by several threads at once.
void write_planes(const float* planes, const PlaneWrite& write, const Image& source, cv::Mat& target);

}  // namespace latentflow::denoise

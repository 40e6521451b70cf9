// scenes.h: pictures drawn by formulas and a seed; what draw_samples delivers.
#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>

namespace latentflow::image {

using Colour = cv::Vec3f;  ///< B, G, R, nominally 0..1, as displayed (sRGB)

/// The colour at a point: y runs from 0 (top) to 1 (bottom), x from 0 to width / height.
using Scene = std::function<Colour(float x, float y)>;

/// Where a scene is drawn: its aspect ratio, and the pixel height for scenes that must not alias.
struct Frame {
  float aspect = 1.5f;
  int pixel_height = 256;
};

Scene draw_hills(std::uint64_t seed,
                 const Frame& frame);  ///< mountain ridges in haze under a low sun: soft gradients, fine edges
Scene draw_spheres(std::uint64_t seed, const Frame& frame);  ///< shaded balls on a table: soft shadows, highlights
Scene draw_fabric(std::uint64_t seed, const Frame& frame);   ///< tartan in twill weave: regular fine texture
Scene draw_shapes(std::uint64_t seed, const Frame& frame);   ///< discs, bars, triangles: flat areas with sharp edges
Scene draw_rings(std::uint64_t seed,
                 const Frame& frame);  ///< zone plate, star and checkerboard: every frequency and direction
Scene draw_marble(std::uint64_t seed, const Frame& frame);  ///< veined stone: texture on all scales
Scene draw_lights(std::uint64_t seed, const Frame& frame);  ///< blurred lamps at night: dark, smooth, saturated

/// A page of text in several sizes: strokes of one to three pixels. The whole picture, CV_8UC3.
cv::Mat draw_letter(std::uint64_t seed, cv::Size size);

/// The scene as CV_8UC3, `samples` x `samples` points per pixel.
cv::Mat render(const Scene& scene, cv::Size size, int samples);

}  // namespace latentflow::image

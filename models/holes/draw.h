// draw.h: draws masks of many kinds from numbers alone, for training, for measuring and for demonstrations.
#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>
#include <string_view>

namespace latentflow::holes {

/// random: every pixel by itself. thin, medium, thick: brush strokes that turn at joints, by the numbers of Suvorov et
/// al.
/// ("Resolution-robust Large Mask Inpainting with Fourier Convolutions", WACV 2022, supplement), boxes among the wider
/// ones. scratches: long lines of 1 to 4 pixels. text: lines of letters and digits. box: one square.
enum class MaskKind { random, thin, medium, thick, scratches, text, box };
inline constexpr std::array<std::string_view, 7> mask_kind_names{"random",    "thin", "medium", "thick",
                                                                 "scratches", "text", "box"};

struct MaskDrawing {
  MaskKind kind = MaskKind::random;
  /// random: the share of missing pixels, 0..1. box: its side in pixels. Drawn evenly from this range; others ignore
  /// it.
  std::array<double, 2> amount{0.5, 0.5};
  bool centred = false;  ///< box: in the middle, else anywhere
};

/// A mask of this size (see mask.h); depends on the arguments alone. Numbers of strokes grow with the area, their
/// widths and lengths do not; strokes and letters end before they cover more than half of the picture, and cover at
/// least a pixel.
cv::Mat draw_mask(cv::Size size, const MaskDrawing& drawing, std::uint64_t key);

}  // namespace latentflow::holes

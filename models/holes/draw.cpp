// draw.cpp: see draw.h.
#include "draw.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <string>

#include "mask.h"

namespace latentflow::holes {
namespace {

constexpr double most_covered = 0.5;
constexpr double reference_area = 256.0 * 256.0;  // of the pictures that the numbers of strokes were published for
constexpr double full_turn = 2 * CV_PI;

/// Brush strokes: how many on 256x256 pixels, and of what kind.
struct Brush {
  int fewest, most, joints;
  double width, length;  ///< at most, in pixels
  double boxes;          ///< share of drawings that have boxes, too
  int smallest_box, largest_box;
};
constexpr Brush thin_brush{4, 50, 10, 10, 40, 0, 0, 0}, medium_brush{4, 5, 5, 50, 60, 0.3, 10, 50},
    thick_brush{1, 5, 4, 100, 200, 0.3, 30, 150};

class Drawer {
 public:
  Drawer(cv::Size size, std::uint64_t key) : mask_(size, CV_8UC1, cv::Scalar(known)), rng_(key) {}

  cv::Mat take() { return mask_; }

  void random_pixels(double share) {
    for (int y = 0; y < mask_.rows; ++y)
      for (int x = 0; x < mask_.cols; ++x)
        if (rng_.uniform(0.0, 1.0) < share) mask_.at<unsigned char>(y, x) = hole;
  }

  void strokes(const Brush& brush) {
    const bool boxes = rng_.uniform(0.0, 1.0) < brush.boxes;
    add(counted(brush.fewest, brush.most), [&](cv::Mat& mask) { stroke(mask, brush); });
    if (boxes)
      add(counted(1, 3), [&](cv::Mat& mask) {
        const cv::Size side(rng_.uniform(brush.smallest_box, brush.largest_box + 1),
                            rng_.uniform(brush.smallest_box, brush.largest_box + 1));
        cv::rectangle(mask, cv::Rect({within(mask.cols), within(mask.rows)}, side), cv::Scalar(hole), cv::FILLED);
      });
  }

  void scratches() {
    add(counted(2, 8), [&](cv::Mat& mask) {
      const int width = rng_.uniform(1, 5);
      double angle = rng_.uniform(0.0, full_turn);
      cv::Point from(within(mask.cols), within(mask.rows));
      for (int joint = rng_.uniform(2, 8); joint > 0; --joint) {
        angle += rng_.uniform(-0.5, 0.5);
        from = line(mask, from, angle, rng_.uniform(10.0, 80.0), width);
      }
    });
  }

  void text() {
    const int shorter = std::min(mask_.cols, mask_.rows);
    const double height = rng_.uniform(8.0, std::clamp(shorter / 8.0, 10.0, 48.0));  // of a capital letter, pixels
    const int font = rng_.uniform(0, 8);                                             // of the eight Hershey fonts
    const int thickness = rng_.uniform(1, 2 + static_cast<int>(height / 10));
    const double scale = cv::getFontScaleFromHeight(font, static_cast<int>(height), thickness);
    const double step = height * rng_.uniform(1.5, 4.0);
    for (double y = rng_.uniform(0.5, 1.5) * height; y < mask_.rows + height; y += step)
      add(1, [&](cv::Mat& mask) {
        const int start = rng_.uniform(-mask.cols / 4, mask.cols / 2);
        const auto letters = static_cast<int>((mask.cols - start) / height) + 2;
        cv::putText(mask, words(rng_.uniform(3, 3 + letters)), {start, static_cast<int>(y)}, font, scale,
                    cv::Scalar(hole), thickness);
      });
  }

  void box(double side, bool centred) {
    const cv::Size size(std::clamp(static_cast<int>(std::lround(side)), 1, mask_.cols),
                        std::clamp(static_cast<int>(std::lround(side)), 1, mask_.rows));
    const cv::Size room(mask_.cols - size.width, mask_.rows - size.height);
    const cv::Point corner = centred ? cv::Point(room.width / 2, room.height / 2)
                                     : cv::Point(within(room.width + 1), within(room.height + 1));
    mask_(cv::Rect(corner, size)).setTo(cv::Scalar(hole));
  }

  double between(const std::array<double, 2>& range) { return rng_.uniform(range[0], range[1] + 1e-12); }

 private:
  int within(int extent) { return rng_.uniform(0, std::max(1, extent)); }

  /// A number of strokes from the range for 256x256 pixels, for the area there is.
  int counted(int fewest, int most) {
    const double area = static_cast<double>(mask_.total()) / reference_area;
    return std::max(1, static_cast<int>(std::lround(rng_.uniform(fewest, most + 1) * area)));
  }

  /// Draws `count` times, but ends before more than the most is covered, asking up to sixteen times on the way. Small
  /// pictures may be missed by every stroke: one pixel of theirs is missing, then.
  template <class Draw>
  void add(int count, Draw&& draw) {
    const int group = (count + 15) / 16;
    for (int i = 0; i < count; i += group) {
      const cv::Mat before = mask_.clone();
      for (int j = i; j < std::min(count, i + group); ++j) draw(mask_);
      if (cv::countNonZero(mask_) <= most_covered * static_cast<double>(mask_.total())) continue;
      mask_ = before;
      break;
    }
    if (cv::countNonZero(mask_) == 0) mask_.at<unsigned char>(within(mask_.rows), within(mask_.cols)) = hole;
  }

  void stroke(cv::Mat& mask, const Brush& brush) {
    const int width = std::max(1, static_cast<int>(rng_.uniform(0.1, 1.0) * brush.width));
    double angle = rng_.uniform(0.0, full_turn);
    cv::Point from(within(mask.cols), within(mask.rows));
    for (int joint = rng_.uniform(1, brush.joints + 1); joint > 0; --joint) {
      angle += rng_.uniform(-1.0, 1.0);
      from = line(mask, from, angle, rng_.uniform(0.2, 1.0) * brush.length, width);
    }
  }

  static cv::Point line(cv::Mat& mask, cv::Point from, double angle, double length, int width) {
    const cv::Point to(from.x + static_cast<int>(length * std::cos(angle)),
                       from.y + static_cast<int>(length * std::sin(angle)));
    cv::line(mask, from, to, cv::Scalar(hole), width);
    if (width > 2) cv::circle(mask, to, width / 2, cv::Scalar(hole), cv::FILLED);
    return to;
  }

  std::string words(int count) {
    static constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789      .,-:/";
    std::string text;
    for (int i = 0; i < count; ++i)
      text += letters[static_cast<std::size_t>(rng_.uniform(0, static_cast<int>(letters.size())))];
    return text;
  }

  cv::Mat mask_;
  cv::RNG rng_;
};

}  // namespace

cv::Mat draw_mask(cv::Size size, const MaskDrawing& drawing, std::uint64_t key) {
  Drawer drawer(size, key);
  switch (drawing.kind) {
    case MaskKind::random: drawer.random_pixels(drawer.between(drawing.amount)); break;
    case MaskKind::thin: drawer.strokes(thin_brush); break;
    case MaskKind::medium: drawer.strokes(medium_brush); break;
    case MaskKind::thick: drawer.strokes(thick_brush); break;
    case MaskKind::scratches: drawer.scratches(); break;
    case MaskKind::text: drawer.text(); break;
    case MaskKind::box: drawer.box(drawer.between(drawing.amount), drawing.centred); break;
  }
  return drawer.take();
}

}  // namespace latentflow::holes

// digits.cpp: see digits.h.
#include "digits.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "dice.h"

namespace latentflow::data {
namespace {

using Point = cv::Point2f;  // x to the right, y down, the digit's box is 0..1
using Stroke = std::vector<Point>;

Stroke ellipse(Point centre, Point radius) {
  Stroke stroke;
  for (int i = 0; i <= 16; ++i) {
    const double angle = 2 * std::numbers::pi * i / 16;
    stroke.push_back(centre + Point(radius.x * static_cast<float>(std::sin(angle)),
                                    -radius.y * static_cast<float>(std::cos(angle))));
  }
  return stroke;
}

std::vector<Stroke> strokes_of(int digit) {
  static const Stroke six{{.66f, .1f}, {.45f, .2f},  {.3f, .42f}, {.26f, .66f}, {.36f, .87f}, {.54f, .93f},
                          {.7f, .83f}, {.73f, .66f}, {.6f, .52f}, {.42f, .53f}, {.28f, .66f}};
  switch (digit) {
    case 0: return {ellipse({.5f, .5f}, {.27f, .42f})};
    case 1: return {{{.36f, .26f}, {.54f, .08f}, {.54f, .92f}}};
    case 2:
      return {{{.22f, .28f},
               {.28f, .14f},
               {.45f, .07f},
               {.64f, .12f},
               {.74f, .27f},
               {.68f, .44f},
               {.5f, .62f},
               {.2f, .92f},
               {.8f, .92f}}};
    case 3:
      return {{{.22f, .18f},
               {.4f, .07f},
               {.62f, .1f},
               {.72f, .25f},
               {.62f, .42f},
               {.42f, .48f},
               {.65f, .53f},
               {.77f, .7f},
               {.66f, .88f},
               {.44f, .94f},
               {.22f, .84f}}};
    case 4: return {{{.58f, .08f}, {.2f, .62f}, {.82f, .62f}}, {{.62f, .36f}, {.62f, .93f}}};
    case 5:
      return {{{.74f, .08f},
               {.3f, .08f},
               {.27f, .45f},
               {.5f, .4f},
               {.7f, .5f},
               {.75f, .68f},
               {.66f, .86f},
               {.45f, .93f},
               {.22f, .85f}}};
    case 6: return {six};
    case 7: return {{{.2f, .1f}, {.78f, .1f}, {.55f, .45f}, {.42f, .92f}}};
    case 8: return {ellipse({.5f, .28f}, {.2f, .2f}), ellipse({.5f, .71f}, {.25f, .22f})};
    default: {
      Stroke nine = six;
      for (Point& point : nine) point = Point(1, 1) - point;
      return {nine};
    }
  }
}

float distance_to(const Point& p, const Point& a, const Point& b) {
  const Point along = b - a, apart = p - a;
  const float length = along.dot(along);
  const float t = length > 0 ? std::clamp(apart.dot(along) / length, 0.0f, 1.0f) : 0.0f;
  const Point rest = apart - t * along;
  return std::sqrt(rest.dot(rest));
}

}  // namespace

cv::Mat draw_digit(int digit, std::uint64_t seed, int size) {
  Dice dice(seed);
  const float turn = dice.between(-0.22f, 0.22f), slant = dice.between(-0.1f, 0.35f);
  const auto side = static_cast<float>(size);
  const float box = side * 20 / 28;  // as in MNIST, the rest is margin
  const float width = box * dice.between(0.78f, 1.05f), height = box * dice.between(0.88f, 1.08f);
  const Point centre(side / 2 + side * dice.between(-0.05f, 0.05f), side / 2 + side * dice.between(-0.05f, 0.05f));
  const float radius = side * dice.between(0.032f, 0.062f);
  const float cosine = std::cos(turn), sine = std::sin(turn);
  std::vector<Stroke> strokes = strokes_of(digit);
  for (Stroke& stroke : strokes)
    for (Point& point : stroke) {
      point += Point(dice.between(-0.03f, 0.03f), dice.between(-0.03f, 0.03f)) - Point(0.5f, 0.5f);
      const Point scaled(width * (point.x - slant * point.y), height * point.y);
      point = centre + Point(cosine * scaled.x - sine * scaled.y, sine * scaled.x + cosine * scaled.y);
    }
  cv::Mat picture(size, size, CV_8U);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      const Point at(static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
      float nearest = 2 * side;
      for (const Stroke& stroke : strokes)
        for (std::size_t i = 1; i < stroke.size(); ++i)
          nearest = std::min(nearest, distance_to(at, stroke[i - 1], stroke[i]));
      // A soft edge one pixel wide.
      picture.at<std::uint8_t>(y, x) =
          static_cast<std::uint8_t>(std::lround(255 * std::clamp(radius + 0.5f - nearest, 0.0f, 1.0f)));
    }
  return picture;
}

cv::Mat drawn_digit_of(std::uint64_t index, std::int64_t seed, int size) {
  return draw_digit(drawn_label(index), item_key(seed, index), size);
}

}  // namespace latentflow::data

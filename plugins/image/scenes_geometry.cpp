// scenes_geometry.cpp: fabric, shapes, rings, the letter, and rendering; see scenes.h.
#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "lattice_noise.h"
#include "scenes.h"

namespace latentflow::image {
namespace {

constexpr float byte = 1 / 255.0f, pi = 3.14159265f;
Colour rgb(int r, int g, int b) {
  return {static_cast<float>(b) * byte, static_cast<float>(g) * byte, static_cast<float>(r) * byte};
}
Colour mix(const Colour& a, const Colour& b, float t) { return a + (b - a) * t; }

}  // namespace

Scene draw_fabric(std::uint64_t seed, const Frame& frame) {
  static const std::array<std::array<Colour, 4>, 3> dyes{
      {{rgb(158, 32, 40), rgb(24, 44, 38), rgb(28, 38, 84), rgb(238, 206, 120)},
       {rgb(38, 78, 92), rgb(220, 208, 184), rgb(126, 52, 44), rgb(236, 168, 72)},
       {rgb(92, 104, 60), rgb(44, 40, 38), rgb(196, 120, 60), rgb(232, 224, 204)}}};
  Dice dice(seed);
  const std::array<Colour, 4> dye = dyes[static_cast<std::size_t>(dice.below(3))];
  // The set of a tartan: widths in threads, mirrored at both ends.
  std::vector<int> set;
  for (int stripe = 0; stripe < 7; ++stripe) {
    const int colour = stripe % 2 == 0 ? 0 : 1 + dice.below(3);
    const int threads = colour == 3 ? 2 : 4 + dice.below(9);
    set.insert(set.end(), static_cast<std::size_t>(threads), colour);
  }
  set.insert(set.end(), set.rbegin(), set.rend());
  // A thread is at least five pixels wide, so that its shading survives.
  const float threads = std::fmin(84.0f, static_cast<float>(frame.pixel_height) / 5.0f),
              turn = dice.between(-0.12f, 0.12f);
  return [=](float x, float y) {
    const float fold = 0.012f * std::sin(3.1f * x + 2.2f * y) + 0.02f * fractal(x * 1.5f, y * 1.5f, 3, seed + 1);
    const float u = (x * std::cos(turn) - y * std::sin(turn) + fold) * threads + 400,
                v = (x * std::sin(turn) + y * std::cos(turn) + fold) * threads + 400;
    const int i = static_cast<int>(std::floor(u)), j = static_cast<int>(std::floor(v));
    const bool warp = ((i + j) & 3) < 2;  // 2/2 twill
    const int thread = warp ? i : j;
    const float across = (warp ? u : v) - static_cast<float>(thread) - 0.5f, along = warp ? v : u;
    const Colour base = dye[static_cast<std::size_t>(set[static_cast<std::size_t>(thread) % set.size()])];
    const float round = std::sqrt(std::fmax(0.0f, 1 - 3.2f * across * across));
    const float twist = 0.5f + 0.5f * std::sin((along * 1.6f + across * 2.4f) * 2 * pi);
    const float uneven = lattice(along * 0.7f, static_cast<float>(thread) * 3.7f, seed + 2);
    const float shade = (0.42f + 0.62f * round) * (0.88f + 0.14f * twist) * (0.86f + 0.28f * uneven);
    const float folds = 0.84f + 0.32f * fractal(x * 1.3f + 5, y * 1.3f, 3, seed + 3);
    return Colour(mix(base, Colour::all(0.9f), 0.05f * round) * (shade * folds * (warp ? 1.04f : 0.96f)));
  };
}

Scene draw_shapes(std::uint64_t seed, const Frame& frame) {
  struct Shape {
    int kind;  // disc, ring, bar, square, triangle, stripes
    float x, y, size, cosine, sine;
    Colour colour;
  };
  static const std::array<Colour, 6> palette{rgb(208, 58, 44), rgb(238, 182, 52), rgb(36, 78, 142),
                                             rgb(32, 32, 36),  rgb(92, 150, 144), rgb(226, 122, 84)};
  Dice dice(seed);
  std::vector<Shape> shapes;
  for (int i = 0; i < 17; ++i) {
    const float angle = dice.between(0, 2 * pi), size = dice.between(0.05f, 0.26f) * (i < 6 ? 1.25f : 0.75f);
    shapes.push_back({i % 6, dice.between(0.04f, 0.96f) * frame.aspect, dice.between(0.06f, 0.94f), size,
                      std::cos(angle), std::sin(angle), palette[static_cast<std::size_t>(dice.below(6))]});
  }
  const Colour ground = rgb(242, 234, 218);
  return [=](float x, float y) {
    Colour colour = ground;
    for (const Shape& shape : shapes) {
      const float dx = (x - shape.x) / shape.size, dy = (y - shape.y) / shape.size;
      const float u = dx * shape.cosine + dy * shape.sine, v = dy * shape.cosine - dx * shape.sine,
                  r = std::hypot(u, v);
      bool inside = false;
      switch (shape.kind) {
        case 0: inside = r < 0.9f; break;
        case 1: inside = r < 1 && r > 0.72f; break;
        case 2: inside = std::abs(u) < 1.9f && std::abs(v) < 0.11f; break;
        case 3: inside = std::abs(u) < 0.7f && std::abs(v) < 0.7f; break;
        case 4: inside = v > -0.5f && std::abs(u) * 1.732f + v < 1; break;
        default: inside = std::abs(u) < 0.9f && std::abs(v) < 0.9f && v * 5 - std::floor(v * 5) < 0.42f; break;
      }
      if (inside) colour = shape.kind == 0 ? shape.colour * (1.04f - 0.16f * (u + 1)) : shape.colour;
    }
    return colour;
  };
}

Scene draw_rings(std::uint64_t seed, const Frame& frame) {
  Dice dice(seed);
  const float cx = frame.aspect * dice.between(0.3f, 0.7f), cy = dice.between(0.35f, 0.65f);
  const float reach = std::hypot(std::fmax(cx, frame.aspect - cx), std::fmax(cy, 1 - cy));
  // Phase k r^2: its frequency k r / pi ends at a fifth of the sampling rate in the farthest corner.
  const float k = 0.2f * static_cast<float>(frame.pixel_height) * pi / reach;
  const Colour dark = rgb(28, 34, 60), light = rgb(244, 238, 224), accent = rgb(196, 74, 50);
  const float star_x = cx < frame.aspect / 2 ? frame.aspect - 0.24f : 0.24f,
              board_x = cx < frame.aspect / 2 ? frame.aspect - 0.42f : 0.06f;
  return [=](float x, float y) {
    const float star = std::hypot(x - star_x, y - 0.26f);
    if (star < 0.19f) {
      if (star > 0.18f) return dark;
      const float spokes = std::sin(18 * std::atan2(y - 0.26f, x - star_x));
      return star < 0.02f ? accent : spokes > 0 ? accent : light;
    }
    const float bx = (x - board_x) / 0.36f, by = (y - 0.58f) / 0.36f;
    if (bx > 0 && bx < 1 && by > 0 && by < 1) {
      const int cells = by < 0.5f ? (bx < 0.5f ? 6 : 12) : (bx < 0.5f ? 24 : 48);
      const int step =
          std::min(cells, std::max(2, static_cast<int>(0.36f * static_cast<float>(frame.pixel_height) / 3)));
      const int sum = static_cast<int>(bx * static_cast<float>(step)) + static_cast<int>(by * static_cast<float>(step));
      return sum % 2 == 0 ? dark : light;
    }
    const float r = std::hypot(x - cx, y - cy);
    return mix(dark, light, 0.5f + 0.5f * std::cos(k * r * r));
  };
}

cv::Mat draw_letter(std::uint64_t seed, cv::Size size) {
  static const std::array<const char*, 8> sentences{
      "A picture is a row of numbers, and noise is what the numbers say when nothing was there.",
      "An autoencoder learns which numbers belong together: it keeps the strokes of a letter and forgets the grain of "
      "the film.",
      "Pack my box with five dozen liquor jugs.",
      "Sphinx of black quartz, judge my vow!",
      "What is left over is the part that repeats nowhere else.",
      "The five boxing wizards jump quickly; [x + y = 2z].",
      "0123456789 (%&?) makes no sense, and that is why it is hard to guess.",
      "How vexingly quick daft zebras jump."};
  Dice dice(seed);
  constexpr int zoom = 2;
  const int width = size.width * zoom, height = size.height * zoom;
  cv::Mat page(height, width, CV_8UC3, cv::Scalar(226, 240, 247));
  const cv::Scalar ink(66, 40, 34), red(40, 44, 168);
  const double unit = std::max(4.0, height / 16.0);  // height of a line of the body
  const double left = unit * 1.1, right = width - left;
  const auto write = [&](const std::string& text, double x, double y, double letter, int font, const cv::Scalar& colour,
                         double bold) {
    const double scale = letter / 30;  // capitals of these fonts are about 21 of 30 units
    cv::putText(page, text, {cvRound(x), cvRound(y)}, font, scale, colour, std::max(1, cvRound(scale * 1.6 * bold)),
                cv::LINE_AA);
  };
  write("Dear noise,", left, unit * 2.2, unit * 1.9, cv::FONT_HERSHEY_SCRIPT_COMPLEX, red, 1.3);
  cv::line(page, {cvRound(left), cvRound(unit * 2.9)}, {cvRound(right), cvRound(unit * 2.9)}, red,
           std::max(1, cvRound(unit / 14)), cv::LINE_AA);
  std::istringstream words;
  double y = unit * 4.2;
  std::string word;
  for (std::size_t line = 0, sentence = static_cast<std::size_t>(dice.below(8)); y < height - unit * 0.4; ++line) {
    const double letter = line < 4 ? unit * 0.95 : line < 8 ? unit * 0.72 : unit * 0.55;
    const int font = line < 4 || line % 5 == 4 ? cv::FONT_HERSHEY_COMPLEX : cv::FONT_HERSHEY_SIMPLEX;
    for (double x = left;;) {
      while (word.empty() && !(words >> word)) words = std::istringstream(sentences[sentence++ % sentences.size()]);
      const double extent = cv::getTextSize(word, font, letter / 30, 1, nullptr).width;
      if (x + extent > right && x > left) break;  // the word begins the next line
      write(word, x, y, letter, font, ink, 1);
      x += extent + letter * 0.5;
      word.clear();
    }
    y += letter * 1.28;
  }
  cv::Mat small;
  cv::resize(page, small, size, 0, 0, cv::INTER_AREA);
  // Paper is never evenly lit.
  const float corner = dice.between(0.6f, 1.0f);
  for (int row = 0; row < small.rows; ++row)
    for (int column = 0; column < small.cols; ++column) {
      const float u = static_cast<float>(column) / static_cast<float>(small.cols),
                  v = static_cast<float>(row) / static_cast<float>(small.rows);
      const float shade = 1 - 0.22f * corner * (u * u + v * v) / 2 - 0.03f * fractal(u * 9, v * 9, 4, seed + 1);
      cv::Vec3b& pixel = small.at<cv::Vec3b>(row, column);
      for (int c = 0; c < 3; ++c) pixel[c] = cv::saturate_cast<std::uint8_t>(static_cast<float>(pixel[c]) * shade);
    }
  return small;
}

cv::Mat render(const Scene& scene, cv::Size size, int samples) {
  cv::Mat picture(size, CV_8UC3);
  const float pixel = 1.0f / static_cast<float>(size.height), step = pixel / static_cast<float>(samples);
  for (int row = 0; row < size.height; ++row)
    for (int column = 0; column < size.width; ++column) {
      Colour sum(0, 0, 0);
      for (int j = 0; j < samples; ++j)
        for (int i = 0; i < samples; ++i)
          sum += scene(static_cast<float>(column) * pixel + (static_cast<float>(i) + 0.5f) * step,
                       static_cast<float>(row) * pixel + (static_cast<float>(j) + 0.5f) * step);
      const float scale = 255.0f / static_cast<float>(samples * samples);
      cv::Vec3b& target = picture.at<cv::Vec3b>(row, column);
      for (int c = 0; c < 3; ++c) target[c] = cv::saturate_cast<std::uint8_t>(sum[c] * scale);
    }
  return picture;
}

}  // namespace latentflow::image

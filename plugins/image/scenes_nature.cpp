// scenes_nature.cpp: hills, spheres, marble and lights; see scenes.h.
#include <array>
#include <vector>

#include "lattice_noise.h"
#include "scenes.h"

namespace latentflow::image {
namespace {

/// From the order in which people write colours.
constexpr float byte = 1 / 255.0f;
Colour rgb(int r, int g, int b) {
  return {static_cast<float>(b) * byte, static_cast<float>(g) * byte, static_cast<float>(r) * byte};
}
Colour mix(const Colour& a, const Colour& b, float t) { return a + (b - a) * t; }

struct Daytime {
  Colour zenith, horizon, sun, far, near;
};

}  // namespace

Scene draw_hills(std::uint64_t seed, const Frame& frame) {
  static const std::array<Daytime, 3> times{
      {{rgb(72, 110, 168), rgb(252, 206, 160), rgb(255, 244, 214), rgb(176, 164, 188), rgb(24, 44, 52)},
       {rgb(58, 52, 104), rgb(246, 136, 96), rgb(255, 226, 170), rgb(178, 112, 128), rgb(30, 22, 44)},
       {rgb(84, 146, 206), rgb(214, 232, 240), rgb(255, 255, 246), rgb(150, 184, 200), rgb(26, 62, 44)}}};
  Dice dice(seed);
  const Daytime time = times[static_cast<std::size_t>(dice.below(3))];
  const float sun_x = dice.between(0.2f, 0.8f) * frame.aspect, sun_y = dice.between(0.22f, 0.4f);
  constexpr int ridges = 6;
  const auto crest_of = [=](int i, float depth, float x) {
    const float steep = 1.6f + 1.1f * depth;
    const float bump =
        fractal(x * steep + 17.0f * static_cast<float>(i), 0.5f, 6, seed + 11 + static_cast<std::uint64_t>(i));
    float crest = 0.40f + 0.50f * depth * depth + 0.06f * depth - (0.30f - 0.14f * depth) * (bump - 0.35f);
    if (i >= 3) {  // pointed trees along the nearer crests
      const float cell = x * (70.0f - 16.0f * static_cast<float>(i - 3)),
                  tip = std::abs(cell - std::floor(cell) - 0.5f) * 2;
      crest -= (0.012f + 0.035f * depth) * lattice(std::floor(cell), 3.0f, seed + 31 + static_cast<std::uint64_t>(i)) *
               (1 - tip);
    }
    return crest;
  };
  return [=](float x, float y) {
    for (int i = ridges - 1; i >= 0 && y > 0.2f; --i) {  // from the nearest, which hides the others
      const float depth = static_cast<float>(i) / (ridges - 1), crest = crest_of(i, depth, x);
      if (y < crest) continue;
      const Colour base = mix(time.far, time.near, std::pow(depth, 0.7f));
      const float grain = fractal(x * 26, y * 40, 3, seed + 51 + static_cast<std::uint64_t>(i)) - 0.5f;
      const float light = std::exp(-(y - crest) * 22.0f) * 0.16f * (1 - 0.6f * depth);
      const float mist = smooth_step(0.0f, 0.22f, y - crest) * 0.38f * (1 - depth);
      return mix(mix(base * (1 + 0.45f * grain * (0.15f + depth)), time.sun, light), time.horizon, mist);
    }
    Colour colour = mix(time.zenith, time.horizon, std::pow(std::fmin(1.0f, y / 0.5f), 1.3f));
    const float away = std::hypot(x - sun_x, y - sun_y);
    colour = mix(colour, time.sun, 0.75f * std::exp(-away * 5.0f) + 0.25f * std::exp(-away * 1.6f));
    if (away < 0.05f) colour = mix(colour, time.sun, smooth_step(0.05f, 0.046f, away));
    const float cloud = fractal(x * 2.2f + 9, y * 7.5f, 5, seed + 1);
    return mix(colour, time.sun, 0.45f * smooth_step(0.52f, 0.8f, cloud) * smooth_step(0.62f, 0.15f, y));
  };
}

Scene draw_spheres(std::uint64_t seed, const Frame& frame) {
  struct Ball {
    cv::Vec3f centre;
    float radius;
    Colour paint;
    float shine;
  };
  static const std::array<Colour, 6> paints{rgb(204, 62, 54), rgb(236, 170, 58),  rgb(58, 128, 122),
                                            rgb(66, 92, 158), rgb(230, 222, 208), rgb(134, 74, 112)};
  Dice dice(seed);
  std::vector<Ball> balls;
  const int first = dice.below(6);
  for (int tries = 0; tries < 200 && balls.size() < 6; ++tries) {
    Ball ball{{},
              dice.between(0.26f, 0.62f),
              paints[(static_cast<std::size_t>(first) + balls.size()) % 6],
              dice.between(12, 90)};
    ball.centre = {dice.between(-1.25f, 1.25f) * frame.aspect, ball.radius, dice.between(0.1f, 2.6f)};
    bool apart = true;
    for (const Ball& other : balls)
      apart = apart && cv::norm(ball.centre - other.centre) > ball.radius + other.radius + 0.04f;
    if (apart) balls.push_back(ball);
  }
  const cv::Vec3f light = cv::normalize(cv::Vec3f(-0.55f, 1.0f, -0.65f));
  const cv::Vec3f eye(0, 1.35f, -4.2f);
  const auto hit = [](const Ball& ball, const cv::Vec3f& from, const cv::Vec3f& ray) {
    const cv::Vec3f to = from - ball.centre;
    const float b = to.dot(ray), inside = b * b - to.dot(to) + ball.radius * ball.radius;
    return inside < 0 ? -1.0f : -b - std::sqrt(inside);
  };
  const Colour wall_low = rgb(226, 214, 198), wall_high = rgb(120, 138, 156), wood_light = rgb(196, 152, 108),
               wood_dark = rgb(120, 78, 48);
  return [=](float x, float y) {
    const cv::Vec3f ray = cv::normalize(cv::Vec3f((x - frame.aspect / 2) * 1.05f, (0.42f - y) * 1.05f, 1.55f));
    float nearest = 1e9f;
    const Ball* found = nullptr;
    for (const Ball& ball : balls)
      if (const float t = hit(ball, eye, ray); t > 0 && t < nearest) nearest = t, found = &ball;
    // Penumbra: how closely a ray to the light passes by a ball, in units of the ball.
    const auto lit = [&](const cv::Vec3f& point, const Ball* self) {
      float open = 1;
      for (const Ball& ball : balls) {
        if (&ball == self) continue;
        const cv::Vec3f to = ball.centre - point;
        const float along = to.dot(light);
        if (along <= 0) continue;
        const float miss = std::sqrt(std::fmax(0.0f, to.dot(to) - along * along));
        open = std::fmin(open, smooth_step(-0.22f, 0.22f, (miss - ball.radius) / (0.35f + along * 0.45f)));
      }
      return open;
    };
    if (found != nullptr) {
      const cv::Vec3f point = eye + ray * nearest, normal = (point - found->centre) * (1 / found->radius);
      const float facing = normal.dot(light), sky = 0.5f + 0.5f * normal[1];
      const float rim = std::pow(1 - std::fmax(0.0f, -normal.dot(ray)), 3.0f);
      const cv::Vec3f mirrored = ray - normal * (2 * ray.dot(normal));
      Colour colour = found->paint * (0.16f + 0.30f * sky + 0.72f * std::fmax(0.0f, facing) * lit(point, found));
      colour += wood_light * (0.16f * (1 - sky) * (1 - sky));
      colour = mix(colour, wall_low, 0.28f * rim);
      return Colour(colour + Colour::all(0.75f * std::pow(std::fmax(0.0f, mirrored.dot(light)), found->shine)));
    }
    const float down = ray[1] < 0 ? -eye[1] / ray[1] : 1e9f;
    const float back_wall = 6.5f;  // distance of the wall behind the table
    const cv::Vec3f point = eye + ray * down;
    if (down < 1e8f && point[2] < back_wall) {
      const float plank = std::floor(point[0] * 1.1f + 40);
      const float rings =
          fractal(point[0] * 9, point[2] * 0.9f + plank * 5, 5, seed + 3 + static_cast<std::uint64_t>(plank));
      const float seam = smooth_step(0.0f, 0.02f, std::abs(point[0] * 1.1f + 40 - plank - 0.5f) * -1 + 0.5f);
      Colour wood = mix(wood_dark, wood_light, 0.35f + 0.6f * rings) * (0.65f + 0.35f * seam);
      float contact = 1;
      for (const Ball& ball : balls) {
        const float away = std::hypot(point[0] - ball.centre[0], point[2] - ball.centre[2]) / ball.radius;
        contact *= 1 - 0.55f * std::exp(-away * away * 2.2f);
      }
      const float fade = smooth_step(0, back_wall, point[2]);
      return Colour(mix(wood * (0.42f + 0.68f * lit(point, nullptr)) * contact, wall_low, 0.18f * fade));
    }
    return mix(wall_low, wall_high, smooth_step(-0.05f, 0.42f, ray[1])) *
           (0.97f + 0.06f * fractal(x * 3, y * 3, 3, seed + 8));
  };
}

Scene draw_marble(std::uint64_t seed, const Frame&) {
  static const std::array<std::array<Colour, 3>, 3> stones{
      {{rgb(236, 232, 226), rgb(150, 152, 160), rgb(196, 160, 104)},
       {rgb(28, 70, 72), rgb(120, 170, 160), rgb(232, 214, 160)},
       {rgb(92, 34, 38), rgb(196, 120, 104), rgb(244, 224, 206)}}};
  Dice dice(seed);
  const std::array<Colour, 3> stone = stones[static_cast<std::size_t>(dice.below(3))];
  const float turn = dice.between(0, 3.1f);
  return [=](float x, float y) {
    const float u = x * std::cos(turn) + y * std::sin(turn), v = y * std::cos(turn) - x * std::sin(turn);
    const float warp_u = fractal(u * 2.3f, v * 2.3f, 5, seed + 1),
                warp_v = fractal(u * 2.3f + 31, v * 2.3f, 5, seed + 2);
    const float body = fractal(u * 2 + 3.2f * warp_u, v * 2 + 3.2f * warp_v, 6, seed + 3);
    const float vein = 1 - std::abs(2 * fractal(u * 1.7f + 2.6f * warp_v, v * 1.7f, 6, seed + 4) - 1);
    const float fine = 1 - std::abs(2 * fractal(u * 6 + warp_u * 4, v * 6, 5, seed + 5) - 1);
    Colour colour = mix(stone[0], stone[1], smooth_step(0.3f, 0.72f, body));
    colour = mix(colour, stone[2], 0.85f * smooth_step(0.93f, 0.995f, vein));
    colour = mix(colour, stone[2], 0.35f * smooth_step(0.95f, 1.0f, fine));
    return Colour(colour * (0.94f + 0.12f * fractal(x * 90, y * 90, 2, seed + 6)));
  };
}

Scene draw_lights(std::uint64_t seed, const Frame& frame) {
  struct Lamp {
    float x, y, radius, strength;
    Colour colour;
  };
  static const std::array<Colour, 5> glows{rgb(255, 176, 84), rgb(255, 226, 168), rgb(255, 92, 72), rgb(96, 176, 255),
                                           rgb(122, 230, 178)};
  Dice dice(seed);
  std::vector<Lamp> lamps;
  for (int i = 0; i < 46; ++i) {
    const float near = dice.between(0, 1);
    lamps.push_back({dice.between(-0.05f, 1.05f) * frame.aspect, 0.60f + dice.between(-0.34f, 0.22f) * (0.35f + near),
                     0.018f + 0.07f * near * near, dice.between(0.25f, 0.8f) * (1.15f - 0.6f * near),
                     glows[static_cast<std::size_t>(dice.below(5))]});
  }
  const Colour night = rgb(12, 16, 38), dusk = rgb(74, 44, 84), street = rgb(18, 16, 26);
  return [=](float x, float y) {
    Colour colour = y < 0.62f ? mix(night, dusk, y / 0.62f) : mix(dusk, street, std::fmin(1.0f, (y - 0.62f) / 0.12f));
    const float ripple = 0.6f + 0.4f * lattice(x * 30, y * 90, seed + 5);
    for (const Lamp& lamp : lamps) {
      const float dx = (x - lamp.x) / lamp.radius, dy = (y - lamp.y) / lamp.radius;
      if (std::abs(dx) > 5) continue;
      const float away = std::sqrt(dx * dx + dy * dy);
      const float disc = smooth_step(1.06f, 0.94f, away) * (0.72f + 0.28f * smooth_step(0.55f, 1.0f, away));
      const float halo = 0.16f * std::exp(-away) * smooth_step(5.0f, 3.0f, away);
      // Its reflection on the wet street, stretched downwards.
      const float below = (y - 0.80f - (0.62f - lamp.y) * 0.3f) / (lamp.radius * 4.2f), side = dx / 0.9f;
      const float wet = y > 0.66f ? 0.32f * std::exp(-(below * below + side * side)) * ripple : 0.0f;
      colour += lamp.colour * (lamp.strength * (disc + halo + wet));
    }
    // Bright sums bend towards white instead of clipping.
    for (int c = 0; c < 3; ++c) colour[c] = 1 - std::exp(-1.25f * colour[c]);
    return colour;
  };
}

}  // namespace latentflow::image

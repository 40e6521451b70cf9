// planes_test.cpp: grey noise becomes noise as a colour network knows it.
#include "denoise/planes.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace latentflow::denoise {
namespace {

constexpr int side = 200;
constexpr std::size_t size = side * side;

TEST(ChromaNoise, MakesGreyNoiseIndependentAndKeepsTheMean) {
  constexpr float level = 0.3f;  // grey noise of 0.3 / sqrt(3)
  std::mt19937 generator(5);
  std::normal_distribution<float> normal(0, level / std::sqrt(3.0f));
  std::vector<float> grey(size);
  for (float& one : grey) one = normal(generator);
  std::vector<float> planes;
  for (int plane = 0; plane < 3; ++plane) planes.insert(planes.end(), grey.begin(), grey.end());
  const std::vector<float> levels(size, level);
  add_chroma_noise(planes.data(), levels.data(), {0, 0, side, side});

  double products[3][3] = {};
  for (std::size_t i = 0; i < size; ++i) {
    const std::array<double, 3> pixel{planes[i], planes[i + size], planes[i + 2 * size]};
    EXPECT_NEAR((pixel[0] + pixel[1] + pixel[2]) / 3, grey[i], 1e-6);
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) products[a][b] += pixel[a] * pixel[b] / static_cast<double>(size);
  }
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) EXPECT_NEAR(products[a][b] / (level * level), a == b ? 1 : 0, 0.03) << a << ", " << b;
}

TEST(ChromaNoise, DependsOnThePlaceInThePictureAlone) {
  const std::vector<float> levels(size, 1);
  std::vector<float> whole(3 * size), part(3 * 50 * 60);
  add_chroma_noise(whole.data(), levels.data(), {0, 0, side, side});
  add_chroma_noise(part.data(), levels.data(), {30, 70, 60, 50});
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < 50; ++y)
      for (int x = 0; x < 60; ++x)
        ASSERT_EQ(part[static_cast<std::size_t>((plane * 50 + y) * 60 + x)],
                  whole[static_cast<std::size_t>(plane) * size + static_cast<std::size_t>((y + 70) * side + x + 30)]);
}

TEST(ChromaNoise, IsNoneWhereTheLevelIsZero) {
  const std::vector<float> levels(size, 0);
  std::vector<float> planes(3 * size, 0.5f);
  add_chroma_noise(planes.data(), levels.data(), {0, 0, side, side});
  EXPECT_EQ(planes, std::vector<float>(3 * size, 0.5f));
}

}  // namespace
}  // namespace latentflow::denoise

// gemm_test.cpp: products on all threads against plain loops.
#include "nn/bfloat_gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "nn/quantization.h"

namespace latentflow::nn {
namespace {

std::vector<float> random_matrix(std::int64_t numbers, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> matrix(static_cast<std::size_t>(numbers));
  for (float& number : matrix) number = uniform(generator);
  return matrix;
}

struct Extents {
  std::int64_t rows, columns, depth;
};

TEST(Gemm, EqualsPlainLoops) {
  // The first is one block, the others have several, the last of them partly filled.
  for (const Extents& e : {Extents{3, 5, 7}, {300, 150, 40}, {257, 129, 33}, {20, 700, 90}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const float beta : {0.0f, 1.0f}) {
          const std::vector<float> a = random_matrix(e.rows * e.depth, 1), b = random_matrix(e.depth * e.columns, 2);
          std::vector<float> c = random_matrix(e.rows * e.columns, 3);
          const std::vector<float> before = c;
          Gemm{ta, tb, e.rows, e.columns, e.depth, beta}(a.data(), b.data(), c.data());
          float worst = 0;
          for (std::int64_t i = 0; i < e.rows; ++i)
            for (std::int64_t j = 0; j < e.columns; ++j) {
              const auto at = static_cast<std::size_t>(i * e.columns + j);
              float sum = beta * before[at];
              for (std::int64_t k = 0; k < e.depth; ++k)
                sum += a[static_cast<std::size_t>(ta ? k * e.rows + i : i * e.depth + k)] *
                       b[static_cast<std::size_t>(tb ? j * e.depth + k : k * e.columns + j)];
              worst = std::max(worst, std::abs(sum - c[at]));
            }
          EXPECT_LT(worst, 2e-5f) << e.rows << "x" << e.columns << "x" << e.depth << " " << ta << tb << beta;
        }
}

/// The nearest number with 8 bits of precision.
double rounded_to_bfloat(float value) {
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(value), &exponent);
  return std::ldexp(std::nearbyint(fraction * 256), exponent - 8);
}

TEST(BfloatGemm, EqualsPlainLoopsOverRoundedNumbers) {
  if (const Status possible = check_bfloat("f32"); !possible) GTEST_SKIP() << possible.error().message;
  BfloatGemm product;
  // One block, several with the last partly filled, the same rows as both of these, and one that stays in float.
  for (const Extents& e : {Extents{100, 120, 90}, {300, 150, 40}, {257, 129, 33}, {44, 150, 400}, {20, 30, 40}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const float beta : {0.0f, 1.0f}) {
          const std::vector<float> a = random_matrix(e.rows * e.depth, 1), b = random_matrix(e.depth * e.columns, 2);
          std::vector<float> c = random_matrix(e.rows * e.columns, 3);
          const std::vector<float> before = c;
          const bool rounds = e.rows * e.columns * e.depth > std::int64_t{1} << 20;
          product({ta, tb, e.rows, e.columns, e.depth, beta}, a.data(), b.data(), c.data());
          double worst = 0, from_float = 0;
          for (std::int64_t i = 0; i < e.rows; ++i)
            for (std::int64_t j = 0; j < e.columns; ++j) {
              const auto at = static_cast<std::size_t>(i * e.columns + j);
              double sum = static_cast<double>(beta * before[at]), exact = sum;
              for (std::int64_t k = 0; k < e.depth; ++k) {
                const float from_a = a[static_cast<std::size_t>(ta ? k * e.rows + i : i * e.depth + k)],
                            from_b = b[static_cast<std::size_t>(tb ? j * e.depth + k : k * e.columns + j)];
                exact += static_cast<double>(from_a) * static_cast<double>(from_b);
                sum += rounded_to_bfloat(from_a) * rounded_to_bfloat(from_b);
              }
              worst = std::max(worst, std::abs((rounds ? sum : exact) - static_cast<double>(c[at])));
              from_float = std::max(from_float, std::abs(exact - static_cast<double>(c[at])));
            }
          EXPECT_LT(worst, 1e-4) << e.rows << "x" << e.columns << "x" << e.depth << " " << ta << tb << beta;
          EXPECT_EQ(from_float > 1e-3, rounds) << "large products are rounded, small ones stay in float";
        }
}

}  // namespace
}  // namespace latentflow::nn

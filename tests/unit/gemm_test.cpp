// gemm_test.cpp: products on all threads against plain loops.
#include "nn/bfloat_gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
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

/// The nearest number with 8 bits of precision.
double rounded_to_bfloat(float value) {
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(value), &exponent);
  return std::ldexp(std::nearbyint(fraction * 256), exponent - 8);
}

/// How far a product is from plain loops in double, at most: over the numbers as they are, and rounded to bfloat16.
struct Distance {
  double exact = 0, rounded = 0;
};

template <class Product>
Distance distance_to_loops(const Product& product, const Gemm& gemm) {
  const auto [ta, tb, rows, columns, depth, beta] = gemm;
  const std::vector<float> a = random_matrix(rows * depth, 1), b = random_matrix(depth * columns, 2);
  std::vector<float> c = random_matrix(rows * columns, 3);
  const std::vector<float> before = c;
  product(gemm, a.data(), b.data(), c.data());
  Distance most;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      const auto at = static_cast<std::size_t>(i * columns + j);
      double exact = static_cast<double>(beta * before[at]), rounded = exact;
      for (std::int64_t k = 0; k < depth; ++k) {
        const float from_a = a[static_cast<std::size_t>(ta ? k * rows + i : i * depth + k)],
                    from_b = b[static_cast<std::size_t>(tb ? j * depth + k : k * columns + j)];
        exact += static_cast<double>(from_a) * static_cast<double>(from_b);
        rounded += rounded_to_bfloat(from_a) * rounded_to_bfloat(from_b);
      }
      most.exact = std::max(most.exact, std::abs(exact - static_cast<double>(c[at])));
      most.rounded = std::max(most.rounded, std::abs(rounded - static_cast<double>(c[at])));
    }
  return most;
}

/// Calls check(gemm) for all transpositions of these extents, written over and added to.
template <class Check>
void for_each_gemm(std::initializer_list<Extents> list, const Check& check) {
  for (const Extents& e : list)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const float beta : {0.0f, 1.0f}) {
          SCOPED_TRACE(testing::Message() << e.rows << "x" << e.columns << "x" << e.depth << " " << ta << tb << beta);
          check(Gemm{ta, tb, e.rows, e.columns, e.depth, beta});
        }
}

TEST(Gemm, EqualsPlainLoops) {
  const auto product = [](const Gemm& gemm, const float* a, const float* b, float* c) { gemm(a, b, c); };
  // The first is one block, the others have several, the last of them partly filled.
  for_each_gemm({{3, 5, 7}, {300, 150, 40}, {257, 129, 33}, {20, 700, 90}},
                [&](const Gemm& gemm) { EXPECT_LT(distance_to_loops(product, gemm).exact, 2e-5); });
}

TEST(BfloatGemm, EqualsPlainLoopsOverRoundedNumbers) {
  if (const Status possible = check_bfloat("f32"); !possible) GTEST_SKIP() << possible.error().message;
  BfloatGemm multiply;
  const auto product = [&](const Gemm& gemm, const float* a, const float* b, float* c) { multiply(gemm, a, b, c); };
  // One block, several with the last partly filled, and the same rows as both of these.
  for_each_gemm({{100, 120, 90}, {300, 150, 40}, {257, 129, 33}, {44, 150, 400}}, [&](const Gemm& gemm) {
    const Distance distance = distance_to_loops(product, gemm);
    EXPECT_LT(distance.rounded, 1e-4);
    EXPECT_GT(distance.exact, 1e-3);
  });
  for_each_gemm({{20, 30, 40}}, [&](const Gemm& gemm) {
    EXPECT_LT(distance_to_loops(product, gemm).exact, 2e-5) << "small products stay in float";
  });
}

}  // namespace
}  // namespace latentflow::nn

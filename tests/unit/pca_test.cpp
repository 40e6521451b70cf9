// pca_test.cpp: principal components against a dense double-precision reference, and their defining properties.
#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

#include <limits>

#include "nn/pca.h"
#include "nn/symmetric_eigen.h"
#include "support/low_rank_data.h"

namespace latentflow::nn {
namespace {

using testing::largest_angle;
using testing::plain_pca;
using testing::PlainPca;
using testing::rows_with_decay;

Moments moments_of(const Tensor& rows) {
  Moments moments(rows.dims()[1]);
  EXPECT_TRUE(moments.add(rows.span()).ok());
  return moments;
}

Pca fitted(const Tensor& rows, const PcaOptions& options) {
  Result<Pca> pca = fit_pca(moments_of(rows), options);
  EXPECT_TRUE(pca.ok()) << (pca ? "" : pca.error().message);
  return pca ? *pca : Pca();
}

std::string refusal(const Tensor& rows, const PcaOptions& options) {
  const Result<Pca> pca = fit_pca(moments_of(rows), options);
  return pca ? "" : pca.error().message;
}

void expect_same_bits(const Pca& a, const Pca& b) {
  ASSERT_EQ(a.count(), b.count());
  EXPECT_EQ(a.explained_variance, b.explained_variance);
  EXPECT_EQ(a.total_variance, b.total_variance);
  EXPECT_TRUE(std::equal(a.mean.span().begin(), a.mean.span().end(), b.mean.span().begin()));
  EXPECT_TRUE(std::equal(a.components.span().begin(), a.components.span().end(), b.components.span().begin()));
}

double mean_squared_error(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    sum += std::pow(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]), 2);
  return sum / static_cast<double>(a.dims()[0]);
}

TEST(Pca, EqualsADenseReferenceInDouble) {
  struct Row {
    std::int64_t items, features, components;
    double decay, offset;
  };
  // Several blocks of rows; several squares of features, the last of them narrow; inverse iteration and QR; one feature
  // per item and fewer items than features; a mean far larger than the spread.
  const Row rows[] = {{9000, 100, 10, 0.9, 1}, {1500, 517, 40, 0.98, 1}, {600, 64, 64, 0.95, 0},
                      {300, 300, 20, 0.9, 1},  {40, 260, 12, 0.8, 1},    {2000, 33, 5, 0.8, 300},
                      {70000, 3, 2, 0.5, 1},   {500, 1, 1, 1, 2},        {500, 2, 1, 0.5, 0}};
  for (const Row& row : rows) {
    SCOPED_TRACE(::testing::Message() << row.items << " x " << row.features << ", " << row.components);
    const Tensor data = rows_with_decay(row.items, row.features, row.decay, row.offset);
    const PlainPca expected = plain_pca(data);
    const Pca pca = fitted(data, {.components = row.components});
    ASSERT_EQ(pca.count(), row.components);
    EXPECT_EQ(pca.items, row.items);
    EXPECT_LT(largest_angle(pca.components, expected.vectors.leftCols(row.components)), 0.01);
    for (std::int64_t i = 0; i < row.components; ++i)
      EXPECT_NEAR(pca.explained_variance[static_cast<std::size_t>(i)], expected.values[i], 1e-4 * expected.values[i])
          << i;
    EXPECT_NEAR(pca.total_variance, expected.values.sum(), 1e-5 * expected.values.sum());
    for (std::int64_t i = 0; i < row.features; ++i)
      EXPECT_NEAR(static_cast<double>(pca.mean.data()[i]), expected.mean[i], 1e-6 * std::max(1.0, row.offset)) << i;
  }
}

TEST(Pca, ComponentsPointToTheSideOfTheirLargestEntry) {
  Tensor data = rows_with_decay(400, 40, 0.9, 1);
  const Pca pca = fitted(data, {.components = 12});
  for (float& entry : data.mutable_span()) entry = -entry;
  const Pca mirrored = fitted(data, {.components = 12});
  for (std::int64_t k = 0; k < 12; ++k) {
    const std::span<const float> row = pca.components.span().subspan(static_cast<std::size_t>(k * 40), 40);
    const float largest = *std::max_element(row.begin(), row.end()),
                smallest = *std::min_element(row.begin(), row.end());
    EXPECT_GE(largest, -smallest) << k;
    for (std::int64_t i = 0; i < 40; ++i)
      EXPECT_NEAR(mirrored.components.data()[k * 40 + i], row[static_cast<std::size_t>(i)], 1e-4f) << k << ", " << i;
  }
}

TEST(Pca, AnyPortionsAndAnyThreadsGiveTheSameBits) {
  const Tensor data = rows_with_decay(9001, 120, 0.95, 1);
  const Pca whole = fitted(data, {.components = 20});
  for (const std::int64_t portion : {1, 7, 1000, 4096, 9000}) {  // the last portion of 9000 leaves a single row
    Moments moments(120);
    for (std::int64_t row = 0; row < 9001; row += portion) {
      const std::int64_t count = std::min<std::int64_t>(portion, 9001 - row);
      ASSERT_TRUE(
          moments.add(data.span().subspan(static_cast<std::size_t>(row * 120), static_cast<std::size_t>(count * 120)))
              .ok());
    }
    SCOPED_TRACE(portion);
    expect_same_bits(*fit_pca(moments, {.components = 20}), whole);
  }
  const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
  expect_same_bits(fitted(data, {.components = 20}), whole);
}

TEST(Pca, MergedPartsEqualTheWhole) {
  const Tensor data = rows_with_decay(3000, 80, 0.93, 5);
  const Pca whole = fitted(data, {.components = 10});
  Moments left(80), right(80);
  ASSERT_TRUE(left.add(data.span().first(80 * 17)).ok());
  ASSERT_TRUE(right.add(data.span().subspan(80 * 17)).ok());
  left.merge(right);
  EXPECT_EQ(left.items(), 3000);
  const Pca merged = *fit_pca(left, {.components = 10});
  Eigen::MatrixXd vectors(80, 10);
  for (std::int64_t i = 0; i < vectors.size(); ++i) vectors.data()[i] = static_cast<double>(whole.components.data()[i]);
  EXPECT_LT(largest_angle(merged.components, vectors), 0.005);
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_NEAR(merged.explained_variance[i], whole.explained_variance[i], 1e-6 * whole.explained_variance[i]);
}

TEST(Pca, ReconstructionErrorIsTheSumOfTheDroppedEigenvalues) {
  const Tensor data = rows_with_decay(2500, 60, 0.9, 1);
  const PlainPca expected = plain_pca(data);
  for (const std::int64_t components : {1, 7, 30, 60}) {
    const Pca pca = fitted(data, {.components = components});
    const double error = mean_squared_error(reconstruct(pca, project(pca, data)), data);
    const double dropped = expected.values.tail(60 - components).sum() * 2499 / 2500;
    EXPECT_NEAR(error, dropped, 1e-4 * dropped + 1e-9) << components;
    EXPECT_NEAR(pca.mean_squared_error(), dropped, 1e-4 * dropped + 1e-4) << components;
  }
}

TEST(Pca, WhiteningGivesCodesOfUnitCovarianceAndTheSameReconstruction) {
  const Tensor data = rows_with_decay(3000, 50, 0.85, 2);
  const Pca pca = fitted(data, {.components = 12, .whiten = true});
  const Tensor codes = project(pca, data);
  const Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>> map(codes.data(), 3000, 12);
  const Eigen::MatrixXd z = map.cast<double>();
  EXPECT_LT(z.colwise().mean().cwiseAbs().maxCoeff(), 1e-4);
  const Eigen::MatrixXd covariance = z.transpose() * z / 2999;
  EXPECT_LT((covariance - Eigen::MatrixXd::Identity(12, 12)).cwiseAbs().maxCoeff(), 1e-3);
  const Pca plain = fitted(data, {.components = 12});
  EXPECT_LT(mean_squared_error(reconstruct(pca, codes), reconstruct(plain, project(plain, data))), 1e-9);
}

TEST(Pca, KeepsAsManyComponentsAsAShareOfVarianceTakes) {
  const Tensor data = rows_with_decay(800, 30, 0.8, 1);
  const PlainPca expected = plain_pca(data);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.9999}) {
    std::int64_t count = 1;
    while (expected.values.head(count).sum() <= share * expected.values.sum()) ++count;
    const Pca pca = fitted(data, {.variance_share = share});
    EXPECT_EQ(pca.count(), count) << share;
    double explained = 0;
    for (const double ratio : pca.explained_variance_ratio()) explained += ratio;
    EXPECT_GT(explained, share);
  }
  EXPECT_EQ(fitted(data, {}).count(), 30);
  EXPECT_EQ(fitted(rows_with_decay(9, 30, 0.9, 1), {}).count(), 9);
}

TEST(Pca, RandomizedAgreesWithTheFullFit) {
  // Stated bound: with neighbouring standard deviations 2 % apart, 0.1 degrees and 1e-4 of each eigenvalue.
  const Tensor data = rows_with_decay(3000, 400, 0.98, 1);
  const PlainPca expected = plain_pca(data);
  const Result<Pca> pca = fit_pca_randomized(data, {.components = 20}, {.oversampling = 20, .passes = 10});
  ASSERT_TRUE(pca.ok()) << pca.error().message;
  EXPECT_LT(largest_angle(pca->components, expected.vectors.leftCols(20)), 0.1);
  for (std::int64_t i = 0; i < 20; ++i)
    EXPECT_NEAR(pca->explained_variance[static_cast<std::size_t>(i)], expected.values[i], 1e-4 * expected.values[i])
        << i;
  EXPECT_NEAR(pca->total_variance, expected.values.sum(), 1e-6 * expected.values.sum());
  // With the defaults and a spectrum that falls by a tenth per component, as close as the full fit.
  const Tensor steep = rows_with_decay(500, 300, 0.9, 1);
  const Result<Pca> quick = fit_pca_randomized(steep, {.components = 10});
  ASSERT_TRUE(quick.ok());
  EXPECT_LT(largest_angle(quick->components, plain_pca(steep).vectors.leftCols(10)), 0.01);
  const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
  expect_same_bits(*fit_pca_randomized(steep, {.components = 10}), *quick);
}

TEST(Pca, RefusesWhatCannotBeFitted) {
  const Tensor data = rows_with_decay(20, 30, 0.9, 1);
  EXPECT_EQ(refusal(data, {.components = 21}),
            "21 components were asked for, but there are only 20 items; allowed 1 to 20");
  EXPECT_EQ(refusal(data, {.components = 31}), "31 components were asked for, items have 30 features; allowed 1 to 20");
  EXPECT_EQ(refusal(data, {.components = -1}), "components is -1, allowed 1 and more");
  EXPECT_EQ(refusal(data, {.variance_share = 1.5}), "share of variance is 1.5, allowed more than 0 and less than 1");
  EXPECT_EQ(refusal(data, {.components = 3, .variance_share = 0.5}),
            "components and a share of variance were both given; needs one of the two");
  EXPECT_EQ(refusal(Tensor::filled({1, 30}, 1), {}), "got 1 items, needs at least 2 to have any variance");
  EXPECT_EQ(refusal(Tensor::filled({50, 30}, 0.1f), {}), "all items are equal: there is no variance to analyse");
  Tensor large = data;
  for (float& entry : large.mutable_span()) entry *= 1e25f;
  EXPECT_EQ(refusal(large, {}), "the numbers are so large that their squares overflow; scale them down");
  // Twenty items span nineteen directions around their mean.
  EXPECT_EQ(refusal(data, {.components = 20, .whiten = true}).find("component 20 has no variance ("), 0u);
  EXPECT_EQ(fit_pca_randomized(data, {.variance_share = 0.5}).error().message,
            "the randomized fit needs a number of components; a share of variance would need all of them");
  EXPECT_EQ(fit_pca_randomized(data, {.components = 21}).error().message, refusal(data, {.components = 21}));
}

TEST(Pca, RefusesNumbersThatAreNotFiniteWithTheirPlace) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Tensor data = rows_with_decay(600, 20, 0.9, 1);
    data.mutable_data()[417 * 20 + 13] = bad;
    Moments moments(20);
    const Status status = moments.add(data.span());
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message,
              std::string("row 417, column 13 is ") + (std::isinf(bad) ? "inf" : "nan") + "; needs finite numbers");
    EXPECT_EQ(moments.items(), 0);
    EXPECT_FALSE(fit_pca_randomized(data, {.components = 2}).ok());
  }
  Moments moments(20);
  EXPECT_EQ(moments.add(std::vector<float>(50)).error().message, "got 50 numbers, needs rows of 20 each");
}

TEST(SymmetricEigen, FindsMultipleEigenvaluesAndSplitMatrices) {
  // 2 on the first ten diagonal entries, 1 on the rest, and one pair coupled: reduces to blocks without coupling.
  constexpr std::int64_t n = 48;
  std::vector<double> matrix(n * n);
  for (std::int64_t i = 0; i < n; ++i) matrix[static_cast<std::size_t>(i * n + i)] = i < 10 ? 2 : 1;
  matrix[20 * n + 19] = 0.5;
  const EigenPairs pairs = largest_eigenpairs(matrix, n, [](const std::vector<double>&) { return std::int64_t{11}; });
  for (std::size_t i = 0; i < 10; ++i) EXPECT_NEAR(pairs.values[i], 2, 1e-12);
  EXPECT_NEAR(pairs.values[10], 1.5, 1e-12);
  for (std::size_t a = 0; a < 11; ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      double product = 0, through = 0;
      for (std::size_t i = 0; i < n; ++i) {
        product += pairs.vectors[a * n + i] * pairs.vectors[b * n + i];
        double row = 0;
        for (std::size_t j = 0; j < n; ++j)
          row += matrix[std::max(i, j) * n + std::min(i, j)] * pairs.vectors[b * n + j];
        through += pairs.vectors[a * n + i] * row;
      }
      EXPECT_NEAR(product, a == b ? 1 : 0, 1e-10) << a << ", " << b;
      EXPECT_NEAR(through, a == b ? pairs.values[a] : 0, 1e-10) << a << ", " << b;
    }
}

}  // namespace
}  // namespace latentflow::nn

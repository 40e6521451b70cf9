// pca_randomized.cpp: the randomized fit of pca.h.
#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "onednn.h"
#include "pca_checks.h"

namespace latentflow::nn {
namespace {

using Matrix = Eigen::MatrixXd;
using RowMajorFloat = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t rows_per_product = 512;
// Sums are formed in so many groups of rows, whatever the number of threads, so that their bits do not depend on it.
constexpr std::int64_t groups = 32;

/// The data as an operator on directions.
class Scatter {
 public:
  explicit Scatter(const Tensor& rows) : rows_(rows), items_(rows.dims()[0]), features_(rows.dims()[1]) {
    const auto width = static_cast<std::size_t>(features_);
    std::vector<std::vector<double>> sums(groups, std::vector<double>(width)), squares = sums;
    each_group([&](std::size_t group, std::int64_t row) {
      for (std::size_t i = 0; i < width; ++i)
        sums[group][i] += static_cast<double>(rows_.data()[static_cast<std::size_t>(row) * width + i]);
    });
    mean_.resize(width);
    for (const std::vector<double>& sum : sums)
      for (std::size_t i = 0; i < width; ++i) mean_[i] += sum[i] / static_cast<double>(items_);
    each_group([&](std::size_t group, std::int64_t row) {
      for (std::size_t i = 0; i < width; ++i) {
        const double apart = static_cast<double>(rows_.data()[static_cast<std::size_t>(row) * width + i]) - mean_[i];
        squares[group][i] += apart * apart;
      }
    });
    for (const std::vector<double>& square : squares)
      for (const double one : square) sum_of_squares_ += one;
  }

  const std::vector<double>& mean() const { return mean_; }
  double sum_of_squares() const { return sum_of_squares_; }

  /// S Q for the scatter matrix S and directions Q [features, l]; with `gram`, also Q^T S Q.
  Matrix times(const Matrix& directions, Matrix* gram) const {
    const std::int64_t l = directions.cols();
    const RowMajorFloat q = directions.cast<float>();
    std::vector<Matrix> products(groups), grams(groups);
    parallel([&](std::int64_t group) {
      const onednn::OneThread one_thread;
      const auto [begin, end] = rows_of(group);
      RowMajorFloat centred(rows_per_product, features_), codes(rows_per_product, l), product(features_, l),
          square(l, l);
      Matrix& sum = products[static_cast<std::size_t>(group)];
      Matrix& gram_sum = grams[static_cast<std::size_t>(group)];
      sum = Matrix::Zero(features_, l);
      gram_sum = Matrix::Zero(l, l);
      for (std::int64_t first = begin; first < end; first += rows_per_product) {
        const std::int64_t count = std::min(rows_per_product, end - first);
        for (std::int64_t row = 0; row < count; ++row)
          for (std::int64_t i = 0; i < features_; ++i)
            centred(row, i) = static_cast<float>(static_cast<double>(rows_.data()[(first + row) * features_ + i]) -
                                                 mean_[static_cast<std::size_t>(i)]);
        dnnl_sgemm('N', 'N', count, l, features_, 1, centred.data(), features_, q.data(), l, 0, codes.data(), l);
        dnnl_sgemm('T', 'N', features_, l, count, 1, centred.data(), features_, codes.data(), l, 0, product.data(), l);
        sum += product.cast<double>();
        if (gram == nullptr) continue;
        dnnl_sgemm('T', 'N', l, l, count, 1, codes.data(), l, codes.data(), l, 0, square.data(), l);
        gram_sum += square.cast<double>();
      }
    });
    Matrix total = Matrix::Zero(features_, l);
    for (const Matrix& product : products) total += product;
    if (gram != nullptr) {
      *gram = Matrix::Zero(l, l);
      for (const Matrix& one : grams) *gram += one;
    }
    return total;
  }

 private:
  std::pair<std::int64_t, std::int64_t> rows_of(std::int64_t group) const {
    return {items_ * group / groups, items_ * (group + 1) / groups};
  }
  template <class Work>
  static void parallel(const Work& work) {
    tbb::this_task_arena::isolate([&] { tbb::parallel_for(std::int64_t{0}, groups, work, tbb::simple_partitioner()); });
  }
  template <class Work>
  void each_group(const Work& work) const {
    parallel([&](std::int64_t group) {
      const auto [begin, end] = rows_of(group);
      for (std::int64_t row = begin; row < end; ++row) work(static_cast<std::size_t>(group), row);
    });
  }

  const Tensor& rows_;
  std::int64_t items_, features_;
  std::vector<double> mean_;
  double sum_of_squares_ = 0;
};

Matrix orthonormal(const Matrix& columns) {
  const Eigen::HouseholderQR<Matrix> factors(columns);
  return factors.householderQ() * Matrix::Identity(columns.rows(), columns.cols());
}

/// Standard normal numbers from a counter (SplitMix64, then Box and Muller 1958).
Matrix gaussian(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  std::uint64_t state = seed * 0xd1342543de82ef95ull + 1;
  const auto uniform = [&] {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (static_cast<double>((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
  };
  Matrix numbers(rows, columns);
  for (std::int64_t j = 0; j < columns; ++j)
    for (std::int64_t i = 0; i < rows; ++i) {
      const double radius = std::sqrt(-2 * std::log(uniform()));
      numbers(i, j) = radius * std::cos(2 * std::numbers::pi * uniform());
    }
  return numbers;
}

}  // namespace

Result<Pca> fit_pca_randomized(const Tensor& rows, const PcaOptions& options, const RandomizedOptions& randomized) {
  if (rows.dims().size() != 2 || rows.empty())
    return bad_input(fmt::format("got data of shape {}, needs rows of features", to_string(rows.dims())));
  const std::int64_t items = rows.dims()[0], features = rows.dims()[1];
  if (options.components < 1 || options.variance_share != 0)
    return invalid_argument(
        "the randomized fit needs a number of components; a share of variance would need all of them");
  if (Status status = check_options(options, items, features); !status) return status.error();
  if (randomized.oversampling < 0 || randomized.passes < 0)
    return invalid_argument("oversampling and passes must not be negative");
  if (const std::string where = first_not_finite(rows.span(), features); !where.empty())
    return bad_input(where + "; needs finite numbers");

  const Scatter scatter(rows);
  Pca pca;
  pca.items = items;
  pca.whiten = options.whiten;
  const double divisor = static_cast<double>(items - 1);
  pca.total_variance = scatter.sum_of_squares() / divisor;
  double mean_square = 0;
  pca.mean = Tensor({features});
  for (std::int64_t i = 0; i < features; ++i) {
    const double mean = scatter.mean()[static_cast<std::size_t>(i)];
    pca.mean.mutable_data()[i] = static_cast<float>(mean);
    mean_square += mean * mean;
  }
  if (Status status = check_variance(pca.total_variance, mean_square); !status) return status.error();

  const std::int64_t directions = std::min({options.components + randomized.oversampling, items, features});
  Matrix basis = orthonormal(scatter.times(orthonormal(gaussian(features, directions, randomized.seed)), nullptr));
  for (int pass = 0; pass < randomized.passes; ++pass) basis = orthonormal(scatter.times(basis, nullptr));
  Matrix gram;
  scatter.times(basis, &gram);
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(gram);
  const std::int64_t count = options.components;
  const Matrix vectors = basis * solver.eigenvectors().rightCols(count).rowwise().reverse();
  for (std::int64_t k = 0; k < count; ++k)
    pca.explained_variance.push_back(std::max(0.0, solver.eigenvalues()[directions - 1 - k]) / divisor);
  store_components(pca, {vectors.data(), static_cast<std::size_t>(vectors.size())}, count);  // columns are consecutive
  if (Status status = check_whitening(pca); !status) return status.error();
  return pca;
}

}  // namespace latentflow::nn

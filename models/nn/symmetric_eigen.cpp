// symmetric_eigen.cpp: see symmetric_eigen.h.
#include "symmetric_eigen.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace latentflow::nn {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A tridiagonal matrix less a shift, factorised with partial pivoting (as LAPACK's dgttrf).
class Shifted {
 public:
  Shifted(const Vector& diagonal, const Vector& below, double shift, double smallest)
      : diagonal_(diagonal.array() - shift),
        above_(below),
        second_(Vector::Zero(below.size())),
        factor_(below),
        swapped_(static_cast<std::size_t>(below.size())) {
    for (Eigen::Index i = 0; i < factor_.size(); ++i) {
      swapped_[static_cast<std::size_t>(i)] = std::abs(factor_[i]) > std::abs(diagonal_[i]);
      if (swapped_[static_cast<std::size_t>(i)]) {
        std::swap(diagonal_[i], factor_[i]);
        std::swap(above_[i], diagonal_[i + 1]);
        if (i + 1 < above_.size()) std::swap(second_[i], above_[i + 1]);
      }
      if (std::abs(diagonal_[i]) < smallest) diagonal_[i] = smallest;
      factor_[i] /= diagonal_[i];
      diagonal_[i + 1] -= factor_[i] * above_[i];
      if (i + 1 < above_.size()) above_[i + 1] -= factor_[i] * second_[i];
    }
    double& last = diagonal_[diagonal_.size() - 1];
    if (std::abs(last) < smallest) last = smallest;
  }

  void solve(Vector& x) const {
    const Eigen::Index n = x.size();
    for (Eigen::Index i = 0; i + 1 < n; ++i) {
      if (swapped_[static_cast<std::size_t>(i)]) std::swap(x[i], x[i + 1]);
      x[i + 1] -= factor_[i] * x[i];
    }
    for (Eigen::Index i = n; i-- > 0;) {
      if (i + 1 < n) x[i] -= above_[i] * x[i + 1];
      if (i + 2 < n) x[i] -= second_[i] * x[i + 2];
      x[i] /= diagonal_[i];
    }
  }

 private:
  Vector diagonal_, above_, second_, factor_;
  std::vector<bool> swapped_;
};

/// Orthonormal eigenvectors (columns) of the tridiagonal matrix for `values`; nothing if one did not converge.
std::optional<Matrix> by_inverse_iteration(const Vector& diagonal, const Vector& below, const Vector& values) {
  const Eigen::Index n = diagonal.size();
  const double scale = std::max(values.cwiseAbs().maxCoeff(), std::numeric_limits<double>::min());
  const double smallest = scale * std::numeric_limits<double>::epsilon();
  Matrix vectors(n, values.size());
  std::uint64_t state = 1;
  for (Eigen::Index k = 0; k < values.size(); ++k) {
    const Shifted shifted(diagonal, below, values[k], smallest);
    Vector x(n);
    for (double& entry : x) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;  // Knuth's MMIX generator; any start will do
      entry = static_cast<double>(state >> 11) * 0x1p-53 - 0.5;
    }
    const auto earlier = vectors.leftCols(k);
    const auto orthonormalise = [&] {
      // Twice is enough (Kahan, in Parlett 1980): vectors of equal eigenvalues come out orthogonal, too.
      for (int pass = 0; pass < 2; ++pass) {
        x /= x.norm();
        if (k > 0) x -= earlier * (earlier.transpose() * x);
      }
      x /= x.norm();
    };
    bool converged = false;
    for (int round = 0; round < 6 && !converged; ++round) {
      orthonormalise();
      shifted.solve(x);
      orthonormalise();
      Vector residual = (diagonal.array() - values[k]) * x.array();
      if (n > 1) {
        residual.head(n - 1) += below.cwiseProduct(x.tail(n - 1));
        residual.tail(n - 1) += below.cwiseProduct(x.head(n - 1));
      }
      // One round more than needed for the residual makes the vector as good as its gap allows.
      converged = round > 0 && residual.norm() <= 1e-12 * scale * std::sqrt(static_cast<double>(n));
    }
    if (!converged || !x.allFinite()) return std::nullopt;
    vectors.col(k) = x;
  }
  return vectors;
}

}  // namespace

EigenPairs largest_eigenpairs(std::span<const double> matrix, std::int64_t size,
                              const std::function<std::int64_t(const std::vector<double>& values)>& choose) {
  const Eigen::Map<const RowMajor> full(matrix.data(), size, size);
  const Matrix lower = full.triangularView<Eigen::Lower>();
  // The solvers want at least two rows; one row is its own eigenvalue.
  if (size == 1) return {{lower(0, 0)}, {1}};
  const Eigen::Tridiagonalization<Matrix> reduced(lower);
  const Vector diagonal = reduced.diagonal(), below = reduced.subDiagonal();
  Eigen::SelfAdjointEigenSolver<Matrix> solver;
  solver.computeFromTridiagonal(diagonal, below, Eigen::EigenvaluesOnly);
  const Vector values = solver.eigenvalues().reverse();
  EigenPairs pairs;
  pairs.values.assign(values.begin(), values.end());
  const std::int64_t count = choose(pairs.values);
  pairs.vectors.resize(static_cast<std::size_t>(count * size));
  Eigen::Map<RowMajor> target(pairs.vectors.data(), count, size);
  if (count <= size / 4)
    if (const auto vectors = by_inverse_iteration(diagonal, below, values.head(count))) {
      target = (reduced.matrixQ() * *vectors).transpose();
      return pairs;
    }
  solver.computeFromTridiagonal(diagonal, below, Eigen::ComputeEigenvectors);
  const Matrix vectors = solver.eigenvectors().rightCols(count).rowwise().reverse();
  target = (reduced.matrixQ() * vectors).transpose();
  return pairs;
}

}  // namespace latentflow::nn

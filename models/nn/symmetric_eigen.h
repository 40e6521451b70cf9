// symmetric_eigen.h: the largest eigenvalues of a symmetric matrix and their vectors, in double.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace latentflow::nn {

struct EigenPairs {
  std::vector<double> values;   ///< all of the matrix, descending
  std::vector<double> vectors;  ///< [count, size] row-major, orthonormal, in the order of the values
};

/// `matrix` is [size, size] row-major, of which only entries i >= j are read; entries are finite. `choose` is told the
/// values and returns the number of vectors, 1 to size.
/// Reduces to tridiagonal form; where few vectors are wanted they come by inverse iteration (Golub and Van
/// Loan, 8.4.2), which takes a fraction of the time of the QR algorithm, and which is checked: should it fail, QR does
/// the work.
EigenPairs largest_eigenpairs(std::span<const double> matrix, std::int64_t size,
                              const std::function<std::int64_t(const std::vector<double>& values)>& choose);

}  // namespace latentflow::nn

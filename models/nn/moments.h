// moments.h: number, mean and scatter matrix of vectors that are seen once, in any portions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latentflow/result.h"

namespace latentflow::nn {

/// Gathers what principal component analysis needs from data that need not fit into memory. Rows are collected into
/// blocks of a fixed size; a block is centred on its own mean, multiplied with itself in float32 on all oneTBB threads,
/// and merged in double (Chan, Golub and LeVeque 1979). So the result has the same bits however the rows were portioned
/// and on any number of threads. Memory: 8 features^2 bytes for the sums, and two blocks of about 13 MB.
class Moments {
 public:
  /// The largest number of features: the matrix takes half a GiB then, and finding its eigenvectors minutes.
  static constexpr std::int64_t most_features = 8192;

  /// Requires 1 <= features <= most_features. Throws std::bad_alloc.
  explicit Moments(std::int64_t features);

  /// Row-major rows of features() numbers, one row per item. Errors, with nothing taken in: bad_input when the size is
  /// no multiple of features(), and for a number that is not finite, with its row and column.
  Status add(std::span<const float> rows);

  /// Takes in what another one gathered, for data in several places. Requires equal features().
  void merge(const Moments& other);

  std::int64_t features() const { return features_; }
  std::int64_t items() const { return items_ + waiting_; }

  struct Sums {
    std::int64_t items = 0;
    std::vector<double> mean;     ///< [features]
    std::vector<double> scatter;  ///< [features, features] row-major: sum of (x - mean)(x - mean)^T; only i >= j is set
  };
  /// All rows so far, with those that still wait for their block to fill.
  Sums sums() const;

 private:
  struct Workspace {
    std::vector<float> centred, products;
  };
  void take_block(std::span<const float> rows, std::int64_t count, Workspace& workspace, Sums& into) const;

  std::int64_t features_, block_rows_;
  std::int64_t items_ = 0, waiting_ = 0;
  std::vector<float> block_;  ///< rows that wait
  Workspace workspace_;       ///< kept between blocks: fresh pages would cost a fifth of the time
  Sums sums_;
};

/// Row and column of the first number that is nan or infinite, as text: "row 3, column 17 is nan"; empty if there is
/// none.
std::string first_not_finite(std::span<const float> rows, std::int64_t features);

}  // namespace latentflow::nn

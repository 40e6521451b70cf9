// pca.cpp: see pca.h; the fit from moments, projection and reconstruction.
#include "pca.h"

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "onednn.h"
#include "pca_checks.h"
#include "symmetric_eigen.h"

namespace latentflow::nn {
namespace {

constexpr std::int64_t rows_per_task = 512;

/// dst [n, columns] = src [n, depth] times the matrix ([depth, columns], or its transposed), plus a row.
Tensor multiply(const Tensor& src, const Tensor& matrix, bool transposed, std::span<const float> row) {
  const std::int64_t count = src.dims()[0], depth = src.dims()[1];
  const std::int64_t columns = transposed ? matrix.dims()[0] : matrix.dims()[1];
  Tensor result({count, columns});
  float* target = result.mutable_data();
  const std::int64_t tasks = (count + rows_per_task - 1) / rows_per_task;
  const auto one = [&](std::int64_t task) {
    const onednn::OneThread one_thread;
    const std::int64_t begin = task * rows_per_task, rows = std::min(rows_per_task, count - begin);
    float* first = target + begin * columns;
    for (std::int64_t i = 0; i < rows; ++i) std::copy(row.begin(), row.end(), first + i * columns);
    dnnl_sgemm('N', transposed ? 'T' : 'N', rows, columns, depth, 1.0f, src.data() + begin * depth, depth,
               matrix.data(), matrix.dims()[1], 1.0f, first, columns);
  };
  tbb::this_task_arena::isolate([&] { tbb::parallel_for(std::int64_t{0}, tasks, one, tbb::simple_partitioner()); });
  return result;
}

/// The smallest number of leading eigenvalues with more than `share` of the sum.
std::int64_t count_for(const std::vector<double>& values, double share, double total) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += std::max(values[i], 0.0);
    if (sum > share * total) return static_cast<std::int64_t>(i) + 1;
  }
  return static_cast<std::int64_t>(values.size());
}

}  // namespace

std::vector<double> Pca::explained_variance_ratio() const {
  std::vector<double> shares = explained_variance;
  for (double& share : shares) share /= total_variance;
  return shares;
}

double Pca::mean_squared_error() const {
  const double kept = std::accumulate(explained_variance.begin(), explained_variance.end(), 0.0);
  return std::max(0.0, total_variance - kept) * static_cast<double>(items - 1) / static_cast<double>(items);
}

Status check_options(const PcaOptions& options, std::int64_t items, std::int64_t features) {
  if (options.components != 0 && options.variance_share != 0)
    return invalid_argument("components and a share of variance were both given; needs one of the two");
  if (!(options.variance_share >= 0 && options.variance_share < 1))
    return invalid_argument(
        fmt::format("share of variance is {}, allowed more than 0 and less than 1", options.variance_share));
  if (options.components < 0)
    return invalid_argument(fmt::format("components is {}, allowed 1 and more", options.components));
  if (items < 2) return bad_input(fmt::format("got {} items, needs at least 2 to have any variance", items));
  if (options.components > features)
    return bad_input(fmt::format("{} components were asked for, items have {} features; allowed 1 to {}",
                                 options.components, features, std::min(items, features)));
  if (options.components > items)
    return bad_input(fmt::format("{} components were asked for, but there are only {} items; allowed 1 to {}",
                                 options.components, items, std::min(items, features)));
  return success();
}

Status check_variance(double total, double mean_square) {
  if (!std::isfinite(total)) return bad_input("the numbers are so large that their squares overflow; scale them down");
  // What is left of equal numbers after float32 rounding of their mean.
  if (total <= 1e-14 * mean_square || total == 0)
    return bad_input("all items are equal: there is no variance to analyse");
  return success();
}

Status check_whitening(const Pca& pca) {
  if (!pca.whiten) return success();
  for (std::size_t i = 0; i < pca.explained_variance.size(); ++i)
    if (pca.explained_variance[i] <= 1e-7 * pca.explained_variance[0])
      return bad_input(fmt::format(
          "component {} has no variance ({:.3g} of the first one's), so it cannot be whitened; ask for at most {}",
          i + 1, pca.explained_variance[i] / pca.explained_variance[0], i));
  return success();
}

void store_components(Pca& pca, std::span<const double> vectors, std::int64_t count) {
  const std::int64_t features = pca.features();
  pca.components = Tensor({count, features});
  float* target = pca.components.mutable_data();
  for (std::int64_t k = 0; k < count; ++k) {
    const auto row = vectors.subspan(static_cast<std::size_t>(k * features), static_cast<std::size_t>(features));
    // Entries within rounding of the largest count as equal, so that rounding does not choose between mirror images.
    double largest = 0;
    for (const double entry : row) largest = std::max(largest, std::abs(entry));
    const auto first =
        std::find_if(row.begin(), row.end(), [&](double entry) { return std::abs(entry) >= largest * (1 - 1e-6); });
    const double sign = *first < 0 ? -1 : 1;
    for (std::int64_t i = 0; i < features; ++i)
      target[k * features + i] = static_cast<float>(sign * row[static_cast<std::size_t>(i)]);
  }
}

Result<Pca> fit_pca(const Moments& moments, const PcaOptions& options) {
  if (Status status = check_options(options, moments.items(), moments.features()); !status) return status.error();
  const Moments::Sums sums = moments.sums();
  const std::int64_t features = moments.features();
  Pca pca;
  pca.items = sums.items;
  pca.whiten = options.whiten;
  const double divisor = static_cast<double>(sums.items - 1);
  double mean_square = 0;
  pca.mean = Tensor({features});
  for (std::int64_t i = 0; i < features; ++i) {
    const double mean = sums.mean[static_cast<std::size_t>(i)];
    pca.mean.mutable_data()[i] = static_cast<float>(mean);
    pca.total_variance += sums.scatter[static_cast<std::size_t>(i * (features + 1))] / divisor;
    mean_square += mean * mean;
  }
  if (Status status = check_variance(pca.total_variance, mean_square); !status) return status.error();

  const std::int64_t most = std::min(sums.items, features);
  const EigenPairs pairs = largest_eigenpairs(sums.scatter, features, [&](const std::vector<double>& values) {
    if (options.components > 0) return options.components;
    return options.variance_share > 0
               ? std::min(most, count_for(values, options.variance_share, pca.total_variance * divisor))
               : most;
  });
  const auto count = static_cast<std::int64_t>(pairs.vectors.size()) / features;
  for (std::int64_t k = 0; k < count; ++k)
    pca.explained_variance.push_back(std::max(0.0, pairs.values[static_cast<std::size_t>(k)]) / divisor);
  store_components(pca, pairs.vectors, count);
  if (Status status = check_whitening(pca); !status) return status.error();
  return pca;
}

Tensor scaled_components(const Pca& pca, int exponent) {
  Tensor scaled = pca.components;
  if (!pca.whiten) return scaled;
  float* entries = scaled.mutable_data();
  for (std::int64_t k = 0; k < pca.count(); ++k) {
    const auto factor =
        static_cast<float>(std::pow(pca.explained_variance[static_cast<std::size_t>(k)], 0.5 * exponent));
    for (std::int64_t i = 0; i < pca.features(); ++i) entries[k * pca.features() + i] *= factor;
  }
  return scaled;
}

Tensor project(const Pca& pca, const Tensor& rows) {
  // Centred first, as the ONNX file does: a mean taken off behind the product would cost digits.
  Tensor centred(rows.dims());
  float* target = centred.mutable_data();
  const std::int64_t features = pca.features();
  for (std::int64_t i = 0; i < rows.size(); ++i) target[i] = rows.data()[i] - pca.mean.data()[i % features];
  const std::vector<float> nothing(static_cast<std::size_t>(pca.count()));
  return multiply(centred, scaled_components(pca, -1), true, nothing);
}

Tensor reconstruct(const Pca& pca, const Tensor& codes) {
  return multiply(codes, scaled_components(pca, 1), false, pca.mean.span());
}

}  // namespace latentflow::nn

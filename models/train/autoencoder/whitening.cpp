// whitening.cpp: see whitening.h.
#include "whitening.h"

#include <algorithm>
#include <cmath>

#include "dense.h"
#include "nn/pca.h"

namespace latentflow::train {
namespace {

using Matrix = std::vector<float>;

/// [rows, inner] times [inner, columns]; sums in double.
Matrix product(std::span<const float> a, std::span<const float> b, std::size_t rows, std::size_t inner,
               std::size_t columns) {
  Matrix result(rows * columns);
  for_rows(static_cast<std::int64_t>(rows), [&](std::int64_t row) {
    const std::size_t i = static_cast<std::size_t>(row);
    std::vector<double> sums(columns);
    for (std::size_t k = 0; k < inner; ++k)
      for (std::size_t j = 0; j < columns; ++j)
        sums[j] += static_cast<double>(a[i * inner + k]) * static_cast<double>(b[k * columns + j]);
    for (std::size_t j = 0; j < columns; ++j) result[i * columns + j] = static_cast<float>(sums[j]);
  });
  return result;
}

std::span<const float> constant(const nn::Graph& graph, nn::ValueId id) { return graph.value(id).constant->span(); }

}  // namespace

void Whitening::apply(std::span<float> rows) const {
  const std::size_t features = mean.size();
  for_rows(static_cast<std::int64_t>(rows.size() / features), [&](std::int64_t row) {
    const std::span<float> numbers = rows.subspan(static_cast<std::size_t>(row) * features, features);
    std::vector<float> sums(features);
    for (std::size_t k = 0; k < features; ++k) {
      const float centred = numbers[k] - mean[k];
      for (std::size_t j = 0; j < features; ++j) sums[j] += centred * forward[k * features + j];
    }
    std::copy(sums.begin(), sums.end(), numbers.begin());
  });
}

Result<Whitening> fit_whitening(std::span<const float> rows, std::int64_t features, double floor) {
  nn::Moments moments(features);
  if (Status status = moments.add(rows); !status) return status.error();
  const Result<nn::Pca> pca = nn::fit_pca(moments, {features, 0, false});
  if (!pca) return pca.error();
  const auto size = static_cast<std::size_t>(features);
  const double added = floor * pca->total_variance / static_cast<double>(features);
  // U^T S U, with the rows of U scaled by the root of S on both sides.
  const auto symmetric = [&](double exponent) {
    Matrix scaled(pca->components.span().begin(), pca->components.span().end()), transposed(size * size);
    for (std::size_t i = 0; i < size; ++i) {
      const double factor = std::pow(pca->explained_variance[i] + added, exponent / 2);
      for (std::size_t j = 0; j < size; ++j) {
        scaled[i * size + j] = static_cast<float>(static_cast<double>(scaled[i * size + j]) * factor);
        transposed[j * size + i] = scaled[i * size + j];
      }
    }
    return product(transposed, scaled, size, size, size);
  };
  return Whitening{{pca->mean.span().begin(), pca->mean.span().end()}, symmetric(-0.5), symmetric(0.5)};
}

void take_in_whitening(const Whitening& whitening, nn::Graph& graph) {
  const std::size_t features = whitening.mean.size();
  const auto replace = [&](nn::ValueId id, const Matrix& numbers) {
    graph.value(id).constant = Tensor::from(graph.value(id).constant->dims(), numbers);
  };
  const nn::Node& first = graph.nodes.front();
  const std::size_t units = constant(graph, first.inputs[2]).size();
  const Matrix in = product(constant(graph, first.inputs[1]), whitening.forward, units, features, features);
  Matrix bias = product(in, whitening.mean, units, features, 1);
  for (std::size_t i = 0; i < units; ++i) bias[i] = constant(graph, first.inputs[2])[i] - bias[i];
  replace(first.inputs[1], in);
  replace(first.inputs[2], bias);

  const nn::Node& last = graph.nodes.back();
  const std::size_t inner = constant(graph, last.inputs[1]).size() / features;
  const Matrix out = product(whitening.backward, constant(graph, last.inputs[1]), features, features, inner);
  bias = product(whitening.backward, constant(graph, last.inputs[2]), features, features, 1);
  for (std::size_t i = 0; i < features; ++i) bias[i] += whitening.mean[i];
  replace(last.inputs[1], out);
  replace(last.inputs[2], bias);
}

}  // namespace latentflow::train

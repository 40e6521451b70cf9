// low_rank_data.cpp: see low_rank_data.h.
#include "support/low_rank_data.h"

#include <Eigen/QR>

#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>
#include <random>

namespace latentflow::testing {
namespace {

using DoubleRows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::MatrixXd as_doubles(const Tensor& rows) {
  return Eigen::Map<const FloatRows>(rows.data(), rows.dims()[0], rows.dims()[1]).cast<double>();
}

/// The same numbers: Eigen has them by columns, OpenCV by rows.
cv::Mat_<double> transposed(Eigen::MatrixXd& matrix) {
  return {static_cast<int>(matrix.cols()), static_cast<int>(matrix.rows()), matrix.data()};
}

}  // namespace

Tensor rows_with_decay(std::int64_t items, std::int64_t features, double decay, double offset, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  DoubleRows directions(features, features), codes(items, features);
  for (double& entry : directions.reshaped()) entry = normal(generator);
  for (double& entry : codes.reshaped()) entry = normal(generator);
  const Eigen::MatrixXd rotation = Eigen::HouseholderQR<Eigen::MatrixXd>(directions).householderQ();
  for (std::int64_t i = 0; i < features; ++i) codes.col(i) *= std::pow(decay, static_cast<double>(i));
  DoubleRows rows = codes * rotation.transpose();
  for (std::int64_t i = 0; i < features; ++i) rows.col(i).array() += offset * std::sin(static_cast<double>(i));
  Tensor tensor({items, features});
  for (std::int64_t i = 0; i < tensor.size(); ++i) tensor.mutable_data()[i] = static_cast<float>(rows.data()[i]);
  return tensor;
}

PlainPca plain_pca(const Tensor& tensor) {
  Eigen::MatrixXd x = as_doubles(tensor);
  PlainPca pca;
  pca.mean = x.colwise().mean();
  x.rowwise() -= pca.mean.transpose();
  // Eigen's own takes a compiler half a minute.
  const cv::SVD svd(transposed(x));
  pca.values = Eigen::Map<const Eigen::VectorXd>(svd.w.ptr<double>(), svd.w.rows).array().square() /
               static_cast<double>(x.rows() - 1);
  pca.vectors = Eigen::Map<const DoubleRows>(svd.u.ptr<double>(), svd.u.rows, svd.u.cols);
  return pca;
}

double largest_angle(const Tensor& components, const Eigen::MatrixXd& vectors) {
  const Eigen::MatrixXd u = as_doubles(components).transpose();
  Eigen::MatrixXd outside = u - vectors * (vectors.transpose() * u);
  const double sine = cv::SVD(transposed(outside), cv::SVD::NO_UV).w.at<double>(0);
  return std::asin(std::min(1.0, sine)) * 180 / std::numbers::pi;
}

}  // namespace latentflow::testing

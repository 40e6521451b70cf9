// mixture.cpp: see mixture.h.
#include "mixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/ml.hpp>

namespace latentflow::autoencoder {
namespace {

/// The k-means sums squares of most_codes differences in floats.
constexpr float largest_number = 1e15f;

}  // namespace

Result<Mixture> Mixture::fit(const Tensor& codes, int components, std::uint64_t seed) {
  const Dims& dims = codes.dims();
  if (dims.size() != 2 || codes.empty())
    return bad_input(
        fmt::format("codes are {}, needs [items, numbers]: what write_tensor writes into one file for the "
                    "codes of pictures",
                    to_string(dims)));
  const std::int64_t items = dims[0], numbers = dims[1], least = 2 * numbers * components;
  if (numbers > most_codes)
    return bad_input(fmt::format("codes have {} numbers, allowed up to {}", numbers, most_codes));
  if (items < least)
    return bad_input(fmt::format("{} codes of {} numbers are too few for {} components, needs {}", items, numbers,
                                 components, least));
  if (!std::all_of(codes.span().begin(), codes.span().end(), [](float number) { return std::isfinite(number); }))
    return bad_input("a code has a number that is not finite");
  for (const float number : codes.span())
    if (std::abs(number) > largest_number)
      return bad_input(
          fmt::format("a code has the number {:g}, allowed {:g} to {:g}", number, -largest_number, largest_number));
  cv::Mat samples;
  cv::Mat(static_cast<int>(items), static_cast<int>(numbers), CV_32F, const_cast<float*>(codes.data()))
      .convertTo(samples, CV_64F);
  // The k-means at the start draws from the generator of this thread.
  const cv::RNG before = cv::theRNG();
  cv::theRNG() = cv::RNG(seed + 1);
  const auto model = cv::ml::EM::create();
  model->setClustersNumber(components);
  model->setCovarianceMatrixType(cv::ml::EM::COV_MAT_GENERIC);
  model->setTermCriteria({cv::TermCriteria::COUNT + cv::TermCriteria::EPS, 100, 1e-6});
  bool fitted = false;
  std::string why;
  try {
    fitted = model->trainEM(samples);
  } catch (const cv::Exception& caught) { why = ": " + caught.err; }
  cv::theRNG() = before;
  if (!fitted)
    return bad_input(fmt::format("no mixture of {} components was found in {} codes{}", components, items, why));
  Mixture mixture;
  mixture.means_ = model->getMeans();
  const cv::Mat weights = model->getWeights();
  std::vector<cv::Mat> covariances;
  model->getCovs(covariances);
  for (int k = 0; k < components; ++k) {
    mixture.weights_.push_back(weights.at<double>(k));
    cv::Mat values, vectors;
    cv::eigen(covariances[static_cast<std::size_t>(k)], values, vectors);
    for (int i = 0; i < vectors.rows; ++i) vectors.row(i) *= std::sqrt(std::max(0.0, values.at<double>(i)));
    mixture.roots_.push_back(vectors);
  }
  return mixture;
}

Tensor Mixture::draw(std::uint64_t seed) const {
  cv::RNG random(seed);
  double choice = random.uniform(0.0, 1.0);
  std::size_t component = 0;
  while (component + 1 < weights_.size() && choice >= weights_[component]) choice -= weights_[component++];
  cv::Mat normal(1, means_.cols, CV_64F);
  random.fill(normal, cv::RNG::NORMAL, 0, 1);
  const cv::Mat code = means_.row(static_cast<int>(component)) + normal * roots_[component];
  Tensor tensor({numbers()});
  std::transform(code.begin<double>(), code.end<double>(), tensor.mutable_data(),
                 [](double number) { return static_cast<float>(number); });
  return tensor;
}

}  // namespace latentflow::autoencoder

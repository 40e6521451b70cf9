// noise_estimate.cpp: see noise_estimate.h.
#include "noise_estimate.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <opencv2/core.hpp>
#include <vector>

#include "planes.h"

namespace latentflow::denoise {
namespace {

constexpr int target_patches = 20000;
constexpr int rounds = 6;
/// In standard deviations, allowing for the correlation of neighbouring differences.
constexpr double texture_tolerance = 5;
/// Distances from black and white to ask of a patch mean, in sigma, the first that leaves enough patches.
constexpr double clearances[] = {2.2, 1.6, 1.1, 0.6};

constexpr int clipping_rounds = 6;
/// Share of the variance below which clipping is not made up for: too little is left to tell.
constexpr double least_left = 0.4;

/// Rows of patches, one sample per column.
using Patches = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Weights of luminance for B, G, R and alpha (Rec. ITU-R BT.601), and what of independent noise of 1 it holds.
constexpr float luminance_weights[] = {0.114f, 0.587f, 0.299f, 0};
constexpr double luminance_noise = 0.6685;
/// Below this share of what luminance shows, the noise of the colours is not independent.
constexpr double independent_share = 0.5;
/// Luminance alone tells noise from texture less well than three colours do: 50 clean training photographs reach 2.1.
constexpr double least_in_luminance = 8;

int patch_side(int channels) { return channels == 1 ? 7 : 5; }

/// A picture as grey or B, G, R floats in 0..255 without alpha, or the luminance of one, a band of rows at a time: as a
/// whole it would take four times the bytes of an 8-bit picture.
class Bands {
 public:
  enum class Planes { all, luminance };
  explicit Bands(const Image& image, Planes planes = Planes::all) : image_(image), planes_(planes) {}
  int columns() const { return image_.width(); }
  int rows() const { return image_.height(); }
  int channels() const {
    if (planes_ == Planes::luminance) return 1;
    return image_.has_alpha() ? 3 : image_.channels();
  }
  bool clipped() const { return image_.depth() != CV_32F; }

  /// The patch_side rows from `first`; valid until the next call.
  const cv::Mat& at(int first) {
    if (first == first_) return band_;
    first_ = first;
    image_.mat().rowRange(first, first + patch_side(channels())).convertTo(scaled_, CV_32F, 255.0 / image_.white());
    if (planes_ == Planes::luminance) {
      cv::transform(scaled_, band_, cv::Mat(1, image_.channels(), CV_32F, const_cast<float*>(luminance_weights)));
      return band_;
    }
    if (!image_.has_alpha()) return band_ = scaled_;
    band_.create(scaled_.size(), CV_32FC3);
    cv::mixChannels({scaled_}, {band_}, {0, 0, 1, 1, 2, 2});
    return band_;
  }

 private:
  const Image& image_;
  Planes planes_;
  cv::Mat scaled_, band_;
  int first_ = -1;
};

/// One candidate patch: what decides whether it takes part.
struct Candidate {
  int x, y;
  float low_mean, high_mean;  ///< of the darkest and of the brightest channel
  float energy;               ///< sum of squared horizontal and vertical differences
};

/// Distance of candidates in a picture of so many patches, to keep their number near target_patches.
int grid_step(std::int64_t columns, std::int64_t rows) {
  const double patches = static_cast<double>(columns) * static_cast<double>(rows);
  return std::max(1, static_cast<int>(std::sqrt(patches / target_patches)));
}

std::vector<Candidate> candidates_in(Bands& picture) {
  const int channels = picture.channels(), side = patch_side(channels), row_length = side * channels;
  const int columns = picture.columns() - side + 1, rows = picture.rows() - side + 1;
  if (columns <= 0 || rows <= 0) return {};
  const int step = grid_step(columns, rows);

  std::vector<Candidate> found;
  for (int y = 0; y < rows; y += step) {
    const cv::Mat& band = picture.at(y);
    for (int x = 0; x < columns; x += step) {
      float sums[3] = {0, 0, 0}, energy = 0;
      for (int line = 0; line < side; ++line) {
        const float* samples = band.ptr<float>(line) + static_cast<std::ptrdiff_t>(x) * channels;
        const float* below =
            line + 1 < side ? band.ptr<float>(line + 1) + static_cast<std::ptrdiff_t>(x) * channels : nullptr;
        for (int i = 0; i < row_length; ++i) sums[i % channels] += samples[i];
        for (int i = channels; i < row_length; ++i)
          energy += (samples[i] - samples[i - channels]) * (samples[i] - samples[i - channels]);
        for (int i = 0; below != nullptr && i < row_length; ++i)
          energy += (below[i] - samples[i]) * (below[i] - samples[i]);
      }
      const auto [low, high] = std::minmax_element(sums, sums + channels);
      const auto area = static_cast<float>(side * side);
      found.push_back({x, y, *low / area, *high / area, energy});
    }
  }
  return found;
}

/// `chosen` from top to bottom.
Patches gather(Bands& picture, const std::vector<Candidate>& chosen) {
  const int side = patch_side(picture.channels()), row_length = side * picture.channels();
  Patches patches(static_cast<Eigen::Index>(chosen.size()), static_cast<Eigen::Index>(side) * row_length);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const cv::Mat& band = picture.at(chosen[i].y);
    for (int line = 0; line < side; ++line) {
      const float* samples = band.ptr<float>(line) + static_cast<std::ptrdiff_t>(chosen[i].x) * picture.channels();
      std::copy(samples, samples + row_length, patches.row(static_cast<Eigen::Index>(i)).data() + line * row_length);
    }
  }
  return patches;
}

/// Eigenvalues of the covariance, largest first.
std::vector<double> spectrum(Patches patches) {
  const Eigen::RowVectorXf mean = patches.colwise().mean();
  patches.rowwise() -= mean;
  Eigen::MatrixXf covariance = Eigen::MatrixXf::Zero(patches.cols(), patches.cols());
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(patches.transpose(), 1.0f / static_cast<float>(patches.rows()));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance.cast<double>(), Eigen::EigenvaluesOnly);
  std::vector<double> values(solver.eigenvalues().data(), solver.eigenvalues().data() + solver.eigenvalues().size());
  std::reverse(values.begin(), values.end());
  return values;
}

/// Chen et al., algorithm 1: drop the largest eigenvalues until the mean of the rest is also their median.
double noise_variance(const std::vector<double>& eigenvalues) {
  double sum = 0;
  for (double value : eigenvalues) sum += value;
  for (std::size_t first = 0; first < eigenvalues.size(); ++first) {
    const std::size_t rest = eigenvalues.size() - first;
    const double mean = sum / static_cast<double>(rest);
    const auto below = std::count_if(eigenvalues.begin() + static_cast<std::ptrdiff_t>(first), eigenvalues.end(),
                                     [mean](double value) { return value < mean; });
    if (2 * static_cast<std::size_t>(below) <= rest) return std::max(0.0, mean);
    sum -= eigenvalues[first];
  }
  return 0;
}

/// Patches that noise of this level alone could explain and that clipping leaves alone: differences of pure noise have
/// the energy 2 sigma^2 each, with some spread (after Liu, Tanaka, Okutomi, "Single-Image Noise Level Estimation for
/// Blind Denoising", IEEE TIP 2013); means stay off both ends of
/// the range by `clearance` sigma.
std::vector<Candidate> weakly_textured(const std::vector<Candidate>& all, double sigma, int channels,
                                       double clearance) {
  const int side = patch_side(channels);
  const double differences = 2.0 * side * (side - 1) * channels;
  const double highest_energy = 2 * sigma * sigma * (differences + texture_tolerance * std::sqrt(differences));
  const double margin = clearance > 0 ? clearance * sigma : -std::numeric_limits<double>::infinity();
  std::vector<Candidate> chosen;
  for (const Candidate& one : all)
    if (one.energy <= highest_energy && one.low_mean >= margin && one.high_mean <= 255 - margin) chosen.push_back(one);
  return chosen;
}

struct Clipped {
  double mean, variance;
};

/// Moments of a normal variable after values below 0 became 0 and values above 255 became 255.
Clipped clipped_normal(double mean, double sigma) {
  const auto density = [](double z) { return std::exp(-z * z / 2) / std::sqrt(2 * CV_PI); };
  const auto below = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
  const double a = -mean / sigma, b = (255 - mean) / sigma, between = below(b) - below(a), white = 1 - below(b);
  const double first = mean * between + sigma * (density(a) - density(b)) + 255 * white;
  const double second = (mean * mean + sigma * sigma) * between + sigma * sigma * (a * density(a) - b * density(b)) +
                        2 * mean * sigma * (density(a) - density(b)) + 255.0 * 255.0 * white;
  return {first, second - first * first};
}

/// The level before clipping at both ends of the range, when noise of `measured` is left in patches of these means.
double before_clipping(double measured, const std::vector<Candidate>& patches) {
  const std::size_t stride = std::max<std::size_t>(1, patches.size() / 2000);
  double sigma = measured;
  for (int round = 0; round < clipping_rounds; ++round) {
    double left = 0;
    int count = 0;
    for (std::size_t i = 0; i < patches.size(); i += stride)
      for (const double observed : {patches[i].low_mean, patches[i].high_mean}) {
        double mean = observed;  // clipping moves it, too
        for (int k = 0; k < 2; ++k) mean += observed - clipped_normal(mean, sigma).mean;
        left += clipped_normal(mean, sigma).variance / (sigma * sigma);
        ++count;
      }
    sigma = measured / std::sqrt(std::clamp(left / count, least_left, 1.0));
  }
  return sigma;
}

std::size_t least_patches(int channels) {
  return static_cast<std::size_t>(5 * patch_side(channels) * patch_side(channels) * channels);
}

/// The level of independent noise in every plane, 0 where there are too few patches.
double independent_level(Bands picture) {
  const int channels = picture.channels();
  const std::vector<Candidate> all = candidates_in(picture);
  const auto enough = [&](const std::vector<Candidate>& chosen) { return chosen.size() >= least_patches(channels); };
  if (!enough(all)) return 0;

  double sigma = std::sqrt(noise_variance(spectrum(gather(picture, all))));
  for (int round = 0; round < rounds; ++round) {
    std::vector<Candidate> chosen;
    for (double clearance : clearances) {
      chosen = weakly_textured(all, sigma, channels, picture.clipped() ? clearance : 0.0);
      if (enough(chosen)) break;
    }
    if (!enough(chosen)) break;
    double refined = std::sqrt(noise_variance(spectrum(gather(picture, chosen))));
    if (picture.clipped() && refined > 0) refined = before_clipping(refined, chosen);
    if (std::abs(refined - sigma) < 0.01 * sigma) break;
    sigma = refined;
  }
  return sigma;
}

/// Noise and fine texture together, so an upper bound, in a hundredth of the time (Immerkaer, "Fast Noise Variance
/// Estimation", CVIU 1996).
double laplacian_level(Bands plane) {
  double sum = 0;
  std::int64_t count = 0;
  const int side = patch_side(1);
  for (int first = 0; first + side <= plane.rows(); first += side - 2) {
    const cv::Mat& band = plane.at(first);
    for (int y = 1; y + 1 < side; ++y) {
      const float *above = band.ptr<float>(y - 1), *row = band.ptr<float>(y), *below = band.ptr<float>(y + 1);
      float of_row = 0;
      for (int x = 1; x + 1 < plane.columns(); ++x)
        of_row += std::abs(above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1] -
                           2 * (above[x] + row[x - 1] + row[x + 1] + below[x]) + 4 * row[x]);
      sum += static_cast<double>(of_row);
      count += plane.columns() - 2;
    }
  }
  return count > 0 ? std::sqrt(CV_PI / 2) / 6 * sum / static_cast<double>(count) : 0;
}

}  // namespace

double estimate_noise(const Image& image) {
  const Bands luminance(image, Bands::Planes::luminance);
  if (has_equal_planes(image)) return independent_level(luminance);
  const double level = independent_level(Bands(image));
  if (image.channels() == 1 || level >= independent_share * laplacian_level(luminance) / luminance_noise) return level;
  const double seen = independent_level(luminance) / luminance_noise;
  return seen >= least_in_luminance && level < independent_share * seen ? seen : level;
}

bool can_estimate(const Image& image) {
  const int channels = image.channels() == 1 || has_equal_planes(image) ? 1 : 3, side = patch_side(channels);
  const std::int64_t columns = image.width() - side + 1, rows = image.height() - side + 1;
  return columns > 0 && rows > 0 && static_cast<std::size_t>(columns * rows) >= least_patches(channels);
}

std::size_t estimate_bytes(const Shape& image) {
  if (!image.known()) return 0;
  const int channels = image.dims[2] == 4 ? 3 : static_cast<int>(image.dims[2]), side = patch_side(channels);
  const std::int64_t columns = image.dims[1] - side + 1, rows = image.dims[0] - side + 1;
  if (columns <= 0 || rows <= 0) return 0;
  const std::int64_t step = grid_step(columns, rows);
  const auto candidates = static_cast<std::size_t>(((columns + step - 1) / step) * ((rows + step - 1) / step));
  const auto samples = static_cast<std::size_t>(side * side * channels);
  // All as rows of floats, listed twice (a list grows by doubling), and two bands of rows.
  return candidates * (samples * sizeof(float) + 2 * sizeof(Candidate)) +
         2 * sizeof(float) * static_cast<std::size_t>(image.dims[1] * side * 4);
}

}  // namespace latentflow::denoise

// noise_estimate.cpp: see noise_estimate.h.
#include "noise_estimate.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "clipped_noise.h"
#include "planes.h"

namespace latentflow::denoise {
namespace {

constexpr int target_patches = 20000;
constexpr int rounds = 8;
/// Relative changes of the level that end them, with patches of any texture and with those of little.
constexpr double nearly_settled = 0.03, settled = 0.01;
/// In standard deviations, allowing for the correlation of neighbouring differences.
constexpr double texture_tolerance = 5;
/// Distances from black and white to ask of the means of a patch, in sigma, the first that leaves enough patches. The
/// mean of noise around black itself is 0.4: white grounds take part. Larger distances leave patches so few that their
/// eigenvalues spread.
constexpr double clearances[] = {0.4, 0.25};
/// Clipping of weaker noise is lost in rounding.
constexpr double least_clipped = 0.1;

/// Rows of patches, one sample per column.
using Patches = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Weights of luminance for B, G, R and alpha (Rec. ITU-R BT.601), and what of independent noise of 1 it holds.
constexpr float luminance_weights[] = {0.114f, 0.587f, 0.299f, 0};
constexpr double luminance_noise = 0.6685;
/// Below this share of what luminance shows, the noise of the colours is not independent.
constexpr double independent_share = 0.5;
/// Luminance alone tells noise from texture less well than three colours do. Of 100 clean training photographs as JPEG
/// files 98 stay below the first, and the other two have texture in their quietest patches, too.
constexpr double least_in_luminance = 3, plain_in_luminance = 8;
/// Share of the patches that counts as the quietest, and what they hold at least of the energy of noise that is
/// everywhere. Noise of 4 to 6 in JPEG files of quality 95 leaves 0.3 or more.
constexpr double quietest_share = 0.01, least_in_quietest = 0.15;

int patch_side(int channels) { return channels == 1 ? 7 : 5; }

/// A picture as grey or B, G, R floats in 0..255 without alpha, or the luminance of one, a band of rows at a time: as a
/// whole it would take four times the bytes of an 8-bit picture.
class Bands {
 public:
  enum class Planes { all, luminance, first };
  explicit Bands(const Image& image, Planes planes = Planes::all) : image_(image), planes_(planes) {}
  int columns() const { return image_.width(); }
  int rows() const { return image_.height(); }
  int channels() const {
    if (planes_ != Planes::all) return 1;
    return image_.has_alpha() ? 3 : image_.channels();
  }
  bool clipped() const { return image_.depth() != CV_32F; }
  /// Of the samples that were clipped, by that of what at() gives.
  double noise_of_samples() const { return planes_ == Planes::luminance ? 1 / luminance_noise : 1; }

  /// The patch_side rows from `first`; valid until the next call.
  const cv::Mat& at(int first) {
    if (first == first_) return band_;
    first_ = first;
    image_.mat().rowRange(first, first + patch_side(channels())).convertTo(scaled_, CV_32F, 255.0 / image_.white());
    if (planes_ == Planes::luminance) {
      cv::transform(scaled_, band_, cv::Mat(1, image_.channels(), CV_32F, const_cast<float*>(luminance_weights)));
      return band_;
    }
    if (planes_ == Planes::first) {
      cv::extractChannel(scaled_, band_, 0);
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

/// One candidate patch: what decides whether it takes part. The first channels() entries count.
struct Candidate {
  int x, y;
  std::array<float, 3> means;
  std::array<float, 3> energies;  ///< sums of squared horizontal and vertical differences
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
      Candidate one{x, y, {}, {}};
      for (int line = 0; line < side; ++line) {
        const float* samples = band.ptr<float>(line) + static_cast<std::ptrdiff_t>(x) * channels;
        const float* below =
            line + 1 < side ? band.ptr<float>(line + 1) + static_cast<std::ptrdiff_t>(x) * channels : nullptr;
        for (int i = 0; i < row_length; ++i) {
          const auto channel = static_cast<std::size_t>(i % channels);
          const float across = i < channels ? 0 : samples[i] - samples[i - channels];
          const float down = below == nullptr ? 0 : below[i] - samples[i];
          one.means[channel] += samples[i];
          one.energies[channel] += across * across + down * down;
        }
      }
      for (float& mean : one.means) mean /= static_cast<float>(side * side);
      found.push_back(one);
    }
  }
  return found;
}

/// `chosen` from top to bottom, a row each. With `noise` every channel is moved and stretched to the mean and the
/// deviation that it had before clipping, which makes the noise of all rows and columns equally strong.
Patches gather(Bands& picture, const std::vector<Candidate>& chosen, const ClippedNoise* noise) {
  const int channels = picture.channels(), side = patch_side(channels), row_length = side * channels;
  Patches patches(static_cast<Eigen::Index>(chosen.size()), static_cast<Eigen::Index>(side) * row_length);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const cv::Mat& band = picture.at(chosen[i].y);
    float* row = patches.row(static_cast<Eigen::Index>(i)).data();
    for (int line = 0; line < side; ++line) {
      const float* samples = band.ptr<float>(line) + static_cast<std::ptrdiff_t>(chosen[i].x) * channels;
      std::copy(samples, samples + row_length, row + line * row_length);
    }
    if (noise == nullptr) continue;
    for (int channel = 0; channel < channels; ++channel) {
      const float mean = chosen[i].means[static_cast<std::size_t>(channel)];
      const ClippedNoise::Origin origin = noise->origin_of(static_cast<double>(mean));
      const auto before = static_cast<float>(origin.mean), stretch = static_cast<float>(1 / std::sqrt(origin.left));
      for (int k = channel; k < side * row_length; k += channels) row[k] = before + stretch * (row[k] - mean);
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

std::size_t least_patches(int channels) {
  return static_cast<std::size_t>(5 * patch_side(channels) * patch_side(channels) * channels);
}

/// How many make the energy of a patch.
double differences_in(int channels) {
  const int side = patch_side(channels);
  return 2.0 * side * (side - 1) * channels;
}

/// The energy of noise of this level alone, with some spread: differences of pure noise have 2 sigma^2 each (after Liu,
/// Tanaka, Okutomi, "Single-Image Noise Level Estimation for Blind Denoising", IEEE TIP 2013).
double highest_energy(double sigma, int channels) {
  const double differences = differences_in(channels);
  return 2 * sigma * sigma * (differences + texture_tolerance * std::sqrt(differences));
}

/// Energy of a patch; with `noise` the one it had before clipping.
double energy_of(const Candidate& one, int channels, const ClippedNoise* noise) {
  double energy = 0;
  for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels); ++channel) {
    const double left = noise == nullptr ? 1 : noise->origin_of(static_cast<double>(one.means[channel])).left;
    energy += static_cast<double>(one.energies[channel]) / left;
  }
  return energy;
}

/// Of `all` those up to `energy` whose means stay off black and white as far as enough of them do; nothing where there
/// are not enough. `clipped` is the level of the samples that were clipped; without `noise` there are no such ends.
std::vector<Candidate> choose(const std::vector<Candidate>& all, double clipped, double energy, int channels,
                              const ClippedNoise* noise) {
  std::vector<Candidate> chosen;
  for (const double clearance : clearances) {
    const double margin = noise == nullptr ? -std::numeric_limits<double>::infinity() : clearance * clipped;
    chosen.clear();
    for (const Candidate& one : all) {
      const auto [low, high] = std::minmax_element(one.means.begin(), one.means.begin() + channels);
      if (static_cast<double>(*low) >= margin && static_cast<double>(*high) <= 255 - margin &&
          energy_of(one, channels, noise) <= energy)
        chosen.push_back(one);
    }
    if (chosen.size() >= least_patches(channels)) return chosen;
  }
  return {};
}

/// The level of independent noise in every plane, 0 where there are too few patches.
double independent_level(Bands picture) {
  const int channels = picture.channels();
  const std::vector<Candidate> all = candidates_in(picture);
  if (all.size() < least_patches(channels)) return 0;

  double sigma = std::sqrt(noise_variance(spectrum(gather(picture, all, nullptr))));
  // A level that clipping has lowered would take no patch for noise but those that clipping has hit hardest: where
  // there is clipping, patches of any texture have to agree on a level first.
  for (const bool any_texture : {true, false}) {
    if (any_texture && !picture.clipped()) continue;
    for (int round = 0; round < rounds; ++round) {
      const double clipped = sigma * picture.noise_of_samples();
      std::optional<ClippedNoise> table;
      if (picture.clipped() && clipped >= least_clipped) table.emplace(clipped);
      const ClippedNoise* const noise = table ? &*table : nullptr;
      const double energy = any_texture ? std::numeric_limits<double>::infinity() : highest_energy(sigma, channels);
      const std::vector<Candidate> chosen = choose(all, clipped, energy, channels, noise);
      if (chosen.empty()) break;
      const double refined = std::sqrt(noise_variance(spectrum(gather(picture, chosen, noise))));
      const bool done = std::abs(refined - sigma) <= (any_texture ? nearly_settled : settled) * sigma;
      sigma = refined;
      if (done) break;
    }
  }
  return sigma;
}

/// Whether the quietest patches off black and white hold what noise of this level holds in a plane. Where even these
/// hold more, there is texture all over the picture; where they hold far less, the noise is not all over it. The level
/// may be that of texture then.
bool is_everywhere(Bands plane, double sigma) {
  const double margin = clearances[0] * sigma * plane.noise_of_samples();
  std::vector<float> energies;
  for (const Candidate& one : candidates_in(plane))
    if (static_cast<double>(one.means[0]) >= margin && static_cast<double>(one.means[0]) <= 255 - margin)
      energies.push_back(one.energies[0]);
  if (energies.empty()) return false;
  const auto place =
      energies.begin() + static_cast<std::ptrdiff_t>(quietest_share * static_cast<double>(energies.size()));
  std::nth_element(energies.begin(), place, energies.end());
  const double of_noise = 2 * sigma * sigma * differences_in(1), quietest = static_cast<double>(*place);
  return quietest <= of_noise && quietest >= least_in_quietest * of_noise;
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
  if (has_equal_planes(image)) return independent_level(Bands(image, Bands::Planes::first));
  const Bands luminance(image, Bands::Planes::luminance);
  const double level = independent_level(Bands(image));
  if (image.channels() == 1 || level >= independent_share * laplacian_level(luminance) / luminance_noise) return level;
  const double in_luminance = independent_level(luminance), seen = in_luminance / luminance_noise;
  if (seen < least_in_luminance || level >= independent_share * seen) return level;
  return seen >= plain_in_luminance || is_everywhere(luminance, in_luminance) ? seen : level;
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
  // All as rows of floats, in two lists, which grow by doubling, and two bands of rows.
  return candidates * (samples * sizeof(float) + 4 * sizeof(Candidate)) +
         2 * sizeof(float) * static_cast<std::size_t>(image.dims[1] * side * 4);
}

}  // namespace latentflow::denoise

// nonlocal.cpp: see nonlocal.h.
#include "nonlocal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "latentflow/sample_type.h"
#include "latentflow/value.h"
#include "nn/shared_work.h"
#include "patch_distance.h"

namespace latentflow::inpaint {
namespace {

constexpr int search = 7;                    // pixels to each side
constexpr int most_similar = 4;              // pixels whose mean counts
constexpr float trust_in_filled = 0.5f;      // a filled pixel weighs so much where surroundings are compared
constexpr double mean_deviation = 1.5;       // of the Gaussian that is a pixel's own surroundings
constexpr int mean_reach = 5;                // and where it ends
constexpr float half_distance = 2000;        // squared grey levels of three channels at which a pixel moves half as far
constexpr float least_spread = 5;            // by which distances may differ where the nearest is 0, to weigh alike
constexpr int margin = search + mean_reach;  // around a block
constexpr int block_width = 64, block_height = 32;
static_assert(mean_reach >= patch_reach);

/// A part of the picture that has holes, with what surrounds it: planes of grey levels of 255, rows of `stride`.
class Block {
 public:
  /// `area` of the picture; `scale` brings samples to grey levels.
  void read(const cv::Mat& picture, const cv::Mat& mask, const cv::Rect& area, double scale);
  void find_similar();
  /// Writes the pixels of the area that are missing.
  void write(double share, double scale, cv::Mat& result) const;

 private:
  struct Missing {
    int x, y;  ///< in the block with its margin
    std::array<float, most_similar> distance;
    std::array<int, most_similar> at;  ///< of the similar pixels, in a plane
  };

  const float* plane(int channel) const { return planes_.data() + channel * size_; }
  const float* mean(int channel) const { return means_.data() + channel * size_; }
  void compare(int dx, int dy);

  cv::Rect area_;
  int channels_ = 0, stride_ = 0, size_ = 0;
  std::vector<float> planes_, means_, trust_;
  std::vector<std::uint8_t> known_;  ///< pixels of the picture, not reflected ones
  std::vector<Missing> missing_;     ///< row by row
  std::vector<float> row_, differences_, trusts_;
};

void Block::read(const cv::Mat& picture, const cv::Mat& mask, const cv::Rect& area, double scale) {
  area_ = area;
  channels_ = picture.channels() == 1 ? 1 : 3;
  stride_ = area.width + 2 * margin;
  const int height = area.height + 2 * margin;
  size_ = stride_ * height;
  const auto with_slack = [](int count) { return static_cast<std::size_t>(count + vector_slack); };
  planes_.resize(with_slack(channels_ * size_)), means_.resize(planes_.size());
  trust_.resize(with_slack(size_)), known_.resize(trust_.size());
  row_.resize(2 * with_slack(area.width + 2 * patch_reach));
  differences_.resize(with_slack(area.width) * static_cast<std::size_t>(area.height + 2 * patch_reach));
  trusts_.resize(differences_.size());
  missing_.clear();
  with_sample_type(picture.depth(), [&](auto sample) {
    using Sample = decltype(sample);
    for (int y = 0, i = 0; y < height; ++y) {
      const int from_y = area.y + y - margin, row = cv::borderInterpolate(from_y, picture.rows, cv::BORDER_REFLECT);
      for (int x = 0; x < stride_; ++x, ++i) {
        const int from_x = area.x + x - margin,
                  column = cv::borderInterpolate(from_x, picture.cols, cv::BORDER_REFLECT);
        const Sample* pixel = picture.ptr<Sample>(row) + static_cast<std::ptrdiff_t>(column) * picture.channels();
        for (int c = 0; c < channels_; ++c)
          planes_[static_cast<std::size_t>(c * size_ + i)] = static_cast<float>(scale * static_cast<double>(pixel[c]));
        const bool hole = mask.at<std::uint8_t>(row, column) != 0;
        trust_[static_cast<std::size_t>(i)] = hole ? trust_in_filled : 1.0f;
        known_[static_cast<std::size_t>(i)] = !hole && row == from_y && column == from_x;
        if (!hole || x < margin || x >= margin + area.width || y < margin || y >= margin + area.height) continue;
        Missing& one = missing_.emplace_back(Missing{x, y, {}, {}});
        one.distance.fill(std::numeric_limits<float>::max());
      }
    }
  });
  for (int c = 0; c < channels_; ++c) {
    const cv::Mat from(height, stride_, CV_32F, planes_.data() + c * size_);
    cv::Mat to(height, stride_, CV_32F, means_.data() + c * size_);
    cv::GaussianBlur(from, to, {2 * mean_reach + 1, 2 * mean_reach + 1}, mean_deviation);
  }
}

/// Where similar pixels are looked for, the near ones first: they are the most similar, so that most of the others need
/// not be put in their place.
std::vector<cv::Point> offsets() {
  std::vector<cv::Point> all;
  for (int y = -search; y <= search; ++y)
    for (int x = -search; x <= search; ++x)
      if (x != 0 || y != 0) all.emplace_back(x, y);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.dot(a) < b.dot(b); });
  return all;
}

void Block::find_similar() {
  static const std::vector<cv::Point> all = offsets();
  for (const cv::Point& offset : all) compare(offset.x, offset.y);
}

/// Offers every missing pixel the one that lies (dx, dy) from it.
void Block::compare(int dx, int dy) {
  const int width = area_.width, rows = area_.height + 2 * patch_reach, step = dy * stride_ + dx;
  const int row_stride = width + vector_slack;
  for (int y = 0; y < rows; ++y) {
    const int at = (y + margin - patch_reach) * stride_ + margin - patch_reach;
    ComparedRow row{{}, trust_.data() + at, step};
    for (int c = 0; c < channels_; ++c) row.planes[static_cast<std::size_t>(c)] = plane(c) + at;
    compare_along(row, width, row_.data(), differences_.data() + y * row_stride, trusts_.data() + y * row_stride);
  }
  const float* const distances = row_.data();
  for (auto one = missing_.begin(); one != missing_.end();) {
    const int y = one->y, first = (y - margin) * row_stride;
    compare_down(differences_.data() + first, trusts_.data() + first, row_stride, width,
                 3.0f / static_cast<float>(channels_), row_.data());
    for (; one != missing_.end() && one->y == y; ++one) {
      const float distance = distances[one->x - margin];
      const int at = y * stride_ + one->x + step;
      if (!(distance < one->distance.back()) || known_[static_cast<std::size_t>(at)] == 0) continue;
      std::size_t place = most_similar - 1;
      for (; place > 0 && one->distance[place - 1] > distance; --place)
        one->distance[place] = one->distance[place - 1], one->at[place] = one->at[place - 1];
      one->distance[place] = distance, one->at[place] = at;
    }
  }
}

void Block::write(double share, double scale, cv::Mat& result) const {
  with_sample_type(result.depth(), [&](auto sample) {
    using Sample = decltype(sample);
    for (const Missing& one : missing_) {
      const float nearest = one.distance[0];
      if (nearest == std::numeric_limits<float>::max()) continue;
      const int here = one.y * stride_ + one.x;
      std::array<float, 3> sums{};
      float total = 0;
      for (std::size_t k = 0; k < most_similar && one.distance[k] < std::numeric_limits<float>::max(); ++k) {
        const float weight = std::exp((nearest - one.distance[k]) / (nearest + least_spread));
        total += weight;
        for (int c = 0; c < channels_; ++c)
          sums[static_cast<std::size_t>(c)] += weight * (plane(c)[one.at[k]] - mean(c)[one.at[k]]);
      }
      const auto moved = static_cast<float>(share) / (1 + nearest / half_distance);
      Sample* pixel = result.ptr<Sample>(area_.y + one.y - margin) +
                      static_cast<std::ptrdiff_t>(area_.x + one.x - margin) * result.channels();
      for (int c = 0; c < channels_; ++c) {
        const float filled = plane(c)[here], similar = mean(c)[here] + sums[static_cast<std::size_t>(c)] / total;
        if (!std::isfinite(similar)) continue;  // of numbers that are too large for grey levels
        pixel[c] = cv::saturate_cast<Sample>((filled + moved * (similar - filled)) / scale);
      }
    }
  });
}

/// Parts of the picture, each no larger than its holes, that together have all holes.
std::vector<cv::Rect> parts_with_holes(const cv::Mat& mask) {
  std::vector<cv::Rect> parts;
  for (int y = 0; y < mask.rows; y += block_height)
    for (int x = 0; x < mask.cols; x += block_width) {
      const cv::Rect cell = cv::Rect(x, y, block_width, block_height) & cv::Rect({0, 0}, mask.size());
      const cv::Rect holes = cv::boundingRect(mask(cell));
      if (!holes.empty()) parts.push_back(holes + cell.tl());
    }
  return parts;
}

}  // namespace

cv::Mat move_to_similar_pixels(const cv::Mat& filled, const cv::Mat& mask, double share,
                               const std::function<bool()>& cancelled) {
  cv::Mat result = filled.clone();
  const std::vector<cv::Rect> parts = parts_with_holes(mask);
  const double scale = 255 / Image(filled).white();
  std::vector<Block> blocks(static_cast<std::size_t>(nn::most_sharers()));
  nn::share_work(static_cast<std::int64_t>(parts.size()), 1, [&](std::int64_t first, std::int64_t last, int sharer) {
    Block& block = blocks[static_cast<std::size_t>(sharer)];
    for (std::int64_t i = first; i < last && !cancelled(); ++i) {
      block.read(filled, mask, parts[static_cast<std::size_t>(i)], scale);
      block.find_similar();
      block.write(share, scale, result);
    }
  });
  return result;
}

std::size_t nonlocal_bytes() {
  constexpr std::size_t pixels = (block_width + 2 * margin) * (block_height + 2 * margin);
  // Per pixel three planes and their means, trust, what is summed along rows, whether it is known, and what is similar.
  constexpr std::size_t each = (3 + 3 + 1 + 2) * sizeof(float) + 1 + sizeof(int) * (2 + 2 * most_similar);
  return static_cast<std::size_t>(nn::most_sharers()) * pixels * each;
}

}  // namespace latentflow::inpaint

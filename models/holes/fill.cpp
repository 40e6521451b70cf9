// fill.cpp: see fill.h.
#include "fill.h"

#include <algorithm>
#include <vector>

#include "mask.h"

namespace latentflow::holes {
namespace {

/// Relaxations of each level; sixteen change the result little (docs/decisions.md).
constexpr int sweeps = 4;

struct Level {
  cv::Mat values;  ///< CV_32FC(n)
  cv::Mat weight;  ///< CV_32F, 0 where nothing is known to 1
};

/// Half the extents: means of 2x2 by weight (Gortler et al., equation for pull, box kernel).
Level pull(const Level& fine) {
  const int channels = fine.values.channels(), rows = (fine.values.rows + 1) / 2, columns = (fine.values.cols + 1) / 2;
  Level coarse{cv::Mat::zeros(rows, columns, fine.values.type()), cv::Mat::zeros(rows, columns, CV_32F)};
  for (int y = 0; y < fine.values.rows; ++y) {
    const float *values = fine.values.ptr<float>(y), *weight = fine.weight.ptr<float>(y);
    float *sums = coarse.values.ptr<float>(y / 2), *total = coarse.weight.ptr<float>(y / 2);
    for (int x = 0; x < fine.values.cols; ++x) {
      total[x / 2] += weight[x];
      for (int c = 0; c < channels; ++c) sums[x / 2 * channels + c] += weight[x] * values[x * channels + c];
    }
  }
  for (int y = 0; y < rows; ++y) {
    float *values = coarse.values.ptr<float>(y), *weight = coarse.weight.ptr<float>(y);
    for (int x = 0; x < columns; ++x) {
      for (int c = 0; c < channels; ++c)
        if (weight[x] > 0) values[x * channels + c] /= weight[x];
      weight[x] = std::min(1.0f, weight[x]);
    }
  }
  return coarse;
}

/// What is not fully known gets the rest from the coarser level, bilinearly.
void push(const cv::Mat& coarse, Level& fine) {
  const int channels = fine.values.channels();
  for (int y = 0; y < fine.values.rows; ++y) {
    // The four nearest coarse pixels of a fine one weigh 9, 3, 3 and 1 of 16.
    const int near_y = y / 2, far_y = std::clamp(y % 2 == 0 ? near_y - 1 : near_y + 1, 0, coarse.rows - 1);
    const float *near_row = coarse.ptr<float>(near_y), *far_row = coarse.ptr<float>(far_y),
                *weight = fine.weight.ptr<float>(y);
    float* values = fine.values.ptr<float>(y);
    for (int x = 0; x < fine.values.cols; ++x) {
      if (weight[x] >= 1) continue;
      const int near = x / 2 * channels,
                far = std::clamp(x % 2 == 0 ? x / 2 - 1 : x / 2 + 1, 0, coarse.cols - 1) * channels;
      for (int c = 0; c < channels; ++c) {
        const float up = 0.5625f * near_row[near + c] + 0.1875f * (near_row[far + c] + far_row[near + c]) +
                         0.0625f * far_row[far + c];
        float& value = values[x * channels + c];
        value = weight[x] * value + (1 - weight[x]) * up;
      }
    }
  }
}

/// Every unknown pixel becomes the mean of its four neighbours (Gauss-Seidel in two colours, over-relaxed).
void relax(Level& level) {
  const int channels = level.values.channels(), rows = level.values.rows, columns = level.values.cols;
  constexpr float step = 1.5f;
  for (int sweep = 0; sweep < 2 * sweeps; ++sweep)
    for (int y = 0; y < rows; ++y) {
      const float* weight = level.weight.ptr<float>(y);
      float* row = level.values.ptr<float>(y);
      const float *above = level.values.ptr<float>(y > 0 ? y - 1 : std::min(1, rows - 1)),
                  *below = level.values.ptr<float>(y + 1 < rows ? y + 1 : std::max(0, rows - 2));
      for (int x = (y + sweep) % 2; x < columns; x += 2) {
        if (weight[x] > 0) continue;
        const int here = x * channels, left = (x > 0 ? x - 1 : std::min(1, columns - 1)) * channels,
                  right = (x + 1 < columns ? x + 1 : std::max(0, columns - 2)) * channels;
        for (int c = 0; c < channels; ++c)
          row[here + c] +=
              step * (0.25f * (row[left + c] + row[right + c] + above[here + c] + below[here + c]) - row[here + c]);
      }
    }
}

}  // namespace

cv::Mat fill_smoothly(const cv::Mat& picture, const cv::Mat& mask) {
  CV_Assert(picture.size() == mask.size() && mask.type() == CV_8UC1);
  std::vector<Level> levels(1);
  picture.convertTo(levels[0].values, CV_32F);
  levels[0].values.setTo(cv::Scalar::all(0), mask);  // what is there may be no number
  cv::Mat(mask == known).convertTo(levels[0].weight, CV_32F, 1.0 / 255);
  while (levels.back().values.rows > 1 || levels.back().values.cols > 1) levels.push_back(pull(levels.back()));
  Level& top = levels.back();
  if (top.weight.at<float>(0, 0) <= 0)
    top.values.setTo(cv::Scalar::all(0.5 * (picture.depth() == CV_8U ? 255 : picture.depth() == CV_16U ? 65535 : 1)));
  for (std::size_t i = levels.size() - 1; i-- > 0;) {
    push(levels[i + 1].values, levels[i]);
    relax(levels[i]);
  }
  cv::Mat rounded, result = picture.clone();
  levels[0].values.convertTo(rounded, picture.depth());
  rounded.copyTo(result, mask);
  return result;
}

std::size_t fill_bytes(std::int64_t pixels, int channels) {
  // Floats and a weight of every level, and the rounded result.
  return static_cast<std::size_t>(pixels) * static_cast<std::size_t>(channels + 1) * sizeof(float) * 4 / 3 +
         static_cast<std::size_t>(pixels * channels) * sizeof(float);
}

}  // namespace latentflow::holes

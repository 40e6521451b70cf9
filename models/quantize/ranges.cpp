// ranges.cpp: see ranges.h.
#include "ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace latentflow::quantize {
namespace {

Range percentile_range(const Histogram& histogram, double percentile) {
  const auto& counts = histogram.counts();
  double total = 0;
  for (const std::uint64_t count : counts) total += static_cast<double>(count);
  const double outside = total * (1 - percentile / 100);
  std::size_t first = 0, last = counts.size();
  for (double cut = 0; first + 1 < last && (cut += static_cast<double>(counts[first])) <= outside;) ++first;
  for (double cut = 0; first + 1 < last && (cut += static_cast<double>(counts[last - 1])) <= outside;) --last;
  const double low = histogram.range().low;
  return {static_cast<float>(std::min(0.0, low + static_cast<double>(first) * histogram.width())),
          static_cast<float>(std::max(0.0, low + static_cast<double>(last) * histogram.width()))};
}

/// Magnitudes in equal parts, from the histogram of signed numbers.
std::vector<double> magnitudes(const Histogram& histogram, double largest) {
  std::vector<double> counts(Histogram::bins / 2, 0);
  const double width = largest / static_cast<double>(counts.size());
  for (std::size_t i = 0; i < histogram.counts().size(); ++i) {
    const double middle = histogram.range().low + (static_cast<double>(i) + 0.5) * histogram.width();
    const auto at = static_cast<std::size_t>(std::abs(middle) / width);
    counts[std::min(at, counts.size() - 1)] += static_cast<double>(histogram.counts()[i]);
  }
  return counts;
}

/// Divergence between the first `kept` parts, the rest counted at their end, and the same in `levels` integers.
double divergence(const std::vector<double>& counts, std::size_t kept, std::size_t levels) {
  std::vector<double> wanted(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(kept));
  for (std::size_t i = kept; i < counts.size(); ++i) wanted.back() += counts[i];
  std::vector<double> got(kept, 0);
  double all_wanted = 0, all_got = 0;
  for (std::size_t level = 0; level < levels; ++level) {
    const std::size_t begin = level * kept / levels, end = (level + 1) * kept / levels;
    double sum = 0, filled = 0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += counts[i];
      if (wanted[i] > 0) ++filled;
    }
    for (std::size_t i = begin; i < end; ++i)
      if (wanted[i] > 0) got[i] = sum / filled;
  }
  for (std::size_t i = 0; i < kept; ++i) all_wanted += wanted[i], all_got += got[i];
  if (all_got <= 0) return std::numeric_limits<double>::infinity();
  double total = 0;
  for (std::size_t i = 0; i < kept; ++i) {
    if (wanted[i] <= 0) continue;
    const double p = wanted[i] / all_wanted, q = std::max(got[i] / all_got, 1e-12);
    total += p * std::log(p / q);
  }
  return total;
}

Range kl_range(const Histogram& histogram) {
  const Range& range = histogram.range();
  const double largest = std::max(static_cast<double>(range.high), -static_cast<double>(range.low));
  const std::size_t levels = range.low < 0 ? 128 : 256;  // of magnitudes
  std::vector<double> counts = magnitudes(histogram, largest);
  // Rectified values are 0 for the most part, which every range represents.
  counts[0] = counts[1];
  std::size_t best = counts.size();
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t kept = levels; kept <= counts.size(); kept += levels / 16)
    if (const double lost = divergence(counts, kept, levels); lost <= least) best = kept, least = lost;
  const auto limit = static_cast<float>(largest * static_cast<double>(best) / static_cast<double>(counts.size()));
  return {std::max(range.low, -limit), std::min(range.high, limit)};
}

}  // namespace

void Range::include(std::span<const float> numbers) {
  for (const float number : numbers) low = std::min(low, number), high = std::max(high, number);
}

void Histogram::add(std::span<const float> numbers) {
  const double width = this->width();
  if (!(width > 0)) {
    counts_[0] += numbers.size();
    return;
  }
  const auto low = static_cast<float>(range_.low), per_bin = static_cast<float>(1 / width);
  for (const float number : numbers) {
    const float at = (number - low) * per_bin;
    ++counts_[at > 0 ? std::min(static_cast<std::size_t>(std::min(at, static_cast<float>(bins))), bins - 1) : 0];
  }
}

Range choose_range(const Histogram& histogram, RangeMethod method, double percentile) {
  if (!(histogram.width() > 0) || method == RangeMethod::maximum) return histogram.range();
  return method == RangeMethod::kl ? kl_range(histogram) : percentile_range(histogram, percentile);
}

nn::QuantizeAttributes grid_over(const Range& range) {
  const double extent = static_cast<double>(range.high) - static_cast<double>(range.low);
  const double scale = std::max(extent / 255, 1e-30);
  const auto zero = static_cast<std::int32_t>(std::nearbyint(-static_cast<double>(range.low) / scale));
  return {{static_cast<float>(extent > 0 ? scale : 1)}, {std::clamp(zero, 0, 255)}, 1, false};
}

nn::QuantizeAttributes weight_grid(const Tensor& weights, std::int32_t limit) {
  const auto outputs = static_cast<std::size_t>(weights.dims()[0]);
  const std::size_t each = weights.span().size() / outputs;
  nn::QuantizeAttributes grid{{}, std::vector<std::int32_t>(outputs, 0), 0, true};
  for (std::size_t i = 0; i < outputs; ++i) {
    float largest = 0;
    for (const float weight : weights.span().subspan(i * each, each)) largest = std::max(largest, std::abs(weight));
    grid.scales.push_back(largest > 1e-30f ? largest / static_cast<float>(limit) : 1.0f);
  }
  return grid;
}

}  // namespace latentflow::quantize

// ranges.h: which range of a value's numbers its integers stand for.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nn/graph.h"

namespace latentflow::quantize {

/// maximum: all of it. percentile: without the rarest numbers at either end. kl: what loses the least information, by
/// the divergence of Kullback and Leibler between the numbers and their integers (Migacz, "8-bit inference with
/// TensorRT", 2017).
enum class RangeMethod { maximum, percentile, kl };

/// Contains 0, so that padding is exact.
struct Range {
  float low = 0, high = 0;
  void include(std::span<const float> numbers);
};

/// How often numbers fall into equal parts of a range; filled from any number of spans.
class Histogram {
 public:
  static constexpr std::size_t bins = 4096;

  explicit Histogram(const Range& range) : range_(range), counts_(bins, 0) {}
  /// Numbers outside the range count at its end.
  void add(std::span<const float> numbers);

  const Range& range() const { return range_; }
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  double width() const { return (static_cast<double>(range_.high) - static_cast<double>(range_.low)) / bins; }

 private:
  Range range_;
  std::vector<std::uint64_t> counts_;
};

/// `percentile` in percent, above 50: so many of the numbers lie at or below the upper end, and as many at or above the
/// lower one.
Range choose_range(const Histogram& histogram, RangeMethod method, double percentile);

/// uint8 over the range: 0 is an integer, the step is as small as the range allows.
nn::QuantizeAttributes grid_over(const Range& range);

/// int8 within +-limit and around 0, one scale per output channel (axis 0) by its largest weight.
nn::QuantizeAttributes weight_grid(const Tensor& weights, std::int32_t limit);

}  // namespace latentflow::quantize

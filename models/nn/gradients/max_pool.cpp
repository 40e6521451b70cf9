// max_pool.cpp: training of MaxPool: the gradient goes to the first of the largest elements of each window.
#include <algorithm>
#include <limits>

#include "row_major_layer.h"

namespace latentflow::nn {
namespace {

class MaxPoolTraining final : public RowMajorLayer {
 public:
  explicit MaxPoolTraining(const TrainingRequest& request)
      : RowMajorLayer(request),
        attributes_(request.node.as<PoolAttributes>()),
        in_(request.inputs[0].dims),
        out_(request.output.dims),
        largest_(static_cast<std::size_t>(element_count(out_)), -1) {}

 private:
  void compute(const std::vector<const float*>& x, float* y) override {
    std::size_t i = 0;
    for (std::int64_t plane = 0; plane < in_[0] * in_[1]; ++plane)
      for (std::int64_t row = 0; row < out_[2]; ++row)
        for (std::int64_t column = 0; column < out_[3]; ++column, ++i) {
          largest_[i] = window(x[0], plane * in_[2] * in_[3], row, column);
          y[i] = largest_[i] < 0 ? -std::numeric_limits<float>::infinity() : x[0][largest_[i]];
        }
  }
  void differentiate(const std::vector<const float*>&, const float*, const float* dy,
                     const std::vector<float*>& dx) override {
    if (dx[0] == nullptr) return;
    for (std::size_t i = 0; i < largest_.size(); ++i)
      if (largest_[i] >= 0) dx[0][largest_[i]] += dy[i];
  }

  std::int64_t window(const float* x, std::int64_t plane, std::int64_t row, std::int64_t column) const {
    const std::int64_t top = row * attributes_.strides[0] - attributes_.pads[0],
                       left = column * attributes_.strides[1] - attributes_.pads[1];
    std::int64_t best = -1;
    for (std::int64_t from_y = std::max<std::int64_t>(top, 0); from_y < std::min(top + attributes_.kernel[0], in_[2]);
         ++from_y)
      for (std::int64_t from_x = std::max<std::int64_t>(left, 0);
           from_x < std::min(left + attributes_.kernel[1], in_[3]); ++from_x) {
        const std::int64_t at = plane + from_y * in_[3] + from_x;
        if (best < 0 || x[at] > x[best]) best = at;
      }
    return best;
  }

  PoolAttributes attributes_;
  Dims in_, out_;
  std::vector<std::int64_t> largest_;
};

}  // namespace

TrainingLayerResult make_max_pool_training(const TrainingRequest& request) {
  return std::unique_ptr<TrainingLayer>(std::make_unique<MaxPoolTraining>(request));
}

}  // namespace latentflow::nn

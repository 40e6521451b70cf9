// broadcast.cpp: training of Add, Sub and Mul between shapes that broadcast, and with parameters.
#include "row_major_layer.h"

namespace latentflow::nn {
namespace {

class BroadcastTraining final : public RowMajorLayer {
 public:
  explicit BroadcastTraining(const TrainingRequest& request)
      : RowMajorLayer(request), op_(request.node.op), dims_(request.output.dims) {
    for (std::size_t i = 0; i < 2; ++i) {
      const Dims& dims = request.inputs[i].dims;
      steps_[i].assign(dims_.size(), 0);
      std::int64_t step = 1;
      for (std::size_t back = 1; back <= dims.size(); ++back) {
        const std::int64_t extent = dims[dims.size() - back];
        steps_[i][dims_.size() - back] = extent == 1 ? 0 : step;
        step *= extent;
      }
    }
  }

 private:
  void compute(const std::vector<const float*>& x, float* y) override {
    each([&](std::int64_t i, std::int64_t a, std::int64_t b) {
      y[i] = op_ == Op::add ? x[0][a] + x[1][b] : op_ == Op::sub ? x[0][a] - x[1][b] : x[0][a] * x[1][b];
    });
  }
  void differentiate(const std::vector<const float*>& x, const float*, const float* dy,
                     const std::vector<float*>& dx) override {
    const float sign = op_ == Op::sub ? -1.0f : 1.0f;
    if (dx[0] != nullptr)
      each([&](std::int64_t i, std::int64_t a, std::int64_t b) {
        dx[0][a] += op_ == Op::mul ? dy[i] * x[1][b] : dy[i];
      });
    if (dx[1] != nullptr)
      each([&](std::int64_t i, std::int64_t a, std::int64_t b) {
        dx[1][b] += op_ == Op::mul ? dy[i] * x[0][a] : sign * dy[i];
      });
  }

  /// visit(position in the output, in the first input, in the second).
  template <class F>
  void each(F&& visit) const {
    Dims at(dims_.size(), 0);
    const std::int64_t count = element_count(dims_);
    std::int64_t a = 0, b = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      visit(i, a, b);
      for (std::size_t axis = dims_.size(); axis-- > 0;) {
        a += steps_[0][axis], b += steps_[1][axis];
        if (++at[axis] < dims_[axis]) break;
        a -= steps_[0][axis] * dims_[axis], b -= steps_[1][axis] * dims_[axis];
        at[axis] = 0;
      }
    }
  }

  Op op_;
  Dims dims_;
  Dims steps_[2];
};

}  // namespace

TrainingLayerResult make_broadcast_training(const TrainingRequest& request) {
  return std::unique_ptr<TrainingLayer>(std::make_unique<BroadcastTraining>(request));
}

}  // namespace latentflow::nn

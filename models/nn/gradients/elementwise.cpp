// elementwise.cpp: training of Relu, LeakyRelu, Sigmoid, Tanh, Clip, and of Add, Sub and Mul of equal shapes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "layer.h"
#include "loops.h"

namespace latentflow::nn {
namespace {

/// y = f(x) with a derivative that can be told from y.
template <class F, class D>
class ActivationTraining final : public TrainingLayer {
 public:
  ActivationTraining(const TrainingRequest& request, F value, D slope)
      : src_(request.inputs[0]), dst_(&request.output), value_(value), slope_(slope) {}

  void forward() override {
    for (std::int64_t i = 0; i < dst_->stored; ++i) dst_->data[i] = value_(src_.value->data[i]);
  }
  void backward() override {
    if (!src_.wants_gradient()) return;
    float* gradient = src_.value->gradient;
    if (src_.accumulate)
      for (std::int64_t i = 0; i < dst_->stored; ++i) gradient[i] += dst_->gradient[i] * slope_(dst_->data[i]);
    else
      for (std::int64_t i = 0; i < dst_->stored; ++i) gradient[i] = dst_->gradient[i] * slope_(dst_->data[i]);
  }

 private:
  TrainingInput src_;
  TrainingValue* dst_;
  F value_;
  D slope_;
};

template <class F, class D>
std::unique_ptr<TrainingLayer> activation(const TrainingRequest& request, F value, D slope) {
  return std::make_unique<ActivationTraining<F, D>>(request, value, slope);
}

class BinaryTraining final : public TrainingLayer {
 public:
  explicit BinaryTraining(const TrainingRequest& request)
      : op_(request.node.op), a_(request.inputs[0]), b_(request.inputs[1]), dst_(&request.output) {}

  void forward() override {
    if (mixed())
      return each_line([this](std::int64_t n, std::int64_t c, std::int64_t y) {
        const Line a = line(*a_.value, a_.value->data, n, c, y), b = line(*b_.value, b_.value->data, n, c, y);
        const Line out = line(*dst_, dst_->data, n, c, y);
        for (std::int64_t x = 0; x < dst_->dims[3]; ++x)
          out.first[x * out.step] = op_ == Op::add   ? a.first[x * a.step] + b.first[x * b.step]
                                    : op_ == Op::sub ? a.first[x * a.step] - b.first[x * b.step]
                                                     : a.first[x * a.step] * b.first[x * b.step];
      });
    if (op_ == Op::mul)
      loops::product(a_.value->data, b_.value->data, dst_->data, dst_->stored, false);
    else
      loops::sum(a_.value->data, b_.value->data, op_ == Op::sub ? -1.0f : 1.0f, dst_->data, dst_->stored);
  }

  void backward() override {
    pass(a_, b_, 1.0f);
    pass(b_, a_, op_ == Op::sub ? -1.0f : 1.0f);
  }

 private:
  void pass(const TrainingInput& input, const TrainingInput& other, float sign) {
    if (!input.wants_gradient()) return;
    if (mixed())
      return each_line([&](std::int64_t n, std::int64_t c, std::int64_t y) {
        const Line dx = line(*input.value, input.value->gradient, n, c, y), dy = line(*dst_, dst_->gradient, n, c, y);
        const Line factor = line(*other.value, other.value->data, n, c, y);
        for (std::int64_t x = 0; x < dst_->dims[3]; ++x) {
          const float own = dy.first[x * dy.step] * (op_ == Op::mul ? factor.first[x * factor.step] : sign);
          dx.first[x * dx.step] = input.accumulate ? dx.first[x * dx.step] + own : own;
        }
      });
    float* gradient = input.value->gradient;
    if (op_ == Op::mul)
      loops::product(dst_->gradient, other.value->data, gradient, dst_->stored, input.accumulate);
    else if (input.accumulate)
      loops::accumulate(dst_->gradient, sign, gradient, dst_->stored);
    else
      loops::scaled_copy(dst_->gradient, sign, gradient, dst_->stored);
  }

  /// The inputs lie in different layouts: walk line by line.
  bool mixed() const { return a_.value->blocked != dst_->blocked || b_.value->blocked != dst_->blocked; }

  template <class F>
  void each_line(F&& visit) const {
    for (std::int64_t n = 0; n < dst_->dims[0]; ++n)
      for (std::int64_t c = 0; c < dst_->dims[1]; ++c)
        for (std::int64_t y = 0; y < dst_->dims[2]; ++y) visit(n, c, y);
  }

  Op op_;
  TrainingInput a_, b_;
  TrainingValue* dst_;
};

}  // namespace

TrainingLayerResult make_elementwise_training(const TrainingRequest& request) {
  switch (request.node.op) {
    case Op::relu:
      return activation(
          request, [](float x) { return x > 0 ? x : 0.0f; }, [](float y) { return y > 0 ? 1.0f : 0.0f; });
    case Op::leaky_relu: {
      const float alpha = request.node.as<LeakyReluAttributes>().alpha;
      return activation(
          request, [alpha](float x) { return x > 0 ? x : alpha * x; },
          [alpha](float y) { return y > 0 ? 1.0f : alpha; });
    }
    case Op::sigmoid:
      return activation(
          request, [](float x) { return 1.0f / (1.0f + std::exp(-x)); }, [](float y) { return y * (1 - y); });
    case Op::tanh:
      return activation(
          request, [](float x) { return std::tanh(x); }, [](float y) { return 1 - y * y; });
    case Op::clip: {
      const auto [low, high] = request.node.as<ClipAttributes>();
      return activation(
          request, [low = low, high = high](float x) { return std::min(std::max(x, low), high); },
          [low = low, high = high](float y) { return y > low && y < high ? 1.0f : 0.0f; });
    }
    default: break;
  }
  if (request.inputs[0].value == nullptr || request.inputs[1].value == nullptr ||
      request.inputs[0].dims != request.inputs[1].dims)
    return make_broadcast_training(request);
  return std::unique_ptr<TrainingLayer>(std::make_unique<BinaryTraining>(request));
}

}  // namespace latentflow::nn

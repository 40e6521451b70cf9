// softmax.cpp: training of Softmax along any axis.
#include "nn/softmax.h"

#include "row_major_layer.h"

namespace latentflow::nn {
namespace {

class SoftmaxTraining final : public RowMajorLayer {
 public:
  explicit SoftmaxTraining(const TrainingRequest& request)
      : RowMajorLayer(request), axis_(request.output.dims, request.node.as<SoftmaxAttributes>().axis) {}

 private:
  void compute(const std::vector<const float*>& x, float* y) override { axis_.compute(x[0], y); }
  void differentiate(const std::vector<const float*>&, const float* y, const float* dy,
                     const std::vector<float*>& dx) override {
    if (dx[0] != nullptr) axis_.differentiate(y, dy, dx[0]);
  }

  SoftmaxAxis axis_;
};

}  // namespace

TrainingLayerResult make_softmax_training(const TrainingRequest& request) {
  return std::unique_ptr<TrainingLayer>(std::make_unique<SoftmaxTraining>(request));
}

}  // namespace latentflow::nn

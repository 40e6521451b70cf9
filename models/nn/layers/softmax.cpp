// softmax.cpp: Softmax along any axis of a row-major value.
#include "nn/softmax.h"

#include "layer.h"

namespace latentflow::nn {

namespace {

class SoftmaxLayer final : public Layer {
 public:
  explicit SoftmaxLayer(const LayerRequest& request)
      : axis_(request.output, request.node.as<SoftmaxAttributes>().axis) {
    output = plain_layout(request.output);
    sources = {{0, output, Sharing::may_overwrite}};
    algorithm = "softmax";
  }

  void run(const LayerCall& call) const override { axis_.compute(call.sources[0], call.output); }

 private:
  SoftmaxAxis axis_;
};

}  // namespace

LayerResult make_softmax(const LayerRequest& request) {
  return std::unique_ptr<Layer>(std::make_unique<SoftmaxLayer>(request));
}

}  // namespace latentflow::nn

// row_major_layer.h: base of the layers that compute on row-major arrays, whatever the layouts around them.
#pragma once

#include "layer.h"

namespace latentflow::nn {

/// Copies blocked values to row-major ones and back; the derived layer sees plain arrays only, parameters included.
class RowMajorLayer : public TrainingLayer {
 public:
  void forward() final;
  void backward() final;

 protected:
  explicit RowMajorLayer(const TrainingRequest& request);

  /// x[i] is null where input i is left out.
  virtual void compute(const std::vector<const float*>& x, float* y) = 0;
  /// Adds to dx[i]; null where no gradient is wanted.
  virtual void differentiate(const std::vector<const float*>& x, const float* y, const float* dy,
                             const std::vector<float*>& dx) = 0;

 private:
  struct Input {
    TrainingInput source;
    std::int64_t count = 0;
    std::shared_ptr<float> data, gradient;  ///< row-major copies of a blocked value
    const float* parameter = nullptr;
    float* parameter_gradient = nullptr;
  };

  std::vector<Input> inputs_;
  TrainingValue* output_;
  std::shared_ptr<float> output_data_, output_gradient_;
  SharedScratch* accumulation_;
  std::vector<const float*> x_;
  std::vector<float*> dx_;
};

}  // namespace latentflow::nn

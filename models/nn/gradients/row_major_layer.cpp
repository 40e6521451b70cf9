// row_major_layer.cpp: see row_major_layer.h.
#include "row_major_layer.h"

#include <algorithm>

#include "loops.h"

namespace latentflow::nn {

RowMajorLayer::RowMajorLayer(const TrainingRequest& request)
    : output_(&request.output),
      accumulation_(&request.accumulation),
      x_(request.inputs.size(), nullptr),
      dx_(request.inputs.size(), nullptr) {
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    Input input;
    input.source = request.inputs[i];
    input.count = element_count(input.source.dims);
    TrainingValue* value = input.source.value;
    const std::size_t bytes = static_cast<std::size_t>(input.count) * sizeof(float);
    if (input.source.parameter != no_value) {
      const Dims flat{input.count};
      input.parameter = request.packed.request(input.source.parameter, onednn::plain(flat), onednn::plain(flat));
      input.parameter_gradient = request.gradients + request.parameters.offset(input.source.parameter);
      x_[i] = input.parameter, dx_[i] = input.parameter_gradient;
    } else if (value != nullptr && value->blocked) {
      input.data = zeroed_floats(bytes);
      x_[i] = input.data.get();
      if (value->gradient != nullptr) {
        input.gradient = zeroed_floats(bytes);
        dx_[i] = input.gradient.get();
        if (input.source.accumulate) request.accumulation.reserve(value->layout.get_size());
      }
    } else if (value != nullptr) {
      x_[i] = value->data, dx_[i] = value->gradient;
    }
    inputs_.push_back(std::move(input));
  }
  if (!output_->blocked) return;
  const std::size_t bytes = static_cast<std::size_t>(element_count(output_->dims)) * sizeof(float);
  output_data_ = zeroed_floats(bytes);
  output_gradient_ = zeroed_floats(bytes);
}

void RowMajorLayer::forward() {
  for (const Input& input : inputs_)
    if (input.data)
      onednn::reorder(input.source.value->layout, input.source.value->data, onednn::plain(input.source.dims),
                      input.data.get());
  compute(x_, output_data_ ? output_data_.get() : output_->data);
  if (output_data_) onednn::reorder(onednn::plain(output_->dims), output_data_.get(), output_->layout, output_->data);
}

void RowMajorLayer::backward() {
  if (output_data_)
    onednn::reorder(output_->layout, output_->gradient, onednn::plain(output_->dims), output_gradient_.get());
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (dx_[i] != nullptr && (inputs_[i].gradient || !inputs_[i].source.accumulate))
      std::fill_n(dx_[i], inputs_[i].count, 0.0f);
  differentiate(x_, output_data_ ? output_data_.get() : output_->data,
                output_data_ ? output_gradient_.get() : output_->gradient, dx_);
  for (const Input& input : inputs_) {
    if (!input.gradient) continue;
    TrainingValue& value = *input.source.value;
    float* target = input.source.accumulate ? reinterpret_cast<float*>(accumulation_->data()) : value.gradient;
    onednn::reorder(onednn::plain(value.dims), input.gradient.get(), value.layout, target);
    if (input.source.accumulate) loops::accumulate(target, 1.0f, value.gradient, value.stored);
  }
}

}  // namespace latentflow::nn

// rearrange.cpp: training of Concat, SpaceToDepth and DepthToSpace: values move, gradients move back.
#include <algorithm>

#include "row_major_layer.h"

namespace latentflow::nn {
namespace {

void move(const Line& from, std::int64_t from_step, const Line& to, std::int64_t to_step, std::int64_t count,
          bool add) {
  const std::int64_t read = from.step * from_step, write = to.step * to_step;
  if (add)
    for (std::int64_t i = 0; i < count; ++i) to.first[i * write] += from.first[i * read];
  else
    for (std::int64_t i = 0; i < count; ++i) to.first[i * write] = from.first[i * read];
}

class ConcatTraining final : public TrainingLayer {
 public:
  explicit ConcatTraining(const TrainingRequest& request) : inputs_(request.inputs), dst_(&request.output) {}
  void forward() override { each(true); }
  void backward() override { each(false); }

 private:
  void each(bool forward) {
    std::int64_t first = 0;
    for (const TrainingInput& input : inputs_) {
      const Dims& dims = input.value->dims;
      if (forward || input.wants_gradient())
        for (std::int64_t n = 0; n < dims[0]; ++n)
          for (std::int64_t c = 0; c < dims[1]; ++c)
            for (std::int64_t y = 0; y < dims[2]; ++y) {
              if (forward)
                move(line(*input.value, input.value->data, n, c, y), 1, line(*dst_, dst_->data, n, first + c, y), 1,
                     dims[3], false);
              else
                move(line(*dst_, dst_->gradient, n, first + c, y), 1,
                     line(*input.value, input.value->gradient, n, c, y), 1, dims[3], input.accumulate);
            }
      first += dims[1];
    }
  }

  std::vector<TrainingInput> inputs_;
  TrainingValue* dst_;
};

/// Along any axis: every input is a run of `counts_[i]` floats in each of `outer_` parts.
class RowMajorConcatTraining final : public RowMajorLayer {
 public:
  explicit RowMajorConcatTraining(const TrainingRequest& request) : RowMajorLayer(request) {
    const auto axis = static_cast<std::size_t>(request.node.as<ConcatAttributes>().axis);
    for (std::size_t i = 0; i < axis; ++i) outer_ *= request.output.dims[i];
    for (const TrainingInput& input : request.inputs) counts_.push_back(element_count(input.dims) / outer_);
  }

 private:
  void compute(const std::vector<const float*>& x, float* y) override {
    for (std::int64_t part = 0; part < outer_; ++part)
      for (std::size_t i = 0; i < x.size(); ++i) y = std::copy_n(x[i] + part * counts_[i], counts_[i], y);
  }
  void differentiate(const std::vector<const float*>&, const float*, const float* dy,
                     const std::vector<float*>& dx) override {
    for (std::int64_t part = 0; part < outer_; ++part)
      for (std::size_t i = 0; i < dx.size(); dy += counts_[i], ++i)
        for (std::int64_t at = 0; dx[i] != nullptr && at < counts_[i]; ++at) dx[i][part * counts_[i] + at] += dy[at];
  }

  std::int64_t outer_ = 1;
  std::vector<std::int64_t> counts_;
};

/// SpaceToDepth, and DepthToSpace as its inverse.
class DepthSpaceTraining final : public TrainingLayer {
 public:
  explicit DepthSpaceTraining(const TrainingRequest& request)
      : src_(request.inputs[0]),
        dst_(&request.output),
        attributes_(request.node.as<DepthSpaceAttributes>()),
        to_depth_(request.node.op == Op::space_to_depth) {}

  void forward() override {
    if (to_depth_)
      each(*src_.value, src_.value->data, *dst_, dst_->data, true, false);
    else
      each(*dst_, dst_->data, *src_.value, src_.value->data, false, false);
  }
  void backward() override {
    if (!src_.wants_gradient()) return;
    if (to_depth_)
      each(*src_.value, src_.value->gradient, *dst_, dst_->gradient, false, src_.accumulate);
    else
      each(*dst_, dst_->gradient, *src_.value, src_.value->gradient, true, src_.accumulate);
  }

 private:
  void each(const TrainingValue& wide, float* wide_data, const TrainingValue& deep, float* deep_data, bool to_deep,
            bool add) {
    const std::int64_t block = attributes_.block, channels = wide.dims[1];
    for (std::int64_t n = 0; n < wide.dims[0]; ++n)
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t y = 0; y < wide.dims[2]; ++y)
          for (std::int64_t bx = 0; bx < block; ++bx) {
            const std::int64_t position = (y % block) * block + bx;
            const std::int64_t depth =
                attributes_.order == DepthOrder::dcr ? position * channels + c : c * block * block + position;
            Line spread = line(wide, wide_data, n, c, y);
            spread.first += bx * spread.step;
            const Line packed = line(deep, deep_data, n, depth, y / block);
            if (to_deep)
              move(spread, block, packed, 1, deep.dims[3], add);
            else
              move(packed, 1, spread, block, deep.dims[3], add);
          }
  }

  TrainingInput src_;
  TrainingValue* dst_;
  DepthSpaceAttributes attributes_;
  bool to_depth_;
};

}  // namespace

TrainingLayerResult make_rearrangement_training(const TrainingRequest& request) {
  if (request.node.op == Op::concat) {
    const bool parameters = std::any_of(request.inputs.begin(), request.inputs.end(),
                                        [](const auto& input) { return input.value == nullptr; });
    if (parameters || request.node.as<ConcatAttributes>().axis != 1 || request.output.dims.size() != 4)
      return std::unique_ptr<TrainingLayer>(std::make_unique<RowMajorConcatTraining>(request));
    return std::unique_ptr<TrainingLayer>(std::make_unique<ConcatTraining>(request));
  }
  return std::unique_ptr<TrainingLayer>(std::make_unique<DepthSpaceTraining>(request));
}

}  // namespace latentflow::nn

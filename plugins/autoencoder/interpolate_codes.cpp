// interpolate_codes.cpp: see interpolate_codes.h.
#include "interpolate_codes.h"

#include <fmt/format.h>

#include <utility>

namespace latentflow::autoencoder {

void InterpolateCodes::describe(Describe<InterpolateCodes>& d) {
  d.name("interpolate_codes", "codes on the straight way between two items; decode makes a strip of pictures of them");
  d.field(&Params::steps, "steps", "codes in a strip, with both ends").range(2, 1000);
  d.example("{node: interpolate_codes, from: codes, steps: 10}");
}

Result<Tensor> InterpolateCodes::process(const Tensor& from, const Tensor* to, Context&) {
  const Tensor before = std::exchange(before_, from);
  const Tensor& first = to != nullptr ? from : before;
  const Tensor& last = to != nullptr ? *to : from;
  if (to == nullptr && before.empty()) return filtered("the first item has none before it to come from");
  if (first.dims() != last.dims() || first.empty())
    return bad_input(fmt::format("codes are {} at one end and {} at the other; needs equal shapes",
                                 to_string(first.dims()), to_string(last.dims())));
  Dims dims = first.dims();
  dims.insert(dims.begin(), params.steps);
  Tensor way(dims);
  float* target = way.mutable_data();
  for (int step = 0; step < params.steps; ++step) {
    const float share = static_cast<float>(step) / static_cast<float>(params.steps - 1);
    for (std::int64_t i = 0; i < first.size(); ++i) *target++ = (1 - share) * first.data()[i] + share * last.data()[i];
  }
  return way;
}

Prediction InterpolateCodes::predict(const Shapes& inputs) const {
  Shape way = inputs[0];
  if (way.known()) way.dims.insert(way.dims.begin(), params.steps);
  return {{way}, 0};
}

}  // namespace latentflow::autoencoder

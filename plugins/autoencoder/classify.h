// classify.h: the node classify: which class a picture or a tensor belongs to.
#pragma once

#include <tuple>

#include "codes/encoding.h"
#include "latentflow/plugin.h"

namespace latentflow::autoencoder {

struct Classify {
  struct Params {
    std::string model;
  };
  static constexpr Port inputs[] = {{"image", "a picture as the model was trained on"},
                                    {"tensor", "instead, for a model of tensors: one item"},
                                    {"record", "a row to add to, such as a label, with which the class is compared"}};
  static constexpr Port outputs[] = {
      {"probabilities", "[classes], they add up to 1"},
      {"row",
       "name, class (the most probable, counted from 0) and its probability; with a whole number label in the record "
       "also correct, 1 or 0, whose mean in a table is the share that is right"}};
  static void describe(Describe<Classify>& d);
  static Result<std::unique_ptr<Classify>> create(const Params& params, Services& services);

  Classify(const Params& p, codes::Encoding e) : params(p), encoding(std::move(e)) {}
  Result<std::tuple<Tensor, Record>> process(const Image* image, const Tensor* tensor, const Record* record,
                                             Context& ctx) const;
  Prediction predict(const Shapes& inputs) const;

  const Params params;
  const codes::Encoding encoding;
};

}  // namespace latentflow::autoencoder

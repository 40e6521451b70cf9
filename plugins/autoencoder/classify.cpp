// classify.cpp: see classify.h.
#include "classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "family.h"

namespace latentflow::autoencoder {
namespace {

constexpr double rounding = 1e-3;  // that a sum of float probabilities may be off by

/// A network from elsewhere may give any numbers.
Status check_probabilities(const Tensor& numbers) {
  double sum = 0;
  for (const float& number : numbers.span()) {
    if (!(number >= 0 && number <= 1))
      return bad_input(
          fmt::format("the model gives {} for class {}, probabilities are 0 to 1; needs a network that "
                      "ends in Softmax",
                      number, &number - numbers.data()));
    sum += static_cast<double>(number);
  }
  if (std::abs(sum - 1) <= rounding) return success();
  return bad_input(
      fmt::format("the numbers of the model add up to {}, probabilities to 1; needs a network that ends "
                  "in Softmax",
                  sum));
}

}  // namespace

void Classify::describe(Describe<Classify>& d) {
  d.name("classify", "tells which class a picture or a tensor belongs to, by an encoder with a softmax layer");
  d.field(&Params::model, "model",
          "what latentflow train --classifier wrote, or another network that ends in Softmax: an ONNX file, or a name "
          "from the zoo")
      .required();
  d.example("{node: classify, image: digits, record: digits.label, model: classifier.onnx}");
}

Result<std::unique_ptr<Classify>> Classify::create(const Params& params, Services& services) {
  auto encoding = codes::Encoding::create(params.model, 0, classifiers(), services);
  if (!encoding) return std::move(encoding).error();
  return std::make_unique<Classify>(params, std::move(*encoding));
}

Result<std::tuple<Tensor, Record>> Classify::process(const Image* image, const Tensor* tensor, const Record* record,
                                                     Context& ctx) const {
  if (image == nullptr && tensor == nullptr) return invalid_argument("nothing is wired; needs image or tensor");
  const Result<Tensor> probabilities = encoding.run(image, tensor, ctx);
  if (!probabilities) return probabilities.error();
  if (probabilities->dims().size() != 1)
    return bad_input(
        fmt::format("the tensor gives probabilities {}, of several items; needs one item (read_tensor "
                    "with rows: true makes an item of each row)",
                    to_string(probabilities->dims())));
  if (Status status = check_probabilities(*probabilities); !status) return status.error();
  const auto most = std::max_element(probabilities->span().begin(), probabilities->span().end());
  const std::int64_t found = most - probabilities->span().begin();
  Record row = record == nullptr ? Record() : *record;
  if (row.find("name") == nullptr) row.set("name", ctx.item().name);
  row.set("class", found);
  row.set("probability", static_cast<double>(*most));
  if (const Record::Field* field = row.find("label"))
    if (const std::int64_t* label = std::get_if<std::int64_t>(field))
      row.set("correct", std::int64_t{*label == found ? 1 : 0});
  ctx.measure("class", static_cast<double>(found));
  ctx.measure("probability", static_cast<double>(*most));
  return std::tuple(*probabilities, std::move(row));
}

Prediction Classify::predict(const Shapes& inputs) const {
  Prediction prediction = encoding.predict(inputs);
  prediction.outputs.push_back(Shape{Kind::record, {}, 1});
  return prediction;
}

}  // namespace latentflow::autoencoder

// onnx_node_reader.cpp: typed access to the inputs and attributes of one ONNX node.
#include <cmath>

#include "onnx_importer.h"
#include "onnx_tensor.h"

namespace latentflow::nn::onnx_import {

void NodeReader::refuse(const std::string& fact, Code code) const {
  throw Refusal{{code, fmt::format("{} {}", describe(), fact), {}}};
}

const std::string& NodeReader::input_name(int input) const {
  if (!has(input)) refuse(fmt::format("needs input {}, has {}", input + 1, proto_.input_size()), Code::bad_input);
  return proto_.input(input);
}

Dims NodeReader::dims(int input) const {
  const Known& tensor = known(input);
  if (const auto* reshaped = std::get_if<Reshaped>(&tensor); reshaped != nullptr && reshaped->view) {
    Dims result;
    for (std::size_t axis = 0; axis < reshaped->view->rank(); ++axis) result.push_back(reshaped->view->extent(axis));
    return result;
  }
  if (const auto* constant = std::get_if<FloatConstant>(&tensor)) return constant->tensor.dims();
  const ValueInfo& info = importer_.graph().value(value(input));
  if (info.dims.empty() && !info.constant)
    refuse(fmt::format("needs an input \"{}\" with a known number of axes", input_name(input)));
  return info.dims;
}

std::size_t NodeReader::axis_within(std::int64_t axis, std::size_t rank) const {
  const auto axes = static_cast<std::int64_t>(rank);
  if (axis < -axes || axis >= axes)
    refuse(fmt::format("has axis {}, allowed {} to {}", axis, -axes, axes - 1), Code::bad_input);
  return static_cast<std::size_t>(axis < 0 ? axis + axes : axis);
}

const Integers& NodeReader::integers(int input) const {
  const auto* integers = std::get_if<Integers>(&known(input));
  if (integers == nullptr)
    refuse(fmt::format("needs integers that are known when the file is read in \"{}\"", input_name(input)));
  return *integers;
}

std::vector<std::int64_t> NodeReader::numbers(int input) const {
  std::vector<std::int64_t> values;
  for (const Extent& element : integers(input).elements) {
    if (!element.known())
      refuse(fmt::format("needs numbers in \"{}\", got one that depends on the input size", input_name(input)));
    values.push_back(element.number);
  }
  return values;
}

const Tensor* NodeReader::constant_or_null(int input) const {
  const Known& tensor = known(input);
  if (const auto* constant = std::get_if<FloatConstant>(&tensor)) return &constant->tensor;
  const auto* id = std::get_if<ValueId>(&tensor);
  if (id == nullptr || !importer_.graph().is_constant(*id)) return nullptr;
  return &*importer_.graph().value(*id).constant;
}

Tensor NodeReader::constant(int input, std::string_view what) const {
  const Tensor* tensor = constant_or_null(input);
  if (tensor == nullptr)
    refuse(fmt::format("needs constant {}, got the computed tensor \"{}\"", what, input_name(input)));
  return *tensor;
}

float NodeReader::scalar(int input, std::string_view what) const {
  const Tensor tensor = constant(input, what);
  if (tensor.size() != 1)
    refuse(fmt::format("needs one number as {}, got {}", what, latentflow::to_string(tensor.dims())));
  return tensor.span()[0];
}

const onnx::AttributeProto* NodeReader::attribute(std::string_view key) const {
  for (const onnx::AttributeProto& entry : proto_.attribute())
    if (entry.name() == key) return &entry;
  return nullptr;
}

const onnx::AttributeProto* NodeReader::typed(std::string_view key, onnx::AttributeProto::AttributeType type) {
  read_.insert(std::string(key));
  const onnx::AttributeProto* entry = attribute(key);
  // Very old files leave the type out.
  if (entry != nullptr && entry->type() != type && entry->type() != onnx::AttributeProto::UNDEFINED)
    refuse(fmt::format("has an attribute \"{}\" of type {}, needs {}", key,
                       onnx::AttributeProto::AttributeType_Name(entry->type()),
                       onnx::AttributeProto::AttributeType_Name(type)),
           Code::bad_input);
  return entry;
}

std::int64_t NodeReader::integer(std::string_view key, std::int64_t otherwise) {
  const auto* entry = typed(key, onnx::AttributeProto::INT);
  return entry != nullptr ? entry->i() : otherwise;
}
float NodeReader::real(std::string_view key, float otherwise, bool may_be_infinite) {
  const auto* entry = typed(key, onnx::AttributeProto::FLOAT);
  const float value = entry != nullptr ? entry->f() : otherwise;
  if (std::isnan(value) || (std::isinf(value) && !may_be_infinite))
    refuse(fmt::format("has {} = {}, needs a finite number", key, value), Code::bad_input);
  return value;
}
std::string NodeReader::text(std::string_view key, const std::string& otherwise) {
  const auto* entry = typed(key, onnx::AttributeProto::STRING);
  return entry != nullptr ? entry->s() : otherwise;
}
std::vector<std::int64_t> NodeReader::integers(std::string_view key, std::vector<std::int64_t> otherwise) {
  const auto* entry = typed(key, onnx::AttributeProto::INTS);
  return entry != nullptr ? std::vector<std::int64_t>(entry->ints().begin(), entry->ints().end())
                          : std::move(otherwise);
}

void NodeReader::require(std::string_view key, std::int64_t only) {
  const std::int64_t value = integer(key, only);
  if (value != only) refuse(fmt::format("has {} = {}, supported is {}", key, value, only));
}

void NodeReader::finish() const {
  for (const onnx::AttributeProto& entry : proto_.attribute())
    if (!read_.contains(entry.name()))
      refuse(fmt::format("has the attribute \"{}\", which is not supported", entry.name()));
  for (int i = 1; i < proto_.output_size(); ++i)
    if (!proto_.output(i).empty() && op() != "Dropout" && op() != "Split" && op() != "BatchNormalization")
      refuse(fmt::format("has a second output \"{}\", which is not supported", proto_.output(i)));
}

}  // namespace latentflow::nn::onnx_import

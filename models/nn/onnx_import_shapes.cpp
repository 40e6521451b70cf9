// onnx_import_shapes.cpp: readers of the ONNX operators that only pass on or reshape what is there.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <unordered_map>

#include "onnx_importer.h"
#include "onnx_tensor.h"

namespace latentflow::nn::onnx_import {
namespace {

// A constant of these floats, finite as those of tensors have to be.
void define_floats(NodeReader& node, Dims dims, std::span<const float> floats) {
  for (std::size_t i = 0; i < floats.size(); ++i)
    if (!std::isfinite(floats[i])) node.refuse(fmt::format("holds {} at element {}", floats[i], i), Code::bad_input);
  node.importer().define(node.output(), FloatConstant{Tensor::from(std::move(dims), floats)});
}

void constant(NodeReader& node) {
  for (const char* key : {"value", "value_float", "value_floats", "value_int", "value_ints"}) node.ignore(key);
  const std::string subject = node.describe();
  Importer& importer = node.importer();
  if (const auto* value = node.attribute("value"))
    return importer.define(node.output(), importer.read_constant(value->t(), subject));
  if (const auto* value = node.attribute("value_float")) return define_floats(node, {}, std::array{value->f()});
  if (const auto* value = node.attribute("value_floats"))
    return define_floats(node, {value->floats_size()},
                         {value->floats().data(), static_cast<std::size_t>(value->floats_size())});
  if (const auto* value = node.attribute("value_int"))
    return importer.define(node.output(), Integers{{}, {{.number = value->i()}}});
  if (const auto* value = node.attribute("value_ints")) {
    Integers integers{{value->ints_size()}, {}};
    for (const std::int64_t number : value->ints()) integers.elements.push_back({.number = number});
    return importer.define(node.output(), std::move(integers));
  }
  node.refuse("has no float or integer value");
}

// Another name for the same tensor.
void alias(NodeReader& node) {
  node.ignore("ratio");
  node.ignore("seed");
  node.ignore("is_test");
  if (node.op() == "Dropout" && node.is_integers(2) && node.numbers(2) != std::vector<std::int64_t>{0})
    node.refuse("is in training mode");
  const Tensor* weights = node.constant_or_null(0);
  if (node.is_integers(0) || (weights != nullptr && weights->empty())) {
    Known same = node.known(0);
    return node.importer().define(node.output(), std::move(same));
  }
  node.importer().define(node.output(), node.value(0));  // shared weights stay shared
}

// Sizes are kept as exact fractions and rounded down where they are used, so this changes nothing.
void floor_of_size(NodeReader& node) {
  if (!node.is_integers(0)) node.refuse("is supported on sizes only");
  alias(node);
}

void cast(NodeReader& node) {
  const auto to = static_cast<int>(node.integer("to", 0));
  node.ignore("saturate");
  const Known& from = node.known(0);
  // Integers stay integers even as floats: the sizes computed from them are exact either way.
  const bool allowed = std::holds_alternative<Integers>(from) ? is_integer_type(to) || is_float_type(to)
                                                              : to == onnx::TensorProto::FLOAT;
  if (!allowed) node.refuse(fmt::format("casts to {}, supported is FLOAT, and integers for shapes", type_name(to)));
  alias(node);
}

std::vector<std::int64_t> axes_of(NodeReader& node) {
  if (node.opset() < 13) return node.integers("axes", {});
  return node.has(1) ? node.numbers(1) : std::vector<std::int64_t>{};
}

// Places of the inserted (or removed) axes in the list that has them.
std::vector<bool> marked(NodeReader& node, std::size_t rank) {
  std::vector<bool> marks(rank, false);
  for (const std::int64_t axis : axes_of(node)) marks[node.axis_within(axis, rank)] = true;
  return marks;
}

// The input's extents as the target of a Reshape.
std::vector<Extent> extents_of(NodeReader& node) {
  const bool view = std::holds_alternative<Reshaped>(node.known(0));
  std::vector<Extent> extents;
  for (const std::int64_t extent : node.dims(0)) {
    const auto axis = static_cast<int>(extents.size());
    extents.push_back(extent < 0 && !view ? Extent{.of = node.value(0), .axis = axis} : Extent{.number = extent});
  }
  return extents;
}

void unsqueeze(NodeReader& node) {
  if (const auto* integers = std::get_if<Integers>(&node.known(0))) {
    Integers result = *integers;
    const std::vector<bool> marks = marked(node, result.dims.size() + axes_of(node).size());
    for (std::size_t i = 0; i < marks.size(); ++i)
      if (marks[i]) result.dims.insert(result.dims.begin() + static_cast<std::ptrdiff_t>(i), 1);
    return node.importer().define(node.output(), std::move(result));
  }
  std::vector<Extent> target = extents_of(node);
  std::size_t next = 0;
  for (const bool added : marked(node, target.size() + axes_of(node).size())) {
    if (added) target.insert(target.begin() + static_cast<std::ptrdiff_t>(next), Extent{.number = 1});
    ++next;
  }
  define_reshaped(node, std::move(target));
}

void squeeze(NodeReader& node) {
  if (const auto* integers = std::get_if<Integers>(&node.known(0))) {
    if (integers->elements.size() != 1) node.refuse("is supported on single integers only");
    Integers result{{}, integers->elements};
    node.ignore("axes");
    return node.importer().define(node.output(), std::move(result));
  }
  if (axes_of(node).empty()) node.refuse("is supported with axes only");
  std::vector<Extent> target = extents_of(node);
  const std::vector<bool> removed = marked(node, target.size());
  for (std::size_t axis = removed.size(); axis-- > 0;)
    if (removed[axis]) target.erase(target.begin() + static_cast<std::ptrdiff_t>(axis));
  if (auto* reshaped = std::get_if<Reshaped>(&node.known(0)); reshaped != nullptr && reshaped->view) {
    Reshaped next{reshaped->view, node.input_name(0), target, false, node.name(), node.op()};
    if (!next.view->remove(removed)) next.view.reset();
    return node.importer().define(node.output(), std::move(next));
  }
  define_reshaped(node, std::move(target));
}

// The target of a Reshape of something with these extents, without 0 and -1.
Dims resolved(const NodeReader& node, Dims target, const Dims& from) {
  const std::int64_t total = element_count(from);
  std::int64_t known = 1;
  std::size_t open = target.size();
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && i < from.size()) target[i] = from[i];
    if (target[i] == -1 && open == target.size())
      open = i;
    else if (target[i] < 1 || target[i] > total || (known *= target[i]) > total)
      known = 0;
    if (known == 0) break;
  }
  if (known != 0 && open < target.size()) target[open] = total / known;
  if (known == 0 || element_count(target) != total)
    node.refuse(fmt::format("does not fit its input of shape {}", latentflow::to_string(from)), Code::bad_input);
  return target;
}

void reshape(NodeReader& node) {
  const bool allow_zero = node.integer("allowzero", 0) != 0;
  if (const auto* integers = std::get_if<Integers>(&node.known(0))) {
    Integers result{resolved(node, node.numbers(1), integers->dims), integers->elements};
    return node.importer().define(node.output(), std::move(result));
  }
  std::vector<Extent> target = node.integers(1).elements;
  if (allow_zero)
    for (const Extent& entry : target)
      if (entry == Extent{}) node.refuse("has allowzero = 1 with an extent of 0, which is not supported");
  if (const Tensor* constant = node.constant_or_null(0)) {
    const Dims dims = resolved(node, node.numbers(1), constant->dims());
    return node.importer().define(node.output(), FloatConstant{constant->reshaped(dims)});
  }
  define_reshaped(node, std::move(target));
}

void transpose(NodeReader& node) {
  if (const auto* integers = std::get_if<Integers>(&node.known(0))) {
    if (integers->dims.size() != 2 || node.integers("perm", {1, 0}) != std::vector<std::int64_t>{1, 0})
      node.refuse("is supported on integer matrices only");
    Integers result{{integers->dims[1], integers->dims[0]}, {}};
    for (std::int64_t column = 0; column < integers->dims[1]; ++column)
      for (std::int64_t row = 0; row < integers->dims[0]; ++row)
        result.elements.push_back(integers->elements[static_cast<std::size_t>(row * integers->dims[1] + column)]);
    return node.importer().define(node.output(), std::move(result));
  }
  std::vector<std::int64_t> order = node.integers("perm", {});
  if (const Tensor* constant = node.constant_or_null(0); constant != nullptr && constant->dims().size() == 2) {
    const Dims& dims = constant->dims();
    if (!order.empty() && order != std::vector<std::int64_t>{1, 0})
      node.refuse("has a perm that is none of two axes", Code::bad_input);
    Tensor turned({dims[1], dims[0]});
    float* out = turned.mutable_data();
    for (std::int64_t i = 0; i < turned.size(); ++i) out[i] = constant->data()[(i % dims[0]) * dims[1] + i / dims[0]];
    return node.importer().define(node.output(), FloatConstant{std::move(turned)});
  }
  const Dims dims = node.dims(0);
  if (order.empty())
    for (std::size_t axis = dims.size(); axis-- > 0;) order.push_back(static_cast<std::int64_t>(axis));
  Reshaped next{{}, node.input_name(0), {}, true, node.name(), node.op()};
  if (const auto* reshaped = std::get_if<Reshaped>(&node.known(0)))
    next.view = reshaped->view;
  else
    next.view = View(node.value(0), dims);
  if (next.view && !next.view->transpose(order)) node.refuse("has a perm that does not fit its input", Code::bad_input);
  node.importer().define(node.output(), std::move(next));
}

}  // namespace

void define_reshaped(NodeReader& node, std::vector<Extent> target) {
  Reshaped next{{}, node.input_name(0), target, false, node.name(), node.op()};
  if (const auto* reshaped = std::get_if<Reshaped>(&node.known(0))) {
    next.view = reshaped->view;
  } else {
    const ValueId from = node.value(0);
    const Dims& dims = node.importer().graph().value(from).dims;
    if (!dims.empty()) next.view = View(from, dims);
  }
  if (next.view && !next.view->reshape(target)) next.view.reset();
  node.importer().define(node.output(), std::move(next));
}

Reader find_shape_reader(std::string_view op) {
  static const std::unordered_map<std::string_view, Reader> readers{
      {"Constant", constant}, {"Identity", alias},      {"Dropout", alias},
      {"Cast", cast},         {"Unsqueeze", unsqueeze}, {"Squeeze", squeeze},
      {"Reshape", reshape},   {"Transpose", transpose}, {"Floor", floor_of_size},
  };
  const auto found = readers.find(op);
  return found == readers.end() ? nullptr : found->second;
}

}  // namespace latentflow::nn::onnx_import

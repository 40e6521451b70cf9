// onnx_import_ops.cpp: readers of the ONNX operators that compute element by element, on matrices and on axes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "onnx_importer.h"

namespace latentflow::nn::onnx_import {
namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();

void gemm(NodeReader& node) {
  GemmAttributes a;
  a.alpha = node.real("alpha", 1);
  a.beta = node.real("beta", 1);
  a.trans_a = node.integer("transA", 0) != 0;
  a.trans_b = node.integer("transB", 0) != 0;
  node.emit(Op::gemm, {node.value(0), node.value(1), node.value_or_none(2)}, a);
}

template <Op op>
void unary(NodeReader& node) {
  node.emit(op, {node.value(0)});
}

void leaky_relu(NodeReader& node) {
  node.emit(Op::leaky_relu, {node.value(0)}, LeakyReluAttributes{node.real("alpha", 0.01f)});
}

void clip(NodeReader& node) {
  ClipAttributes a{-infinite, infinite};
  if (node.opset() < 11) {
    a.low = node.real("min", a.low, true);
    a.high = node.real("max", a.high, true);
  } else {
    if (node.has(1)) a.low = node.scalar(1, "min");
    if (node.has(2)) a.high = node.scalar(2, "max");
  }
  // Some exporters write the largest float where they mean no bound.
  if (a.low <= std::numeric_limits<float>::lowest()) a.low = -infinite;
  if (a.high >= std::numeric_limits<float>::max()) a.high = infinite;
  node.emit(Op::clip, {node.value(0)}, a);
}

void softmax(NodeReader& node) {
  const std::size_t rank = node.dims(0).size();
  const bool older = node.opset() < 13;
  const auto axis = static_cast<std::int64_t>(node.axis_within(node.integer("axis", older ? 1 : -1), rank));
  // Before opset 13 all axes from this one on were taken together.
  if (older && axis + 1 != static_cast<std::int64_t>(rank))
    node.refuse(fmt::format("has axis {} of {} in opset {}, supported is the last one, or opset 13 and later", axis,
                            rank, node.opset()));
  node.emit(Op::softmax, {node.value(0)}, SoftmaxAttributes{axis});
}

template <Op op>
void binary(NodeReader& node) {
  node.emit(op, {node.value(0), node.value(1)});
}

void divide(NodeReader& node) {
  const Tensor divisor = node.constant(1, "divisors");
  Tensor inverse(divisor.dims());
  float* out = inverse.mutable_data();
  for (std::size_t i = 0; i < divisor.span().size(); ++i) {
    out[i] = 1 / divisor.span()[i];
    if (!std::isfinite(out[i])) node.refuse(fmt::format("divides by {}", divisor.span()[i]), Code::bad_input);
  }
  const ValueId x = node.value(0);
  node.emit(Op::mul, {x, node.importer().add_constant(node.name() + ".inverse", std::move(inverse))});
}

void sum(NodeReader& node) {
  ValueId total = node.value(0);
  if (node.input_count() == 1) return node.importer().define(node.output(), total);
  for (int i = 1; i < node.input_count(); ++i) {
    const bool last = i + 1 == node.input_count();
    const std::string name = last ? node.output() : fmt::format("{}_{}", node.output(), i);
    total = node.importer().emit(Op::add, node.name(), name, {total, node.value(i)});
  }
  node.importer().define(node.output(), total);
}

void concat(NodeReader& node) {
  std::vector<ValueId> inputs;
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(node.value(i));
  std::int64_t axis = node.integer("axis", 1);
  if (axis < 0) axis = node.axis_within(axis, node.dims(0).size());
  if (inputs.size() == 1) return node.importer().define(node.output(), inputs[0]);
  node.emit(Op::concat, std::move(inputs), ConcatAttributes{axis});
}

SliceAttributes whole(std::size_t rank) {
  return {Dims(rank, 0), Dims(rank, std::numeric_limits<std::int64_t>::max()), Dims(rank, 1)};
}

void slice(NodeReader& node) {
  std::vector<std::int64_t> starts, ends, axes, steps;
  if (node.opset() < 10) {
    starts = node.integers("starts", {});
    ends = node.integers("ends", {});
    axes = node.integers("axes", {});
  } else {
    starts = node.numbers(1);
    ends = node.numbers(2);
    if (node.has(3)) axes = node.numbers(3);
    if (node.has(4)) steps = node.numbers(4);
  }
  const std::size_t count = starts.size(), rank = node.dims(0).size();
  if (axes.empty())
    for (std::size_t i = 0; i < count; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (steps.empty()) steps.assign(count, 1);
  if (ends.size() != count || axes.size() != count || steps.size() != count)
    node.refuse("needs starts, ends, axes and steps of one length", Code::bad_input);
  SliceAttributes a = whole(rank);
  for (std::size_t i = 0; i < count; ++i) {
    const auto axis = static_cast<std::size_t>(node.axis_within(axes[i], rank));
    if (steps[i] < 1) node.refuse(fmt::format("has a step of {}, supported from 1", steps[i]));
    a.starts[axis] = starts[i];
    a.ends[axis] = ends[i];
    a.steps[axis] = steps[i];
  }
  node.emit(Op::slice, {node.value(0)}, std::move(a));
}

void split(NodeReader& node) {
  const std::vector<std::string> outputs = node.outputs();
  const Dims dims = node.dims(0);
  const auto axis = static_cast<std::size_t>(node.axis_within(node.integer("axis", 0), dims.size()));
  std::vector<std::int64_t> lengths = node.opset() < 13 ? node.integers("split", {})
                                      : node.has(1)     ? node.numbers(1)
                                                        : std::vector<std::int64_t>{};
  const auto count = static_cast<std::int64_t>(outputs.size());
  node.ignore("num_outputs");
  if (lengths.empty()) {
    if (dims[axis] < 0) node.refuse(fmt::format("cuts axis {}, whose extent is not known", axis));
    const std::int64_t length = (dims[axis] + count - 1) / count;
    lengths.assign(outputs.size(), length);
    lengths.back() = dims[axis] - length * (count - 1);
  }
  if (lengths.size() != outputs.size()) node.refuse("needs one length for every output", Code::bad_input);
  const ValueId x = node.value(0);
  std::int64_t start = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (lengths[i] < 1 || lengths[i] > (std::int64_t{1} << 31))
      node.refuse(fmt::format("has a part of length {}", lengths[i]), Code::bad_input);
    SliceAttributes a = whole(dims.size());
    a.starts[axis] = start;
    a.ends[axis] = start += lengths[i];
    if (outputs[i].empty()) continue;
    node.importer().define(outputs[i], node.importer().emit(Op::slice, node.name(), outputs[i], {x}, std::move(a)));
  }
}

void pad(NodeReader& node) {
  PadAttributes a;
  const std::string mode = node.text("mode", "constant");
  if (mode == "reflect")
    a.mode = PadMode::reflect;
  else if (mode == "edge")
    a.mode = PadMode::edge;
  else if (mode != "constant")
    node.refuse(fmt::format("has mode = {}, supported are constant, reflect and edge", mode));
  std::vector<std::int64_t> pads;
  if (node.opset() < 11) {
    pads = node.integers("pads", {});
    a.value = node.real("value", 0, true);
  } else {
    pads = node.numbers(1);
    if (node.has(2)) a.value = node.scalar(2, "the padding value");
    if (node.has(3))
      node.refuse("has axes as its fourth input, which is not supported; supported are pads for every axis");
  }
  const auto half = static_cast<std::ptrdiff_t>(pads.size() / 2);
  a.before.assign(pads.begin(), pads.begin() + half);
  a.after.assign(pads.begin() + half, pads.end());
  for (const std::int64_t extent : pads)
    if (extent < 0) node.refuse(fmt::format("has a pad of {}, supported from 0; use Slice to crop", extent));
  if (std::any_of(pads.begin(), pads.end(), [](std::int64_t extent) { return extent != 0; }))
    return node.emit(Op::pad, {node.value(0)}, std::move(a));
  node.importer().define(node.output(), node.value(0));
}

void flatten(NodeReader& node) { node.emit(Op::flatten, {node.value(0)}, FlattenAttributes{node.integer("axis", 1)}); }

void batch_normalization(NodeReader& node) {
  node.ignore("momentum");
  node.require("spatial", 1);
  node.require("training_mode", 0);
  const BatchNormalizationAttributes a{node.real("epsilon", 1e-5f)};
  node.emit(Op::batch_normalization, {node.value(0), node.value(1), node.value(2), node.value(3), node.value(4)}, a);
}

// The spatial mean; other reductions are refused.
void reduce_mean(NodeReader& node) {
  std::vector<std::int64_t> axes = node.opset() < 18 ? node.integers("axes", {}) : node.numbers(1);
  const std::size_t rank = node.dims(0).size();
  for (std::int64_t& axis : axes) axis = node.axis_within(axis, rank);
  std::sort(axes.begin(), axes.end());
  if (rank != 4 || axes != std::vector<std::int64_t>{2, 3}) node.refuse("is supported over height and width only");
  node.require("noop_with_empty_axes", 0);
  if (node.integer("keepdims", 1) != 0) return node.emit(Op::global_average_pool, {node.value(0)});
  const ValueId pooled =
      node.importer().emit(Op::global_average_pool, node.name(), node.output() + "_pooled", {node.value(0)});
  node.emit(Op::reshape, {pooled}, ReshapeAttributes{{0, 0}});
}

}  // namespace

Reader find_array_reader(std::string_view op) {
  static const std::unordered_map<std::string_view, Reader> readers{
      {"Gemm", gemm},
      {"MatMul", binary<Op::matmul>},
      {"Relu", unary<Op::relu>},
      {"LeakyRelu", leaky_relu},
      {"Sigmoid", unary<Op::sigmoid>},
      {"Tanh", unary<Op::tanh>},
      {"Clip", clip},
      {"Softmax", softmax},
      {"Add", binary<Op::add>},
      {"Sub", binary<Op::sub>},
      {"Mul", binary<Op::mul>},
      {"Div", divide},
      {"Sum", sum},
      {"Concat", concat},
      {"Slice", slice},
      {"Split", split},
      {"Pad", pad},
      {"Flatten", flatten},
      {"GlobalAveragePool", unary<Op::global_average_pool>},
      {"ReduceMean", reduce_mean},
      {"BatchNormalization", batch_normalization},
  };
  const auto found = readers.find(op);
  return found == readers.end() ? nullptr : found->second;
}

}  // namespace latentflow::nn::onnx_import

// onnx_import_ops.cpp: readers of the ONNX operators that compute.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "onnx_importer.h"

namespace latentflow::nn::onnx_import {
namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();

Pair pair(NodeReader& node, std::string_view key, Pair otherwise) {
  const auto values = node.integers(key, {otherwise[0], otherwise[1]});
  if (values.size() != 2) node.refuse(fmt::format("has {} for {} axes, supported are 2", key, values.size()));
  return {values[0], values[1]};
}

// `pads`, or what auto_pad means where it does not depend on the input size.
Padding padding(NodeReader& node, const Pair& kernel, const Pair& strides, const Pair& dilations) {
  const auto pads = node.integers("pads", {0, 0, 0, 0});
  if (pads.size() != 4) node.refuse(fmt::format("has {} pads, supported are 4", pads.size()));
  const std::string automatic = node.text("auto_pad", "NOTSET");
  if (automatic == "NOTSET") return {pads[0], pads[1], pads[2], pads[3]};
  if (automatic == "VALID") return {0, 0, 0, 0};
  if (automatic != "SAME_UPPER" && automatic != "SAME_LOWER")
    node.refuse(fmt::format("has auto_pad = {}, supported are NOTSET, VALID, SAME_UPPER and SAME_LOWER", automatic));
  if (strides != Pair{1, 1})
    node.refuse(
        fmt::format("has auto_pad = {} with strides {}x{}, whose pads depend on the picture; supported is stride 1, "
                    "or explicit pads",
                    automatic, strides[0], strides[1]));
  Padding result{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t total = dilations[axis] * (kernel[axis] - 1);
    const std::int64_t less = total / 2, more = total - less;
    result[axis] = automatic == "SAME_UPPER" ? less : more;
    result[axis + 2] = automatic == "SAME_UPPER" ? more : less;
  }
  return result;
}

void convolution(NodeReader& node, Op op) {
  const ValueId x = node.value(0), weights = node.value(1), bias = node.value_or_none(2);
  const Dims& shape = node.importer().graph().value(weights).dims;
  if (shape.size() != 4)
    node.refuse(
        fmt::format("needs weights with 4 axes (two-dimensional convolution), got {}", latentflow::to_string(shape)));
  ConvAttributes a;
  a.kernel = pair(node, "kernel_shape", {shape[2], shape[3]});
  a.strides = pair(node, "strides", {1, 1});
  a.dilations = pair(node, "dilations", {1, 1});
  a.group = node.integer("group", 1);
  if (op == Op::conv_transpose) {
    if (node.has_attribute("output_shape")) node.refuse("has output_shape, which is not supported; supported are pads");
    const std::string automatic = node.text("auto_pad", "NOTSET");
    if (automatic != "NOTSET" && automatic != "VALID")
      node.refuse(fmt::format("has auto_pad = {}, supported are NOTSET and VALID", automatic));
    a.output_padding = pair(node, "output_padding", {0, 0});
  }
  a.pads = padding(node, a.kernel, a.strides, a.dilations);
  node.emit(op, {x, weights, bias}, a);
}

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
    a.low = node.real("min", a.low);
    a.high = node.real("max", a.high);
  } else {
    if (node.has(1)) a.low = node.scalar(1, "min");
    if (node.has(2)) a.high = node.scalar(2, "max");
  }
  // Some exporters write the largest float where they mean no bound.
  if (a.low <= std::numeric_limits<float>::lowest()) a.low = -infinite;
  if (a.high >= std::numeric_limits<float>::max()) a.high = infinite;
  node.emit(Op::clip, {node.value(0)}, a);
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

std::int64_t axis_within(NodeReader& node, std::int64_t axis, std::size_t rank) {
  const auto axes = static_cast<std::int64_t>(rank);
  if (axis < -axes || axis >= axes)
    node.refuse(fmt::format("has axis {}, allowed {} to {}", axis, -axes, axes - 1), Code::bad_input);
  return axis < 0 ? axis + axes : axis;
}

void concat(NodeReader& node) {
  std::vector<ValueId> inputs;
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(node.value(i));
  std::int64_t axis = node.integer("axis", 1);
  if (axis < 0) axis = axis_within(node, axis, node.dims(0).size());
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
    const auto axis = static_cast<std::size_t>(axis_within(node, axes[i], rank));
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
  const auto axis = static_cast<std::size_t>(axis_within(node, node.integer("axis", 0), dims.size()));
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
    a.value = node.real("value", 0);
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

template <Op op>
void pool(NodeReader& node) {
  if (!node.has_attribute("kernel_shape")) node.refuse("has no kernel_shape", Code::bad_input);
  PoolAttributes a;
  a.kernel = pair(node, "kernel_shape", {1, 1});
  a.strides = pair(node, "strides", {1, 1});
  if (pair(node, "dilations", {1, 1}) != Pair{1, 1}) node.refuse("has dilations, supported is 1");
  a.pads = padding(node, a.kernel, a.strides, {1, 1});
  a.ceil_mode = node.integer("ceil_mode", 0) != 0;
  node.require("storage_order", 0);
  a.count_include_pad = op == Op::average_pool && node.integer("count_include_pad", 0) != 0;
  node.emit(op, {node.value(0)}, a);
}

void batch_normalization(NodeReader& node) {
  node.ignore("momentum");
  node.require("spatial", 1);
  node.require("training_mode", 0);
  const BatchNormalizationAttributes a{node.real("epsilon", 1e-5f)};
  node.emit(Op::batch_normalization, {node.value(0), node.value(1), node.value(2), node.value(3), node.value(4)}, a);
}

void depth_to_space(NodeReader& node) {
  const std::string mode = node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") node.refuse(fmt::format("has mode = {}, supported are DCR and CRD", mode));
  const std::int64_t block = node.integer("blocksize", 0);
  node.emit(Op::depth_to_space, {node.value(0)},
            DepthSpaceAttributes{block, mode == "DCR" ? DepthOrder::dcr : DepthOrder::crd});
}

void space_to_depth(NodeReader& node) {
  const std::int64_t block = node.integer("blocksize", 0);
  if (auto* reshaped = std::get_if<Reshaped>(&node.known(0)); reshaped != nullptr && reshaped->view) {
    Reshaped next{reshaped->view, node.input_name(0), {}, true, node.name(), node.op()};
    if (!reshaped->view->meaning() && next.view->space_to_depth(block))
      return node.importer().define(node.output(), std::move(next));
  }
  node.emit(Op::space_to_depth, {node.value(0)}, DepthSpaceAttributes{block, DepthOrder::dcr});
}

// Scales along height and width out of all four; the others have to be 1.
void set_scales(NodeReader& node, std::span<const float> scales, ResizeAttributes& a) {
  if (scales.size() != 4) node.refuse(fmt::format("has {} scales, supported are 4", scales.size()));
  if (scales[0] != 1 || scales[1] != 1)
    node.refuse(fmt::format("has the scales {} and {} for batch and channels, supported is 1", scales[0], scales[1]));
  a.scales = {scales[2], scales[3]};
}

void set_sizes(NodeReader& node, const Integers& sizes, ResizeAttributes& a) {
  if (sizes.elements.size() != 4) node.refuse(fmt::format("has {} sizes, supported are 4", sizes.elements.size()));
  const Dims from = node.dims(0);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const Extent& extent = sizes.elements[axis];
    const bool kept = extent.known() ? extent.number == from[axis]
                                     : extent.axis == static_cast<int>(axis) && extent.multiply == extent.divide;
    if (!kept) node.refuse("changes batch or channels, supported are height and width");
  }
  const Extent &height = sizes.elements[2], &width = sizes.elements[3];
  if (height.known() && width.known()) {
    a.sizes = {height.number, width.number};
    return;
  }
  const ValueId x = node.value(0);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const Extent& extent = sizes.elements[2 + axis];
    if (extent.known() || extent.of != x || extent.axis != static_cast<int>(2 + axis))
      node.refuse("has sizes that are neither numbers nor multiples of its own input's");
    a.scales[axis] = static_cast<float>(static_cast<double>(extent.multiply) / static_cast<double>(extent.divide));
  }
}

void set_modes(NodeReader& node, ResizeAttributes& a) {
  const std::string mode = node.text("mode", "nearest");
  if (mode == "linear" || mode == "bilinear")
    a.mode = ResizeMode::linear;
  else if (mode != "nearest")
    node.refuse(fmt::format("has mode = {}, supported are nearest and linear", mode));
  if (node.opset() < 11) {
    a.coordinates = ResizeCoordinates::asymmetric;
    a.rounding = NearestRounding::floor;
    return;
  }
  const std::string coordinates = node.text("coordinate_transformation_mode", "half_pixel");
  if (coordinates == "asymmetric")
    a.coordinates = ResizeCoordinates::asymmetric;
  else if (coordinates == "align_corners")
    a.coordinates = ResizeCoordinates::align_corners;
  else if (coordinates != "half_pixel" && coordinates != "pytorch_half_pixel")
    node.refuse(
        fmt::format("has coordinate_transformation_mode = {}, supported are half_pixel, pytorch_half_pixel, "
                    "asymmetric and align_corners",
                    coordinates));
  // Differs from half_pixel only where an output has one row or column.
  if (coordinates == "pytorch_half_pixel" && (a.sizes[0] == 1 || a.sizes[1] == 1))
    node.refuse("has coordinate_transformation_mode = pytorch_half_pixel with an output of one row or column");
  const std::string rounding = node.text("nearest_mode", "round_prefer_floor");
  if (a.mode == ResizeMode::linear) return;
  if (rounding == "floor")
    a.rounding = NearestRounding::floor;
  else if (rounding != "round_prefer_floor")
    node.refuse(fmt::format("has nearest_mode = {}, supported are floor and round_prefer_floor", rounding));
}

void resize(NodeReader& node) {
  ResizeAttributes a;
  node.ignore("cubic_coeff_a");
  node.ignore("extrapolation_value");
  node.require("exclude_outside", 0);
  node.require("antialias", 0);
  if (node.has_attribute("axes"))
    node.refuse("has axes, which is not supported; supported are scales or sizes for every axis");
  const int scales = node.opset() < 11 ? 1 : 2;
  const Tensor* given = node.has(scales) ? node.constant_or_null(scales) : nullptr;
  if (given != nullptr && !given->empty())
    set_scales(node, given->span(), a);
  else if (node.opset() >= 11 && node.has(3))
    set_sizes(node, node.integers(3), a);
  else
    node.refuse("needs scales or sizes that are known when the file is read");
  set_modes(node, a);
  node.emit(Op::resize, {node.value(0)}, a);
}

void upsample(NodeReader& node) {
  ResizeAttributes a;
  if (node.opset() < 9) {
    const auto* scales = node.attribute("scales");
    node.ignore("scales");
    if (scales == nullptr) node.refuse("has no scales", Code::bad_input);
    set_scales(node, std::span(scales->floats().data(), static_cast<std::size_t>(scales->floats_size())), a);
  } else {
    set_scales(node, node.constant(1, "scales").span(), a);
  }
  if (node.opset() >= 10) node.refuse("is no operator of this opset", Code::bad_input);
  set_modes(node, a);
  node.emit(Op::resize, {node.value(0)}, a);
}

// The spatial mean; other reductions are refused.
void reduce_mean(NodeReader& node) {
  std::vector<std::int64_t> axes = node.opset() < 18 ? node.integers("axes", {}) : node.numbers(1);
  const std::size_t rank = node.dims(0).size();
  for (std::int64_t& axis : axes) axis = axis_within(node, axis, rank);
  std::sort(axes.begin(), axes.end());
  if (rank != 4 || axes != std::vector<std::int64_t>{2, 3}) node.refuse("is supported over height and width only");
  node.require("noop_with_empty_axes", 0);
  if (node.integer("keepdims", 1) != 0) return node.emit(Op::global_average_pool, {node.value(0)});
  const ValueId pooled =
      node.importer().emit(Op::global_average_pool, node.name(), node.output() + "_pooled", {node.value(0)});
  node.emit(Op::reshape, {pooled}, ReshapeAttributes{{0, 0}});
}

}  // namespace

Reader find_compute_reader(std::string_view op) {
  static const std::unordered_map<std::string_view, Reader> readers{
      {"Conv", [](NodeReader& node) { convolution(node, Op::conv); }},
      {"ConvTranspose", [](NodeReader& node) { convolution(node, Op::conv_transpose); }},
      {"Gemm", gemm},
      {"MatMul", binary<Op::matmul>},
      {"Relu", unary<Op::relu>},
      {"LeakyRelu", leaky_relu},
      {"Sigmoid", unary<Op::sigmoid>},
      {"Tanh", unary<Op::tanh>},
      {"Clip", clip},
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
      {"MaxPool", pool<Op::max_pool>},
      {"AveragePool", pool<Op::average_pool>},
      {"GlobalAveragePool", unary<Op::global_average_pool>},
      {"ReduceMean", reduce_mean},
      {"BatchNormalization", batch_normalization},
      {"DepthToSpace", depth_to_space},
      {"SpaceToDepth", space_to_depth},
      {"Resize", resize},
      {"Upsample", upsample},
  };
  const auto found = readers.find(op);
  return found == readers.end() ? nullptr : found->second;
}

}  // namespace latentflow::nn::onnx_import

// onnx_import_pictures.cpp: readers of the ONNX operators that look at neighbouring pixels: windows, blocks, resizing.
#include <unordered_map>

#include "onnx_importer.h"

namespace latentflow::nn::onnx_import {
namespace {

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

}  // namespace

Reader find_picture_reader(std::string_view op) {
  static const std::unordered_map<std::string_view, Reader> readers{
      {"Conv", [](NodeReader& node) { convolution(node, Op::conv); }},
      {"ConvTranspose", [](NodeReader& node) { convolution(node, Op::conv_transpose); }},
      {"MaxPool", pool<Op::max_pool>},
      {"AveragePool", pool<Op::average_pool>},
      {"DepthToSpace", depth_to_space},
      {"SpaceToDepth", space_to_depth},
      {"Resize", resize},
      {"Upsample", upsample},
  };
  const auto found = readers.find(op);
  return found == readers.end() ? nullptr : found->second;
}

}  // namespace latentflow::nn::onnx_import

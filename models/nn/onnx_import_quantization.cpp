// onnx_import_quantization.cpp: readers of QuantizeLinear and DequantizeLinear, which have a meaning together only.
#include "onnx_importer.h"
#include "quantization.h"

namespace latentflow::nn::onnx_import {
namespace {

/// Scale and zero point of the node for a tensor of these extents.
QuantizeAttributes read_grid(NodeReader& node, const Dims& dims, std::optional<bool> is_signed) {
  node.require("block_size", 0);
  node.ignore("saturate");  // of 8-bit floats
  if (node.has_attribute("output_dtype")) node.require("output_dtype", 0);
  QuantizeAttributes grid;
  const Tensor scales = node.constant(1, "scales");
  grid.scales.assign(scales.span().begin(), scales.span().end());
  const std::int64_t axis = node.integer("axis", 1);
  if (grid.scales.size() > 1) {
    if (scales.dims().size() != 1)
      node.refuse(fmt::format("has scales of shape {}, supported are one for all or one per extent of an axis",
                              latentflow::to_string(scales.dims())));
    grid.axis = static_cast<std::int64_t>(node.axis_within(axis, dims.size()));
  }
  grid.is_signed = is_signed.value_or(false);
  grid.zero_points.assign(grid.scales.size(), 0);
  if (node.has(2)) {
    const auto* zero = std::get_if<SmallIntegers>(&node.known(2));
    if (zero == nullptr) node.refuse("needs a constant zero point of INT8 or UINT8");
    if (is_signed && zero->is_signed != *is_signed)
      node.refuse("has a zero point of another type than its input", Code::bad_input);
    grid.is_signed = zero->is_signed;
    grid.zero_points = zero->elements;
  }
  const std::string fault = grid_fault(grid, dims);
  if (!fault.empty()) node.refuse("has " + fault, Code::bad_input);
  return grid;
}

void quantize(NodeReader& node) {
  Quantized made{{}, node.input_name(0), node.name(), {}};
  if (const Tensor* weights = node.constant_or_null(0)) {
    made.grid = read_grid(node, weights->dims(), {});
    made.constant = *weights;
  } else {
    made.grid = read_grid(node, node.dims(0), {});
  }
  node.importer().define(node.output(), std::move(made));
}

void define_weights(NodeReader& node, Tensor tensor, QuantizeAttributes grid) {
  const ValueId id = node.importer().add_constant(node.output(), std::move(tensor));
  node.importer().graph().value(id).grid = std::move(grid);
  node.importer().define(node.output(), id);
}

// int32, which holds what a convolution adds to its sums: the numbers as floats.
void define_bias(NodeReader& node) {
  const Tensor scales = node.constant(1, "scales");
  const Dims dims = node.integers(0).dims;
  const std::vector<std::int64_t> numbers = node.numbers(0);
  node.ignore("axis");
  if (node.has(2) && node.numbers(2) != std::vector<std::int64_t>(node.numbers(2).size(), 0))
    node.refuse("has a zero point with INT32, which ONNX does not allow", Code::bad_input);
  const std::size_t count = scales.span().size();
  if (count != 1 && (count != numbers.size() || dims.size() != 1))
    node.refuse(fmt::format("has {} scales for {} integers", count, numbers.size()), Code::bad_input);
  Tensor real(dims);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const float scale = scales.span()[count == 1 ? 0 : i];
    if (!(scale > 0))
      node.refuse(fmt::format("has a scale of {}, allowed are numbers above 0", scale), Code::bad_input);
    real.mutable_data()[i] = static_cast<float>(numbers[i]) * scale;
  }
  node.importer().define(node.output(), FloatConstant{std::move(real)});
}

void dequantize(NodeReader& node) {
  if (node.is_integers(0)) return define_bias(node);
  if (const auto* weights = std::get_if<SmallIntegers>(&node.known(0))) {
    QuantizeAttributes grid = read_grid(node, weights->dims, weights->is_signed);
    Tensor real = real_of(weights->elements, weights->dims, grid);
    return define_weights(node, std::move(real), std::move(grid));
  }
  const auto* from = std::get_if<Quantized>(&node.known(0));
  if (from == nullptr) node.refuse(fmt::format("needs integers, \"{}\" holds real numbers", node.input_name(0)));
  const Quantized made = *from;
  const Dims dims = made.constant ? made.constant->dims() : node.importer().declared_dims(made.from, node.describe());
  const QuantizeAttributes grid = read_grid(node, dims, made.grid.is_signed);
  if (grid != made.grid)
    node.refuse(
        fmt::format("undoes node \"{}\" (QuantizeLinear) with another scale or zero point; supported are equal "
                    "ones, which round",
                    made.node));
  if (made.constant) return define_weights(node, rounded(*made.constant, grid), grid);
  Importer& importer = node.importer();
  const ValueId x = importer.value(made.from, node.describe());
  importer.define(node.output(), importer.emit(Op::quantize, made.node, node.output(), {x}, grid));
}

}  // namespace

Reader find_quantization_reader(std::string_view op) {
  if (op == "QuantizeLinear") return quantize;
  if (op == "DequantizeLinear") return dequantize;
  return nullptr;
}

}  // namespace latentflow::nn::onnx_import

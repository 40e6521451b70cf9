// onnx_import_integers.cpp: integer tensors of ONNX files, computed while the file is read.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "onnx_importer.h"
#include "onnx_tensor.h"

namespace latentflow::nn::onnx_import {
namespace {

void shape(NodeReader& node) {
  const Dims dims = node.dims(0);
  const auto rank = static_cast<std::int64_t>(dims.size());
  const auto place = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank); };
  const std::int64_t start = place(node.integer("start", 0)), end = place(node.integer("end", rank));
  Integers result;
  for (std::int64_t axis = start; axis < end; ++axis) {
    const std::int64_t extent = dims[static_cast<std::size_t>(axis)];
    result.elements.push_back(extent >= 0 ? Extent{.number = extent}
                                          : Extent{.of = node.value(0), .axis = static_cast<int>(axis)});
  }
  result.dims = {static_cast<std::int64_t>(result.elements.size())};
  node.importer().define(node.output(), std::move(result));
}

// Rows of `from` at the given places along axis 0.
Integers rows(const Integers& from, std::span<const std::int64_t> places) {
  const std::int64_t length = element_count(Dims(from.dims.begin() + 1, from.dims.end()));
  Integers result{from.dims, {}};
  result.dims[0] = static_cast<std::int64_t>(places.size());
  for (const std::int64_t place : places)
    result.elements.insert(result.elements.end(), from.elements.begin() + place * length,
                           from.elements.begin() + (place + 1) * length);
  return result;
}

void gather(NodeReader& node) {
  if (!node.is_integers(0)) node.refuse("is supported on one-dimensional integer tensors only");
  const Integers& from = node.integers(0);
  const Integers& indices = node.integers(1);
  if (node.integer("axis", 0) != 0 || from.dims.size() != 1 || indices.dims.size() > 1)
    node.refuse("is supported on one-dimensional integer tensors only");
  std::vector<std::int64_t> places = node.numbers(1);
  for (std::int64_t& place : places) place = static_cast<std::int64_t>(node.axis_within(place, from.elements.size()));
  Integers result = rows(from, places);
  result.dims = indices.dims;
  node.importer().define(node.output(), std::move(result));
}

void slice(NodeReader& node) {
  const Integers& from = node.integers(0);
  const bool inputs = node.opset() >= 10;
  const auto read = [&](int input, std::string_view key, std::vector<std::int64_t> otherwise) {
    if (!inputs) return node.integers(key, std::move(otherwise));
    return node.has(input) ? node.numbers(input) : otherwise;
  };
  const auto starts = read(1, "starts", {}), ends = read(2, "ends", {}), axes = read(3, "axes", {0}),
             steps = read(4, "steps", {1});
  if (from.dims.empty() || starts.size() != 1 || ends.size() != 1 || axes != std::vector<std::int64_t>{0} ||
      steps.size() != 1 || steps[0] == 0)
    node.refuse("is supported on the first axis of integer tensors only");
  const std::int64_t extent = from.dims[0];
  const std::int64_t step = std::clamp<std::int64_t>(steps[0], -extent - 1, extent + 1);  // further is no different
  const auto place = [&](std::int64_t at) { return at < 0 ? at + extent : at; };
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
  std::vector<std::int64_t> places;
  // An end far below zero means "to the very first" with a negative step.
  const std::int64_t end = ends[0] < -extent ? low : std::clamp(place(ends[0]), low, high);
  for (std::int64_t at = std::clamp(place(starts[0]), low, high); step > 0 ? at < end : at > end; at += step)
    places.push_back(at);
  node.importer().define(node.output(), rows(from, places));
}

void concat(NodeReader& node) {
  Integers result;
  const std::int64_t axis = node.integer("axis", 0);
  for (int i = 0; i < node.input_count(); ++i) {
    const Integers& part = node.integers(i);
    if (part.dims.empty() || (axis != 0 && !(axis == -1 && part.dims.size() == 1)))
      node.refuse("is supported along the first axis of integer tensors only");
    if (i == 0) result.dims = Dims(part.dims.size(), 0);
    if (part.dims.size() != result.dims.size() ||
        (i > 0 && !std::equal(part.dims.begin() + 1, part.dims.end(), result.dims.begin() + 1)))
      node.refuse("joins integer tensors of different shapes", Code::bad_input);
    const std::int64_t total = result.dims[0] + part.dims[0];
    result.dims = part.dims;
    result.dims[0] = total;
    result.elements.insert(result.elements.end(), part.elements.begin(), part.elements.end());
  }
  node.importer().define(node.output(), std::move(result));
}

void constant_of_shape(NodeReader& node) {
  Integers result{node.numbers(0), {}};
  std::int64_t count = 1;
  for (const std::int64_t extent : result.dims)
    if (extent < 0 || extent > 65536 || (count *= extent) > 65536)
      node.refuse("is supported for small integer tensors only");
  std::int64_t number = 0;
  if (node.attribute("value") == nullptr || !is_integer_type(node.attribute("value")->t().data_type()))
    node.refuse("is supported for integer tensors only");
  const auto numbers = take(read_integers(node.attribute("value")->t(), node.describe()));
  if (numbers.size() == 1) number = numbers[0];
  node.ignore("value");
  result.elements.assign(static_cast<std::size_t>(count), Extent{.number = number});
  node.importer().define(node.output(), std::move(result));
}

// An integer operand; floats count where they are whole numbers, as when a size is multiplied by 2.0.
Integers operand(NodeReader& node, int input) {
  const Tensor* constant = node.constant_or_null(input);
  if (constant == nullptr) return node.integers(input);
  Integers result{constant->dims(), {}};
  for (const float value : constant->span()) {
    if (value != std::floor(value) || std::abs(value) > 1e6f)
      node.refuse(fmt::format("computes a size with {}, supported are whole numbers", value));
    result.elements.push_back({.number = static_cast<std::int64_t>(value)});
  }
  return result;
}

Extent scaled(Extent extent, std::int64_t multiply, std::int64_t divide) {
  extent.multiply *= multiply;
  extent.divide *= divide;
  const std::int64_t common = std::gcd(extent.multiply, extent.divide);
  extent.multiply /= common;
  extent.divide /= common;
  return extent;
}

Extent combine(const NodeReader& node, const Extent& a, const Extent& b) {
  const std::string& op = node.op();
  if (op == "Div" && b.known() && b.number == 0) node.refuse("divides by zero", Code::bad_input);
  if (a.known() && b.known()) {
    const std::int64_t x = a.number, y = b.number;
    std::int64_t result = 0;
    bool overflow = false;
    if (op == "Add")
      overflow = __builtin_add_overflow(x, y, &result);
    else if (op == "Sub")
      overflow = __builtin_sub_overflow(x, y, &result);
    else if (op == "Mul")
      overflow = __builtin_mul_overflow(x, y, &result);
    else if (y == -1)
      overflow = __builtin_sub_overflow(std::int64_t{0}, x, &result);
    else
      result = x / y;
    if (overflow) node.refuse("computes a size that is too large", Code::bad_input);
    return {.number = result};
  }
  const auto factor = [](const Extent& extent) {
    return extent.known() && extent.number > 0 && extent.number <= 1'000'000;
  };
  const auto small = [](const Extent& extent) { return extent.multiply < 1'000'000 && extent.divide < 1'000'000; };
  if (op == "Mul" && factor(b) && small(a)) return scaled(a, b.number, 1);
  if (op == "Mul" && factor(a) && small(b)) return scaled(b, a.number, 1);
  if (op == "Div" && factor(b) && small(a)) return scaled(a, 1, b.number);
  node.refuse(
      "computes a size from input sizes in a way that is not supported; supported are their multiples and fractions");
}

void arithmetic(NodeReader& node) {
  const Integers a = operand(node, 0), b = operand(node, 1);
  const std::size_t of_a = a.elements.size(), of_b = b.elements.size();
  if (of_a == 0 || of_b == 0 || (of_a != of_b && of_a != 1 && of_b != 1))
    node.refuse("takes integer tensors of different lengths", Code::bad_input);
  const Integers& longer = of_a > of_b || (of_a == of_b && a.dims.size() >= b.dims.size()) ? a : b;
  Integers result{longer.dims, {}};
  for (std::size_t i = 0; i < longer.elements.size(); ++i)
    result.elements.push_back(
        combine(node, a.elements[a.elements.size() == 1 ? 0 : i], b.elements[b.elements.size() == 1 ? 0 : i]));
  node.importer().define(node.output(), std::move(result));
}

}  // namespace

Reader find_size_reader(std::string_view op) {
  static const std::unordered_map<std::string_view, Reader> readers{
      {"Shape", shape}, {"Gather", gather}, {"ConstantOfShape", constant_of_shape}};
  const auto found = readers.find(op);
  return found == readers.end() ? nullptr : found->second;
}

Reader find_integer_reader(std::string_view op) {
  static const std::unordered_map<std::string_view, Reader> readers{
      {"Add", arithmetic}, {"Sub", arithmetic}, {"Mul", arithmetic},
      {"Div", arithmetic}, {"Concat", concat},  {"Slice", slice},
  };
  const auto found = readers.find(op);
  return found == readers.end() ? nullptr : found->second;
}

}  // namespace latentflow::nn::onnx_import

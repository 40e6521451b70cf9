// onnx_export.cpp: see onnx_export.h; operator versions are those of opset 13.
#include "onnx_export.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <system_error>

#include "half.h"
#include "node_shape.h"
#include "onnx_attributes.h"
#include "quantization.h"

namespace latentflow::nn {
namespace {

constexpr std::int64_t opset_version = 13;
// One protobuf message holds less than 2 GiB.
constexpr std::int64_t parameter_limit = 500'000'000;

class Exporter {
 public:
  explicit Exporter(const Graph& graph) : graph_(graph), out_(*model_.mutable_graph()) {
    for (const ValueInfo& value : graph.values) names_.insert(value.name);
  }

  Result<std::string> run() {
    model_.set_ir_version(7);  // of ONNX 1.8, which brought opset 13
    model_.set_producer_name("latentflow");
    model_.add_opset_import()->set_version(opset_version);
    out_.set_name(graph_.name.empty() ? "network" : graph_.name);
    for (const auto& [key, value] : graph_.metadata) {
      auto* entry = model_.add_metadata_props();
      entry->set_key(key);
      entry->set_value(value);
    }
    for (const ValueId id : graph_.inputs) describe(id, *out_.add_input());
    for (const ValueId id : used_constants()) add_weights(graph_.value(id));
    for (const Node& node : graph_.nodes)
      if (Status status = add(node); !status) return status.error();
    for (const ValueId id : graph_.outputs) describe(id, *out_.add_output());
    std::string bytes;
    if (!model_.SerializeToString(&bytes)) return internal_error("the ONNX model could not be serialized");
    return bytes;
  }

 private:
  const std::string& name(ValueId id) const {
    static const std::string left_out;
    return id == no_value ? left_out : graph_.value(id).name;
  }
  const Dims& dims(ValueId id) const { return graph_.value(id).dims; }

  // In the order of first use, which reading the file keeps.
  std::vector<ValueId> used_constants() const {
    std::vector<ValueId> used;
    std::set<ValueId> seen;
    const auto take = [&](ValueId id) {
      if (graph_.is_constant(id) && seen.insert(id).second) used.push_back(id);
    };
    for (const Node& node : graph_.nodes)
      for (const ValueId id : node.inputs) take(id);
    for (const ValueId id : graph_.outputs) take(id);
    return used;
  }

  void describe(ValueId id, onnx::ValueInfoProto& info) const {
    info.set_name(name(id));
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(onnx::TensorProto::FLOAT);
    auto* shape = tensor->mutable_shape();
    const std::string prefix = !graph_.inputs.empty() && id == graph_.inputs[0] ? "" : name(id) + "_";
    static constexpr const char* axes[] = {"batch", "channels", "height", "width"};
    for (std::size_t axis = 0; axis < dims(id).size(); ++axis) {
      auto* dim = shape->add_dim();
      if (dims(id)[axis] >= 0)
        dim->set_dim_value(dims(id)[axis]);
      else if (axis == 0)
        dim->set_dim_param("batch");
      else
        dim->set_dim_param(prefix + (axis < 4 ? axes[axis] : "axis" + std::to_string(axis)));
    }
  }

  std::string unique(const std::string& wanted) {
    std::string candidate = wanted;
    for (int i = 2; !names_.insert(candidate).second; ++i) candidate = fmt::format("{}_{}", wanted, i);
    return candidate;
  }

  // Integers of the grid with a DequantizeLinear that makes the weights of them.
  void add_integer_weights(const ValueInfo& value) {
    const QuantizeAttributes& grid = *value.grid;
    onnx::TensorProto& tensor = *out_.add_initializer();
    tensor.set_name(unique(value.name + "_integers"));
    tensor.set_data_type(grid.is_signed ? onnx::TensorProto::INT8 : onnx::TensorProto::UINT8);
    for (const std::int64_t extent : value.constant->dims()) tensor.add_dims(extent);
    const std::vector<std::int32_t> numbers = integers_of(*value.constant, grid);
    std::string& raw = *tensor.mutable_raw_data();
    for (const std::int32_t number : numbers) raw.push_back(static_cast<char>(number));
    const auto [scale, zero] = add_grid(value.name, grid);
    onnx::NodeProto& node =
        proto(unique(value.name + "_real"), "DequantizeLinear", {tensor.name(), scale, zero}, value.name);
    if (grid.scales.size() > 1) set(node, "axis", grid.axis);
  }

  // The initializers of a grid: names of scale and zero point; scalars unless there is one per extent.
  std::pair<std::string, std::string> add_grid(const std::string& wanted, const QuantizeAttributes& grid) {
    const bool one = grid.scales.size() == 1;
    onnx::TensorProto& zero = *out_.add_initializer();
    zero.set_name(unique(wanted + "_zero_point"));
    zero.set_data_type(grid.is_signed ? onnx::TensorProto::INT8 : onnx::TensorProto::UINT8);
    if (!one) zero.add_dims(static_cast<std::int64_t>(grid.zero_points.size()));
    for (const std::int32_t number : grid.zero_points) zero.add_int32_data(number);
    return {floats(wanted + "_scale", grid.scales, one), zero.name()};
  }

  Status add_quantization(const Node& node) {
    const auto& grid = node.as<QuantizeAttributes>();
    const auto [scale, zero] = add_grid(node.name, grid);
    const std::string integers = unique(node.name + "_integers");
    onnx::NodeProto& there = proto(node.name, "QuantizeLinear", {name(node.inputs[0]), scale, zero}, integers);
    if (grid.scales.size() > 1) set(there, "axis", grid.axis);
    onnx::NodeProto& back =
        proto(unique(node.name + "_real"), "DequantizeLinear", {integers, scale, zero}, name(node.output));
    if (grid.scales.size() > 1) set(back, "axis", grid.axis);
    return success();
  }

  void add_weights(const ValueInfo& value) {
    if (value.grid) return add_integer_weights(value);
    if (value.half) return add_half_weights(value);
    onnx::TensorProto& tensor = *out_.add_initializer();
    tensor.set_name(value.name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t extent : value.constant->dims()) tensor.add_dims(extent);
    const auto data = value.constant->span();
    tensor.set_raw_data(data.data(), data.size_bytes());
  }

  void add_half_weights(const ValueInfo& value) {
    onnx::TensorProto& tensor = *out_.add_initializer();
    tensor.set_name(unique(value.name + "_half"));
    tensor.set_data_type(onnx::TensorProto::FLOAT16);
    for (const std::int64_t extent : value.constant->dims()) tensor.add_dims(extent);
    std::string& raw = *tensor.mutable_raw_data();
    for (const float weight : value.constant->span()) {
      const std::uint16_t bits = float_to_half(weight);
      raw.push_back(static_cast<char>(bits & 0xff));
      raw.push_back(static_cast<char>(bits >> 8));
    }
    set(proto(unique(value.name + "_float"), "Cast", {tensor.name()}, value.name), "to",
        std::int64_t{onnx::TensorProto::FLOAT});
  }

  // Adds a one-dimensional int64 initializer; returns its name.
  std::string integers(const std::string& wanted, const std::vector<std::int64_t>& values) {
    onnx::TensorProto& tensor = *out_.add_initializer();
    tensor.set_name(unique(wanted));
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(static_cast<std::int64_t>(values.size()));
    for (const std::int64_t value : values) tensor.add_int64_data(value);
    return tensor.name();
  }
  // Adds a float initializer; a scalar when `scalar`, otherwise one-dimensional.
  std::string floats(const std::string& wanted, const std::vector<float>& values, bool scalar) {
    onnx::TensorProto& tensor = *out_.add_initializer();
    tensor.set_name(unique(wanted));
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    if (!scalar) tensor.add_dims(static_cast<std::int64_t>(values.size()));
    for (const float value : values) tensor.add_float_data(value);
    return tensor.name();
  }

  onnx::NodeProto& proto(const std::string& node_name, std::string_view op, const std::vector<std::string>& inputs,
                         const std::string& output) {
    onnx::NodeProto& node = *out_.add_node();
    node.set_name(node_name);
    node.set_op_type(std::string(op));
    for (const std::string& input : inputs) node.add_input(input);
    while (node.input_size() > 0 && node.input(node.input_size() - 1).empty()) node.mutable_input()->RemoveLast();
    node.add_output(output);
    return node;
  }
  Status add(const Node& node) {
    std::vector<std::string> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(name(id));
    switch (node.op) {
      case Op::clip: {
        const auto& a = node.as<ClipAttributes>();
        inputs.push_back(std::isinf(a.low) ? "" : floats(node.name + ".min", {a.low}, true));
        inputs.push_back(std::isinf(a.high) ? "" : floats(node.name + ".max", {a.high}, true));
        break;
      }
      case Op::slice: add_slice_inputs(node, inputs); break;
      case Op::pad: {
        const auto& a = node.as<PadAttributes>();
        Dims pads = a.before;
        pads.insert(pads.end(), a.after.begin(), a.after.end());
        inputs.push_back(integers(node.name + ".pads", pads));
        if (a.mode == PadMode::constant && a.value != 0)
          inputs.push_back(floats(node.name + ".value", {a.value}, true));
        break;
      }
      case Op::reshape: inputs.push_back(integers(node.name + ".shape", node.as<ReshapeAttributes>().shape)); break;
      case Op::resize: add_resize_inputs(node, inputs); break;
      case Op::quantize: return add_quantization(node);
      case Op::space_to_depth:
        if (node.as<DepthSpaceAttributes>().order == DepthOrder::crd) return add_pixel_unshuffle(node);
        break;
      default: break;
    }
    write_attributes(node, proto(node.name, to_string(node.op), inputs, name(node.output)));
    return success();
  }

  void add_slice_inputs(const Node& node, std::vector<std::string>& inputs) {
    const auto& a = node.as<SliceAttributes>();
    const auto whole = [&](std::size_t axis) {
      return a.starts[axis] == 0 && a.ends[axis] == std::numeric_limits<std::int64_t>::max() && a.steps[axis] == 1;
    };
    // From the first axis that is cut to the last: OpenCV wants neighbouring axes, and nobody wants empty lists.
    std::size_t first = 0, last = a.starts.size();
    while (first + 1 < last && whole(first)) ++first;
    while (first + 1 < last && whole(last - 1)) --last;
    const auto part = [&](const Dims& values) {
      return Dims(values.begin() + static_cast<std::ptrdiff_t>(first),
                  values.begin() + static_cast<std::ptrdiff_t>(last));
    };
    Dims axes;
    for (std::size_t axis = first; axis < last; ++axis) axes.push_back(static_cast<std::int64_t>(axis));
    inputs.push_back(integers(node.name + ".starts", part(a.starts)));
    inputs.push_back(integers(node.name + ".ends", part(a.ends)));
    inputs.push_back(integers(node.name + ".axes", axes));
    inputs.push_back(integers(node.name + ".steps", part(a.steps)));
  }

  void add_resize_inputs(const Node& node, std::vector<std::string>& inputs) {
    const auto& a = node.as<ResizeAttributes>();
    inputs.push_back("");  // roi
    if (a.sizes == Pair{0, 0}) {
      inputs.push_back(floats(node.name + ".scales", {1, 1, a.scales[0], a.scales[1]}, false));
      return;
    }
    inputs.push_back("");  // scales
    const Dims& from = dims(node.inputs[0]);
    if (from[0] >= 0 && from[1] >= 0) {
      inputs.push_back(integers(node.name + ".sizes", {from[0], from[1], a.sizes[0], a.sizes[1]}));
      return;
    }
    // ONNX wants all four extents: batch and channels are read off the input when it runs.
    const std::string shape = unique(node.name + ".input_shape"), head = unique(node.name + ".input_head"),
                      sizes = unique(node.name + ".sizes");
    proto(shape, "Shape", {name(node.inputs[0])}, shape);
    proto(head, "Slice", {shape, integers(node.name + ".head_start", {0}), integers(node.name + ".head_end", {2})},
          head);
    set(proto(sizes, "Concat", {head, integers(node.name + ".size", {a.sizes[0], a.sizes[1]})}, sizes), "axis",
        std::int64_t{0});
    inputs.push_back(sizes);
  }

  // With one channel per item both depth orders are the same: (block row, block column).
  Status add_pixel_unshuffle(const Node& node) {
    const Dims& from = dims(node.inputs[0]);
    if (from.size() != 4 || from[1] < 0)
      return invalid_argument(
          fmt::format("node \"{}\" (SpaceToDepth) in CRD order needs an input with a known number of "
                      "channels to be written as ONNX, got {}",
                      node.name, to_string(from)));
    const std::int64_t block = node.as<DepthSpaceAttributes>().block;
    const std::string single = unique(node.name + ".single"), deep = unique(node.name + ".deep");
    proto(single, "Reshape", {name(node.inputs[0]), integers(node.name + ".single_shape", {-1, 1, 0, 0})}, single);
    set(proto(deep, "SpaceToDepth", {single}, deep), "blocksize", block);
    proto(node.name, "Reshape", {deep, integers(node.name + ".shape", {-1, from[1] * block * block, 0, 0})},
          name(node.output));
    return success();
  }

  const Graph& graph_;
  onnx::ModelProto model_;
  onnx::GraphProto& out_;
  std::set<std::string> names_;  // of all values and initializers
};

std::string reason() { return std::generic_category().message(errno); }

/// The file that becomes `path` once it is whole.
std::filesystem::path partial_file(const std::filesystem::path& path) {
  std::filesystem::path partial = path;
  return partial += fmt::format(".{}.part", ::getpid());
}

Error not_written(const std::filesystem::path& path, const std::string& why) {
  std::error_code ignored;
  std::filesystem::remove(partial_file(path), ignored);
  return io_error(fmt::format("\"{}\" could not be written: {}", path.string(), why));
}

}  // namespace

Status half_weights(Graph& graph) {
  for (ValueInfo& value : graph.values) {
    if (!value.constant || value.grid) continue;
    Tensor rounded = *value.constant;
    float* numbers = rounded.mutable_data();
    for (std::int64_t i = 0; i < rounded.size(); ++i) {
      if (std::abs(numbers[i]) > half_limit)
        return bad_input(
            fmt::format("weight tensor \"{}\" holds {}, float16 reaches to {}", value.name, numbers[i], half_limit));
      numbers[i] = half_to_float(float_to_half(numbers[i]));
    }
    value.constant = std::move(rounded), value.half = true;
  }
  return success();
}

Result<std::string> serialize_onnx(const Graph& graph) {
  if (parameter_count(graph) > parameter_limit)
    return unsupported(fmt::format("network \"{}\" has {} parameters, allowed are {} in one ONNX file", graph.name,
                                   parameter_count(graph), parameter_limit));
  for (const ValueId id : graph.inputs)
    if (graph.value(id).dims.empty())
      return invalid_argument(fmt::format("input \"{}\" of network \"{}\" needs a declared shape to be written as ONNX",
                                          graph.value(id).name, graph.name));
  try {
    Graph declared = graph;  // shares the weights
    if (Status status = declare_dims(declared); !status) return status.error();
    return Exporter(declared).run();
  } catch (const std::exception& failure) {
    return internal_error(fmt::format("network \"{}\" could not be written as ONNX: {}", graph.name, failure.what()));
  }
}

Status check_can_save(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return not_written(path, "it is a folder");
  const std::filesystem::path partial = partial_file(path);
  if (!std::ofstream(partial, std::ios::binary | std::ios::trunc)) return not_written(path, reason());
  std::filesystem::remove(partial, error);
  return success();
}

Status save_onnx(const Graph& graph, const std::filesystem::path& path) {
  const Result<std::string> bytes = serialize_onnx(graph);
  if (!bytes) return bytes.error();
  const std::filesystem::path partial = partial_file(path);
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    if (!file) return not_written(path, reason());
    file.write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
    file.close();
    if (!file) return not_written(path, reason());
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) return not_written(path, error.message());
  return success();
}

}  // namespace latentflow::nn

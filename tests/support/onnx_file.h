// onnx_file.h: ONNX files written by hand with the protobuf classes, for tests of the importer.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "nn/onnx_import.h"

namespace latentflow::testing {

class OnnxFile {
 public:
  onnx::ModelProto model;

  explicit OnnxFile(std::int64_t opset = 13) {
    model.set_ir_version(7);
    model.add_opset_import()->set_version(opset);
    graph().set_name("by hand");
  }
  onnx::GraphProto& graph() { return *model.mutable_graph(); }

  /// Extents of -1 get a name instead of a number.
  OnnxFile& input(const std::string& name, const std::vector<std::int64_t>& dims, int type = onnx::TensorProto::FLOAT) {
    describe(*graph().add_input(), name, dims, type);
    return *this;
  }
  OnnxFile& output(const std::string& name) {
    describe(*graph().add_output(), name, {}, onnx::TensorProto::FLOAT);
    return *this;
  }
  onnx::TensorProto& weights(const std::string& name, const std::vector<std::int64_t>& dims,
                             const std::vector<float>& values) {
    onnx::TensorProto& tensor = *graph().add_initializer();
    fill(tensor, name, dims);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const float value : values) tensor.add_float_data(value);
    return tensor;
  }
  OnnxFile& integers(const std::string& name, const std::vector<std::int64_t>& values) {
    return integers(name, {static_cast<std::int64_t>(values.size())}, values);
  }
  OnnxFile& integers(const std::string& name, const std::vector<std::int64_t>& dims,
                     const std::vector<std::int64_t>& values) {
    onnx::TensorProto& tensor = *graph().add_initializer();
    fill(tensor, name, dims);
    tensor.set_data_type(onnx::TensorProto::INT64);
    for (const std::int64_t value : values) tensor.add_int64_data(value);
    return *this;
  }

  /// The node last added; its name is that of its output with "node_" before it.
  onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output) {
    onnx::NodeProto& node = *graph().add_node();
    node.set_op_type(op);
    node.set_name("node_" + output);
    for (const std::string& name : inputs) node.add_input(name);
    node.add_output(output);
    return node;
  }

  std::string bytes() const { return model.SerializeAsString(); }
  Result<nn::Graph> load() const {
    const std::string text = bytes();
    return nn::parse_onnx(std::as_bytes(std::span(text)), "test.onnx");
  }
  /// The message, or "loaded".
  std::string message() const {
    const auto graph = load();
    return graph ? "loaded" : graph.error().message;
  }

 private:
  static void fill(onnx::TensorProto& tensor, const std::string& name, const std::vector<std::int64_t>& dims) {
    tensor.set_name(name);
    for (const std::int64_t extent : dims) tensor.add_dims(extent);
  }
  static void describe(onnx::ValueInfoProto& info, const std::string& name, const std::vector<std::int64_t>& dims,
                       int type) {
    info.set_name(name);
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    for (const std::int64_t extent : dims) {
      auto* dim = tensor->mutable_shape()->add_dim();
      if (extent >= 0)
        dim->set_dim_value(extent);
      else
        dim->set_dim_param("free");
    }
  }
};

inline onnx::AttributeProto& attribute(onnx::NodeProto& node, const std::string& key,
                                       onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& entry = *node.add_attribute();
  entry.set_name(key);
  entry.set_type(type);
  return entry;
}
inline void set(onnx::NodeProto& node, const std::string& key, std::int64_t value) {
  attribute(node, key, onnx::AttributeProto::INT).set_i(value);
}
inline void set(onnx::NodeProto& node, const std::string& key, float value) {
  attribute(node, key, onnx::AttributeProto::FLOAT).set_f(value);
}
inline void set(onnx::NodeProto& node, const std::string& key, const std::string& value) {
  attribute(node, key, onnx::AttributeProto::STRING).set_s(value);
}
inline void set(onnx::NodeProto& node, const std::string& key, const std::vector<std::int64_t>& values) {
  for (auto& entry = attribute(node, key, onnx::AttributeProto::INTS); const std::int64_t value : values)
    entry.add_ints(value);
}

}  // namespace latentflow::testing

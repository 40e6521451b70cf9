// onnx_importer.h: the state of one ONNX import, shared by the operator readers; nothing outside the import uses it.
#pragma once

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph.h"
#include "onnx_external.h"
#include "onnx_views.h"
#include "slab.h"

namespace latentflow::nn::onnx_import {

/// Thrown by everything here, caught in parse_onnx and nowhere else: two hundred places can refuse a file.
struct Refusal {
  Error error;
};
template <class T>
T take(Result<T> result) {
  if (!result) throw Refusal{result.error()};
  return std::move(*result);
}
inline void check(const Status& status) {
  if (!status) throw Refusal{status.error()};
}

/// A float tensor that is part of the graph only once a node needs it as a value.
struct FloatConstant {
  Tensor tensor;
  ValueId id = no_value;
};
/// A tensor of integers, row-major, each a number or an extent.
struct Integers {
  Dims dims;
  std::vector<Extent> elements;
};
/// A tensor of int8 or uint8: quantized weights, or zero points.
struct SmallIntegers {
  Dims dims;
  std::vector<std::int32_t> elements;
  bool is_signed = false;
};
/// What QuantizeLinear makes; of use to a DequantizeLinear alone.
struct Quantized {
  QuantizeAttributes grid;
  std::string from;                ///< the tensor it was made of
  std::string node;                ///< its name
  std::optional<Tensor> constant;  ///< when that is a constant
};
/// A tensor in another shape, which becomes nodes when a node needs it as a value.
struct Reshaped {
  std::optional<View> view;    ///< what it means, where that is known
  std::string from;            ///< the tensor it was made of
  std::vector<Extent> target;  ///< the shape of a Reshape; empty for a Transpose
  bool transposed = false;
  std::string node, op;  ///< for messages
};
using Known = std::variant<ValueId, FloatConstant, Integers, SmallIntegers, Quantized, Reshaped>;

class NodeReader;

class Importer {
 public:
  /// `folder`: of the file, see ExternalData.
  Importer(const onnx::ModelProto& model, std::optional<std::filesystem::path> folder)
      : model_(model), proto_(model.graph()), external_(std::move(folder)) {}
  /// Throws Refusal.
  Graph run();

  std::int64_t opset() const { return opset_; }
  Graph& graph() { return graph_; }
  /// Throws when nothing (or only a later node) makes the name.
  Known& find(const std::string& name, const std::string& user);
  void define(const std::string& name, Known known);
  /// The tensor as what its type says: floats, integers for shapes, or small integers, inside the file or beside it.
  /// `subject` names it in refusals.
  Known read_constant(const onnx::TensorProto& tensor, const std::string& subject);
  /// The tensor as a value of the graph.
  ValueId value(const std::string& name, const std::string& user);
  /// Appends a node whose output is called `output`; `node` is made unique.
  ValueId emit(Op op, const std::string& node, const std::string& output, std::vector<ValueId> inputs,
               Attributes attributes = {});
  ValueId add_constant(const std::string& name, Tensor tensor);
  /// What is known of the extents of a tensor that is (or becomes) a value.
  Dims declared_dims(const std::string& name, const std::string& user) { return graph_.value(value(name, user)).dims; }

 private:
  void read_header();
  void refuse_unknown_operators() const;
  void read_initializers();
  void read_inputs();
  void read_nodes();
  void read_outputs();
  /// Refuses declared axes or channels that contradict what the nodes make.
  void check_declared(const onnx::ValueInfoProto& output, const Dims& made) const;
  ValueId materialise(const std::string& name, const std::string& user, Reshaped reshaped);
  std::string unique(const std::string& wanted);

  const onnx::ModelProto& model_;
  const onnx::GraphProto& proto_;
  ExternalData external_;
  Slab weights_;
  std::int64_t opset_ = 0;
  Graph graph_;
  std::map<std::string, Known> known_;
  std::map<std::string, int> makers_;  // index of the node that makes a name
  std::set<std::string> node_names_, value_names_;
};

/// One node of the file: typed access to its inputs and attributes, with errors that name it.
class NodeReader {
 public:
  NodeReader(Importer& importer, const onnx::NodeProto& proto, const std::string& name)
      : importer_(importer), proto_(proto), name_(name) {}

  [[noreturn]] void refuse(const std::string& fact, Code code = Code::unsupported) const;
  Importer& importer() const { return importer_; }
  std::int64_t opset() const { return importer_.opset(); }
  const std::string& name() const { return name_; }
  const std::string& op() const { return proto_.op_type(); }
  const std::string& output() const { return proto_.output(0); }
  std::vector<std::string> outputs() const { return {proto_.output().begin(), proto_.output().end()}; }
  std::string describe() const { return fmt::format("node \"{}\" ({})", name_, op()); }

  int input_count() const { return proto_.input_size(); }
  bool has(int input) const { return input < proto_.input_size() && !proto_.input(input).empty(); }
  const std::string& input_name(int input) const;
  Known& known(int input) const { return importer_.find(input_name(input), describe()); }
  ValueId value(int input) const { return importer_.value(input_name(input), describe()); }
  ValueId value_or_none(int input) const { return has(input) ? value(input) : no_value; }
  /// Declared extents of a value, -1 where unknown; refuses when not even the number of axes is known.
  Dims dims(int input) const;
  bool is_integers(int input) const { return has(input) && std::holds_alternative<Integers>(known(input)); }
  const Integers& integers(int input) const;
  /// The axis counted from the front; refuses one that a tensor of `rank` axes does not have.
  std::size_t axis_within(std::int64_t axis, std::size_t rank) const;
  /// Integers that are all numbers.
  std::vector<std::int64_t> numbers(int input) const;
  /// A float constant, or null for anything else.
  const Tensor* constant_or_null(int input) const;
  /// A float constant; `what` names it in errors.
  Tensor constant(int input, std::string_view what) const;
  float scalar(int input, std::string_view what) const;

  bool has_attribute(std::string_view key) const { return attribute(key) != nullptr; }
  std::int64_t integer(std::string_view key, std::int64_t otherwise);
  /// Refuses what is no number, and infinities unless they mean that there is no bound.
  float real(std::string_view key, float otherwise, bool may_be_infinite = false);
  std::string text(std::string_view key, const std::string& otherwise);
  std::vector<std::int64_t> integers(std::string_view key, std::vector<std::int64_t> otherwise);
  const onnx::AttributeProto* attribute(std::string_view key) const;
  void ignore(std::string_view key) { read_.insert(std::string(key)); }
  /// Refuses a value other than the one that is supported.
  void require(std::string_view key, std::int64_t only);
  /// Refuses attributes that nobody asked for.
  void finish() const;

  /// A node of this name and output.
  void emit(Op op, std::vector<ValueId> inputs, Attributes attributes = {}) const {
    importer_.define(output(), importer_.emit(op, name_, output(), std::move(inputs), std::move(attributes)));
  }

 private:
  const onnx::AttributeProto* typed(std::string_view key, onnx::AttributeProto::AttributeType type);

  Importer& importer_;
  const onnx::NodeProto& proto_;
  std::string name_;
  std::set<std::string> read_;
};

using Reader = void (*)(NodeReader&);
/// The readers of the operators of the default domain; null for others.
Reader find_array_reader(std::string_view op);    ///< elementwise, matrices, slicing
Reader find_picture_reader(std::string_view op);  ///< windows, blocks, resizing
Reader find_shape_reader(std::string_view op);    ///< constants, other names, other shapes
Reader find_size_reader(std::string_view op);     ///< those that give integers
Reader find_integer_reader(std::string_view op);  ///< array operators when they get integers
Reader find_quantization_reader(std::string_view op);

/// Makes the input into another shape (entries 0 and -1 as in ONNX Reshape).
void define_reshaped(NodeReader& node, std::vector<Extent> target);

}  // namespace latentflow::nn::onnx_import

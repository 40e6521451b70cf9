// onnx_import.cpp: walks an ONNX file from header to outputs; see onnx_import.h.
#include "onnx_import.h"

#include <cerrno>
#include <fstream>
#include <new>
#include <system_error>

#include "node_shape.h"
#include "onnx_external.h"
#include "onnx_importer.h"
#include "onnx_tensor.h"
#include "passes.h"

namespace latentflow::nn {
namespace onnx_import {

namespace {

Reader find_reader(std::string_view op) {
  for (const auto find :
       {find_array_reader, find_picture_reader, find_shape_reader, find_size_reader, find_quantization_reader})
    if (const Reader reader = find(op)) return reader;
  return nullptr;
}

}  // namespace

Graph Importer::run() {
  read_header();
  refuse_unknown_operators();
  read_initializers();
  read_inputs();
  read_nodes();
  read_outputs();
  check(remove_unused(graph_));
  return std::move(graph_);
}

void Importer::read_header() {
  if (!model_.has_graph()) throw Refusal{bad_input("holds no graph: not an ONNX model")};
  for (const auto& set : model_.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") opset_ = set.version();
  if (opset_ < 7 || opset_ > 21)
    throw Refusal{unsupported(fmt::format("opset is {}, allowed 7 to 21; export it again with opset 13", opset_))};
  if (proto_.sparse_initializer_size() > 0) throw Refusal{unsupported("sparse initializers are not supported")};
  graph_.name = proto_.name();
  for (const auto& entry : model_.metadata_props()) graph_.metadata.insert_or_assign(entry.key(), entry.value());
}

void Importer::refuse_unknown_operators() const {
  std::map<std::string, std::vector<std::string>> unknown;
  for (const onnx::NodeProto& node : proto_.node()) {
    const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
    if (standard && find_reader(node.op_type()) != nullptr) continue;
    unknown[standard ? node.op_type() : node.domain() + "." + node.op_type()].push_back(
        !node.name().empty() || node.output_size() == 0 ? node.name() : node.output(0));
  }
  if (unknown.empty()) return;
  std::string list;
  for (const auto& [op, nodes] : unknown) {
    list += fmt::format("{}{} (node \"{}\"", list.empty() ? "" : ", ", op, nodes.front());
    list += nodes.size() == 1 ? ")" : fmt::format(" and {} more)", nodes.size() - 1);
  }
  throw Refusal{unsupported(fmt::format("unsupported operator{}: {}", unknown.size() == 1 ? "" : "s", list))};
}

void Importer::define(const std::string& name, Known known) {
  if (!known_.emplace(name, std::move(known)).second)
    throw Refusal{bad_input(fmt::format("the name \"{}\" is given to two tensors", name))};
}

void Importer::read_initializers() {
  for (const onnx::TensorProto& tensor : proto_.initializer())
    define(tensor.name(), read_constant(tensor, fmt::format("weight tensor \"{}\"", tensor.name())));
}

Known Importer::read_constant(const onnx::TensorProto& tensor, const std::string& subject) {
  if (is_external(tensor)) return read_constant(take(external_.read(tensor, subject)), subject);
  const Dims dims(tensor.dims().begin(), tensor.dims().end());
  if (is_small_integer_type(tensor.data_type()))
    return SmallIntegers{dims, take(read_small_integers(tensor, subject)),
                         tensor.data_type() == onnx::TensorProto::INT8};
  if (!is_integer_type(tensor.data_type())) return FloatConstant{take(read_floats(tensor, subject, weights_))};
  Integers integers{dims, {}};
  for (const std::int64_t number : take(read_integers(tensor, subject)))
    integers.elements.push_back({.number = number});
  return integers;
}

void Importer::read_inputs() {
  for (const onnx::ValueInfoProto& input : proto_.input()) {
    if (known_.contains(input.name())) continue;  // up to IR version 3 weights are inputs too
    if (!input.type().has_tensor_type())
      throw Refusal{unsupported(fmt::format("input \"{}\" is no tensor", input.name()))};
    const auto& tensor = input.type().tensor_type();
    if (tensor.elem_type() != onnx::TensorProto::FLOAT)
      throw Refusal{
          unsupported(fmt::format("input \"{}\" holds {}, needs FLOAT", input.name(), type_name(tensor.elem_type())))};
    Dims dims;
    for (const auto& dim : tensor.shape().dim()) {
      dims.push_back(dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : -1);
      if (dims.back() > extent_limit)
        throw Refusal{bad_input(fmt::format("input \"{}\" has an impossible extent {}", input.name(), dims.back()))};
    }
    define(input.name(), graph_.add_input(input.name(), std::move(dims)));
    value_names_.insert(input.name());
  }
  if (graph_.inputs.empty()) throw Refusal{bad_input("has no input")};
}

void Importer::read_nodes() {
  for (int i = 0; i < proto_.node_size(); ++i)
    for (const std::string& name : proto_.node(i).output())
      if (!name.empty()) makers_.emplace(name, i);
  for (const onnx::NodeProto& node : proto_.node()) {
    if (node.output_size() == 0 || node.output(0).empty())
      throw Refusal{bad_input(fmt::format("node \"{}\" ({}) has no output", node.name(), node.op_type()))};
    NodeReader reader(*this, node, node.name().empty() ? node.output(0) : node.name());
    // Slice takes its bounds as integers whatever it cuts.
    const bool integers = reader.is_integers(0) || (node.op_type() != "Slice" && reader.is_integers(1));
    Reader read = integers ? find_integer_reader(node.op_type()) : nullptr;
    if (read == nullptr) read = find_reader(node.op_type());
    read(reader);
    reader.finish();
  }
}

void Importer::read_outputs() {
  if (proto_.output_size() == 0) throw Refusal{bad_input("has no output")};
  std::set<ValueId> taken(graph_.inputs.begin(), graph_.inputs.end());
  for (const onnx::ValueInfoProto& output : proto_.output()) {
    const std::string subject = fmt::format("output \"{}\"", output.name());
    if (!known_.contains(output.name())) throw Refusal{bad_input(subject + " is made by no node")};
    ValueId id = value(output.name(), subject);
    // A copy where the tensor is an input, a weight or another output too, so that every output has a value of its own.
    if (graph_.is_constant(id) || taken.contains(id))
      id = emit(Op::reshape, output.name(), output.name(), {id},
                ReshapeAttributes{Dims(graph_.value(id).dims.size(), 0)});
    if (graph_.value(id).name != output.name()) graph_.value(id).name = unique(output.name());
    taken.insert(id);
    check_declared(output, graph_.value(id).dims);
    graph_.outputs.push_back(id);
  }
}

// Heights, widths and batch sizes do not bind, as with inputs: they are often those of the picture the exporter had.
void Importer::check_declared(const onnx::ValueInfoProto& output, const Dims& made) const {
  if (made.empty() || !output.type().tensor_type().has_shape()) return;
  Dims declared;
  for (const auto& dim : output.type().tensor_type().shape().dim())
    declared.push_back(dim.has_dim_value() && dim.dim_value() > 0 ? dim.dim_value() : -1);
  if (declared.empty()) return;
  const bool fits =
      declared.size() == made.size() && (made.size() < 2 || made[1] < 0 || declared[1] < 0 || made[1] == declared[1]);
  if (fits) return;
  throw Refusal{bad_input(fmt::format("output \"{}\" is declared as {}, but the nodes make {}", output.name(),
                                      latentflow::to_string(declared), latentflow::to_string(made)))};
}

Known& Importer::find(const std::string& name, const std::string& user) {
  if (const auto found = known_.find(name); found != known_.end()) return found->second;
  if (const auto maker = makers_.find(name); maker != makers_.end()) {
    const onnx::NodeProto& node = proto_.node(maker->second);
    throw Refusal{
        bad_input(fmt::format("{} uses \"{}\" before node \"{}\" ({}) makes it: a cycle, or nodes out of order", user,
                              name, node.name(), node.op_type()))};
  }
  throw Refusal{bad_input(fmt::format("{} uses \"{}\", which nothing makes", user, name))};
}

ValueId Importer::value(const std::string& name, const std::string& user) {
  Known& known = find(name, user);
  if (const auto* id = std::get_if<ValueId>(&known)) return *id;
  if (auto* constant = std::get_if<FloatConstant>(&known)) {
    if (constant->tensor.empty()) throw Refusal{bad_input(fmt::format("{} uses \"{}\", which is empty", user, name))};
    if (constant->id == no_value) constant->id = add_constant(name, constant->tensor);
    return constant->id;
  }
  if (const auto* reshaped = std::get_if<Reshaped>(&known)) {
    const ValueId id = materialise(name, user, *reshaped);
    find(name, user) = id;
    return id;
  }
  if (const auto* quantized = std::get_if<Quantized>(&known))
    throw Refusal{unsupported(
        fmt::format("{} computes with the integers of node \"{}\" (QuantizeLinear), which is supported with "
                    "DequantizeLinear directly behind it only",
                    user, quantized->node))};
  throw Refusal{unsupported(fmt::format("{} computes with the integer tensor \"{}\"", user, name))};
}

ValueId Importer::materialise(const std::string& name, const std::string& user, Reshaped reshaped) {
  if (reshaped.view) {
    if (const auto meaning = reshaped.view->meaning()) {
      if (meaning->op == Op::reshape) return reshaped.view->base();
      return emit(meaning->op, reshaped.node, name, {reshaped.view->base()}, meaning->attributes);
    }
  }
  const std::string node = fmt::format("node \"{}\" ({})", reshaped.node, reshaped.op);
  if (reshaped.transposed)
    throw Refusal{unsupported(fmt::format(
        "{} moves axes in a way that is no part of PixelShuffle or PixelUnshuffle, the only use that is supported",
        node))};
  const ValueId from = value(reshaped.from, user);
  Dims shape;
  std::size_t open = 0;
  for (std::size_t i = 0; i < reshaped.target.size(); ++i) {
    const Extent& entry = reshaped.target[i];
    const bool kept = entry == Extent{.of = from, .axis = static_cast<int>(i)};
    shape.push_back(kept ? 0 : entry.known() ? entry.number : -1);
    if (shape.back() == -1) ++open;
  }
  if (open > 1)
    throw Refusal{unsupported(fmt::format("{} computes {} of its extents from sizes that are not known", node, open))};
  return emit(Op::reshape, reshaped.node, name, {from}, ReshapeAttributes{std::move(shape)});
}

std::string Importer::unique(const std::string& wanted) {
  std::string candidate = wanted;
  for (int i = 2; !value_names_.insert(candidate).second; ++i) candidate = fmt::format("{}_{}", wanted, i);
  return candidate;
}

ValueId Importer::add_constant(const std::string& name, Tensor tensor) {
  return graph_.add_constant(unique(name), std::move(tensor));
}

ValueId Importer::emit(Op op, const std::string& node, const std::string& output, std::vector<ValueId> inputs,
                       Attributes attributes) {
  std::string name = node;
  for (int i = 2; !node_names_.insert(name).second; ++i) name = fmt::format("{}_{}", node, i);
  const ValueId id = graph_.add_node(op, name, std::move(inputs), std::move(attributes));
  graph_.value(id).name = unique(output);
  graph_.value(id).dims = take(declared_output_dims(graph_, graph_.nodes.back())).value_or(Dims{});
  return id;
}

}  // namespace onnx_import

namespace {

/// `read` fills the model, or returns false where the bytes are none.
template <class Read>
Result<Graph> import_model(const Read& read, std::uintmax_t size, const std::string& name,
                           const std::optional<std::filesystem::path>& folder) {
  const auto failed = [&](Error error) {
    error.message = fmt::format("\"{}\": {}", name, error.message);
    return error;
  };
  if (size == 0) return failed(bad_input("is empty"));
  if (size > onnx_size_limit)
    return failed(unsupported(fmt::format("has {} bytes, allowed are {}", size, onnx_size_limit)));
  try {
    onnx::ModelProto model;
    if (!read(model))
      return failed(
          bad_input(fmt::format("is no complete ONNX file: cut off, damaged or of another format ({} bytes)", size)));
    return onnx_import::Importer(model, folder).run();
  } catch (onnx_import::Refusal& refusal) { return failed(std::move(refusal.error)); } catch (const std::bad_alloc&) {
    return failed(out_of_memory("does not fit into memory"));
  } catch (const std::exception& failure) { return failed(internal_error(failure.what())); }
}

}  // namespace

Result<Graph> parse_onnx(std::span<const std::byte> bytes, const std::string& name,
                         const std::optional<std::filesystem::path>& folder) {
  const auto read = [&](onnx::ModelProto& model) {
    return model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  };
  return import_model(read, bytes.size(), name, folder);
}

Result<Graph> load_onnx(const std::filesystem::path& path) {
  const auto failed = [&](Error (*kind)(std::string), const std::string& why) {
    return kind(fmt::format("\"{}\": {}", path.string(), why));
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return failed(not_found, "there is no such file");
  if (!std::filesystem::is_regular_file(status)) return failed(io_error, "is not a file");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return failed(io_error, error.message());
  std::ifstream file(path, std::ios::binary);
  if (!file) return failed(io_error, std::generic_category().message(errno));
  // Read as it is taken apart, so that its bytes are in memory once.
  int failure = 0;
  const auto read = [&](onnx::ModelProto& model) {
    const bool whole = model.ParseFromIstream(&file);
    if (file.bad()) failure = errno;
    return whole;
  };
  Result<Graph> graph = import_model(read, size, path.string(), path.parent_path());
  if (failure != 0) return failed(io_error, std::generic_category().message(failure));
  return graph;
}

std::string file_version(const std::filesystem::path& path) {
  const auto version = [](const std::filesystem::path& file) {
    std::error_code ignored;
    return fmt::format("{}:{}:{}", file.string(), std::filesystem::file_size(file, ignored),
                       std::filesystem::last_write_time(file, ignored).time_since_epoch().count());
  };
  std::string text = version(path);
  for (const std::string& location : external_locations(path)) text += "+" + version(path.parent_path() / location);
  return text;
}

}  // namespace latentflow::nn

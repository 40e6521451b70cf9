// pca_model.cpp: see pca_model.h.
#include "pca_model.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "model_card.h"
#include "node_shape.h"

namespace latentflow::nn {
namespace {

const std::string* find(const Graph& graph, const std::string& key) {
  const auto found = graph.metadata.find(key);
  return found == graph.metadata.end() ? nullptr : &found->second;
}

/// Numbers separated by spaces; nothing unless all of the text is finite numbers that are not negative.
std::optional<std::vector<double>> numbers(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  std::vector<double> list;
  std::istringstream words(*text);
  for (std::string word; words >> word;) {
    double number = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (failure != std::errc() || end != word.data() + word.size() || !std::isfinite(number) || number < 0)
      return std::nullopt;
    list.push_back(number);
  }
  return list;
}

/// The constant that is input number `index` of a node, if it has these extents.
const Tensor* constant_of(const Graph& graph, const Node& node, std::size_t index, const Dims& dims) {
  if (node.inputs.size() <= index || !graph.is_constant(node.inputs[index])) return nullptr;
  const Tensor& tensor = *graph.value(node.inputs[index]).constant;
  return tensor.dims() == dims ? &tensor : nullptr;
}

Tensor transposed(const Tensor& matrix) {
  const std::int64_t rows = matrix.dims()[0], columns = matrix.dims()[1];
  Tensor result({columns, rows});
  float* target = result.mutable_data();
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) target[j * rows + i] = matrix.data()[i * columns + j];
  return result;
}

}  // namespace

Result<Graph> pca_network(const Pca& pca, const CodeItem& item) {
  if (item.features() != pca.features())
    return invalid_argument(fmt::format("item \"{}\" has {} numbers, the components have {}", to_string(item),
                                        item.features(), pca.features()));
  Graph graph;
  graph.name = "pca";
  const ValueId data = graph.add_input("data", {-1, pca.features()});
  const ValueId mean = graph.add_constant("mean", pca.mean);
  const ValueId centred = graph.add_node(Op::sub, "centred", {data, mean});
  const ValueId encoder = graph.add_constant("encoder", scaled_components(pca, -1));
  const ValueId code = graph.add_node(Op::gemm, "code", {centred, encoder}, GemmAttributes{1, 1, false, true});
  // A matrix of its own for the way back, also transposed: OpenCV 4.6 misreads a Gemm that is not.
  const ValueId decoder = graph.add_constant("decoder", transposed(scaled_components(pca, 1)));
  const ValueId back =
      graph.add_node(Op::gemm, "reconstruction", {code, decoder, mean}, GemmAttributes{1, 1, false, true});
  graph.outputs = {code, back};

  std::string variances;
  for (const double variance : pca.explained_variance)
    variances += fmt::format("{}{}", variances.empty() ? "" : " ", variance);
  graph.metadata["item"] = to_string(item);
  graph.metadata["pca_items"] = fmt::to_string(pca.items);
  graph.metadata["pca_whiten"] = pca.whiten ? "true" : "false";
  graph.metadata["pca_explained_variance"] = variances;
  graph.metadata["pca_total_variance"] = fmt::format("{}", pca.total_variance);
  ModelCard card;
  card.task = "pca";
  if (item.kind != CodeItem::Kind::tensor) card.color = item.channels == 3 ? "rgb" : "gray";
  card.image_input = "data";
  card.trained_with = "latentflow, node pca_fit";
  card.data = fmt::format("{} items", pca.items);
  card.scores = fmt::format("mean squared error of the fitted items, summed over {} numbers: {:.6g} of {:.6g}",
                            pca.features(), pca.mean_squared_error(),
                            pca.total_variance * static_cast<double>(pca.items - 1) / static_cast<double>(pca.items));
  write_card(graph, card);
  if (Status status = declare_dims(graph); !status) return status.error();
  return graph;
}

Result<Pca> read_pca(const Graph& graph) {
  const auto refuse = [&](const std::string& fact) {
    return bad_input(fmt::format("network \"{}\" is no principal component analysis: {}", graph.name, fact));
  };
  const auto variances = numbers(find(graph, "pca_explained_variance")),
             total = numbers(find(graph, "pca_total_variance"));
  const auto items = numbers(find(graph, "pca_items"));
  if (!variances || variances->empty()) return refuse("its metadata have no list pca_explained_variance");
  if (!total || total->size() != 1 || (*total)[0] <= 0) return refuse("its metadata have no number pca_total_variance");
  if (!items || items->size() != 1 || (*items)[0] < 2 || (*items)[0] > 1e15)
    return refuse("its metadata have no number pca_items");
  if (graph.nodes.size() != 3 || graph.nodes[0].op != Op::sub || graph.nodes[1].op != Op::gemm ||
      graph.nodes[2].op != Op::gemm)
    return refuse("needs the nodes Sub, Gemm, Gemm");
  const Dims& data = graph.value(graph.inputs[0]).dims;
  if (data.size() != 2 || data[1] < 1)
    return refuse(fmt::format("its input is {}, needs [batch, features]", to_string(data)));
  Pca pca;
  const auto count = static_cast<std::int64_t>(variances->size());
  const Tensor* mean = constant_of(graph, graph.nodes[0], 1, {data[1]});
  const Tensor* encoder = constant_of(graph, graph.nodes[1], 1, {count, data[1]});
  if (mean == nullptr || encoder == nullptr)
    return refuse(fmt::format("needs a mean [{}] and a matrix [{}, {}]", data[1], count, data[1]));
  pca.mean = *mean;
  pca.explained_variance = *variances;
  pca.total_variance = (*total)[0];
  pca.items = static_cast<std::int64_t>((*items)[0]);
  pca.components = *encoder;
  if (const std::string* whiten = find(graph, "pca_whiten"); whiten != nullptr && *whiten == "true") {
    pca.whiten = true;
    pca.components = scaled_components(pca, 1);  // undoes the division
  }
  return pca;
}

}  // namespace latentflow::nn

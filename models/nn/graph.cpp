// graph.cpp: building and counting operator graphs; see graph.h.
#include "graph.h"

namespace latentflow::nn {

std::string_view to_string(Op op) {
  switch (op) {
    case Op::conv: return "Conv";
    case Op::conv_transpose: return "ConvTranspose";
    case Op::gemm: return "Gemm";
    case Op::matmul: return "MatMul";
    case Op::relu: return "Relu";
    case Op::leaky_relu: return "LeakyRelu";
    case Op::sigmoid: return "Sigmoid";
    case Op::tanh: return "Tanh";
    case Op::softmax: return "Softmax";
    case Op::clip: return "Clip";
    case Op::add: return "Add";
    case Op::sub: return "Sub";
    case Op::mul: return "Mul";
    case Op::concat: return "Concat";
    case Op::slice: return "Slice";
    case Op::pad: return "Pad";
    case Op::reshape: return "Reshape";
    case Op::flatten: return "Flatten";
    case Op::max_pool: return "MaxPool";
    case Op::average_pool: return "AveragePool";
    case Op::global_average_pool: return "GlobalAveragePool";
    case Op::batch_normalization: return "BatchNormalization";
    case Op::depth_to_space: return "DepthToSpace";
    case Op::space_to_depth: return "SpaceToDepth";
    case Op::resize: return "Resize";
    case Op::quantize: return "Quantize";
  }
  return "?";
}

ValueId Graph::add_input(std::string value_name, Dims dims) {
  values.push_back({std::move(value_name), std::move(dims), {}});
  inputs.push_back(static_cast<ValueId>(values.size() - 1));
  return inputs.back();
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  Dims dims = tensor.dims();
  values.push_back({std::move(value_name), std::move(dims), std::move(tensor)});
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::add_node(Op op, std::string node_name, std::vector<ValueId> node_inputs, Attributes attributes) {
  values.push_back({node_name, {}, {}});
  const auto output = static_cast<ValueId>(values.size() - 1);
  nodes.push_back({op, std::move(node_name), std::move(node_inputs), output, std::move(attributes)});
  return output;
}

std::int64_t parameter_count(const Graph& graph) {
  std::int64_t count = 0;
  for (const ValueInfo& value : graph.values)
    if (value.constant) count += value.constant->size();
  return count;
}

}  // namespace latentflow::nn

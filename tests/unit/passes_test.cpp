// passes_test.cpp: rewritten graphs compute what the originals compute.
#include "nn/passes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::random_tensor;

class Builder {
 public:
  Graph graph;
  std::mt19937 generator{3};

  ValueId constant(Dims dims) { return graph.add_constant(name(), random_tensor(std::move(dims), generator)); }
  ValueId node(Op op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return graph.add_node(op, name(), std::move(inputs), std::move(attributes));
  }
  ValueId normalised(ValueId x, std::int64_t channels) {
    Tensor variance = random_tensor({channels}, generator);
    for (float& element : variance.mutable_span()) element = std::abs(element) + 0.2f;
    const ValueId spread = graph.add_constant(name(), variance);
    return node(Op::batch_normalization, {x, constant({channels}), constant({channels}), constant({channels}), spread},
                BatchNormalizationAttributes{1e-3f});
  }

 private:
  std::string name() { return std::string("v").append(std::to_string(graph.values.size())); }
};

std::size_t count(const Graph& graph, Op op) {
  return static_cast<std::size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) { return node.op == op; }));
}

// Optimised and original agree on random inputs; floats are rounded once more or less.
Graph expect_same(Builder& b, const Dims& input) {
  const Tensor x = random_tensor(input, b.generator);
  const auto result = optimised(b.graph);
  EXPECT_TRUE(result.ok());
  if (!result) return {};
  const auto before = testing::reference_run(b.graph, {x}), after = testing::reference_run(*result, {x});
  EXPECT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_LT(testing::largest_difference(before[i], after[i]), 1e-5 * (1 + testing::value_range(before[i])));
    EXPECT_EQ(b.graph.value(b.graph.outputs[i]).name, result->value(result->outputs[i]).name);
  }
  return *result;
}

TEST(Passes, FoldBatchNormalizationIntoEveryKindOfWeights) {
  const ConvAttributes grouped{{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 2, {0, 0}};
  for (const bool bias : {true, false}) {
    Builder b;
    const ValueId x = b.graph.add_input("x", {2, 4, 5, 6});
    const ValueId conv = b.node(Op::conv, {x, b.constant({6, 2, 3, 3}), bias ? b.constant({6}) : no_value}, grouped);
    const ValueId up =
        b.node(Op::conv_transpose, {b.normalised(conv, 6), b.constant({6, 4, 3, 3}), bias ? b.constant({8}) : no_value},
               grouped);
    b.graph.outputs = {b.normalised(up, 8)};
    const Graph result = expect_same(b, {2, 4, 5, 6});
    EXPECT_EQ(result.nodes.size(), 2u);
  }
  for (const bool transposed : {true, false}) {
    Builder b;
    const ValueId x = b.graph.add_input("x", {3, 5});
    const ValueId product = b.node(Op::gemm, {x, b.constant(transposed ? Dims{7, 5} : Dims{5, 7}), b.constant({1, 7})},
                                   GemmAttributes{0.5f, 2, false, transposed});
    b.graph.outputs = {b.normalised(product, 7)};
    EXPECT_EQ(expect_same(b, {3, 5}).nodes.size(), 1u);
  }
}

TEST(Passes, KeepWeightsThatOthersUse) {
  Builder b;
  const ValueId x = b.graph.add_input("x", {1, 4, 5, 6});
  const ConvAttributes a{{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, {0, 0}};
  const ValueId shared = b.constant({4, 4, 1, 1});
  const ValueId first = b.node(Op::conv, {x, shared}, a);
  b.graph.outputs = {b.node(Op::conv, {b.normalised(first, 4), shared}, a)};
  expect_same(b, {1, 4, 5, 6});
}

TEST(Passes, TurnOtherBatchNormalizationIntoMulAndAdd) {
  Builder b;  // the convolution is an output too, and the second normalisation follows an activation
  const ValueId x = b.graph.add_input("x", {2, 4, 5, 6});
  const ValueId conv = b.node(Op::conv, {x, b.constant({4, 4, 1, 1})}, ConvAttributes{});
  const ValueId normalised = b.normalised(b.node(Op::relu, {b.normalised(conv, 4)}), 4);
  b.graph.outputs = {conv, normalised};
  const Graph result = expect_same(b, {2, 4, 5, 6});
  EXPECT_EQ(count(result, Op::batch_normalization), 0u);
  EXPECT_EQ(count(result, Op::mul), 2u);
}

TEST(Passes, RefuseAVarianceThatIsNotPositive) {
  Builder b;
  const ValueId x = b.graph.add_input("x", {1, 1, 2, 2});
  const ValueId one = b.constant({1}), negative = b.graph.add_constant("variance", Tensor::filled({1}, -1));
  b.graph.outputs = {b.graph.add_node(Op::batch_normalization, "bn", {x, one, one, one, negative},
                                      BatchNormalizationAttributes{0.5f})};
  EXPECT_EQ(optimised(b.graph).error().message,
            "node \"bn\" (BatchNormalization) has the variance -0.5 in channel 0, allowed above 0");
}

TEST(Passes, ComputeWhatIsConstantOnceAndRemoveWhatIsUnused) {
  Builder b;
  const ValueId x = b.graph.add_input("x", {2, 3, 4, 5});
  const ValueId sum = b.node(Op::add, {b.constant({3, 1, 1}), b.constant({1, 1, 5})});
  const ValueId gate = b.node(Op::sigmoid, {b.node(Op::clip, {sum}, ClipAttributes{-0.5f, 0.5f})});
  b.node(Op::relu, {x});  // nothing uses it
  b.constant({100});
  b.graph.outputs = {b.node(Op::mul, {x, gate})};
  const Graph result = expect_same(b, {2, 3, 4, 5});
  EXPECT_EQ(result.nodes.size(), 1u);
  EXPECT_EQ(result.values.size(), 3u);
  EXPECT_EQ(parameter_count(result), 15);
}

}  // namespace
}  // namespace latentflow

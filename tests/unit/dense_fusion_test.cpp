// dense_fusion_test.cpp: Gemm and MatMul with bias and activation as one layer: the plan, the numbers, and what must
// stay apart.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "nn/network.h"
#include "nn/training_plan.h"
#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::Builder;
using testing::largest_difference;
using testing::value_range;

/// A product that an activation follows; `fused` is what the plan is to say of it before the activation.
struct Product {
  std::string name;
  ValueId (*add)(Builder& b);
  std::string fused = {};
};

void PrintTo(const Product& product, std::ostream* out) { *out << product.name; }

ValueId gemm(Builder& b, Dims a, Dims right, std::vector<Dims> third, GemmAttributes attributes) {
  std::vector<ValueId> operands{b.input(std::move(a)), b.constant(std::move(right))};
  for (Dims& dims : third) operands.push_back(b.constant(std::move(dims)));
  return b.node(Op::gemm, operands, attributes);
}

ValueId matmul(Builder& b, Dims a, Dims right, std::vector<Dims> bias = {}) {
  const ValueId product = b.node(Op::matmul, {b.input(std::move(a)), b.constant(std::move(right))});
  return bias.empty() ? product : b.node(Op::add, {product, b.constant(bias[0])});
}

const std::vector<Product> products{
    {"GemmWithBias",
     [](Builder& b) {
       return gemm(b, {5, 33}, {33, 17}, {{17}}, {});
     }},
    {"GemmScaledAndTransposed",
     [](Builder& b) {
       return gemm(b, {6, 19}, {10, 19}, {{10}}, {0.5f, -2.0f, false, true});
     }},
    {"GemmWithAMatrixToAdd",
     [](Builder& b) {
       return gemm(b, {4, 6}, {6, 5}, {{4, 5}}, {2.0f, 1.0f, false, false});
     }},
    {"GemmWithAColumnToAdd",
     [](Builder& b) {
       return gemm(b, {4, 6}, {6, 5}, {{4, 1}}, {1.0f, 0.5f, false, false});
     }},
    {"GemmWithOneNumberToAdd",
     [](Builder& b) {
       return gemm(b, {4, 6}, {6, 1}, {{}}, {});
     }},
    {"GemmAlone",
     [](Builder& b) {
       return gemm(b, {1, 40}, {40, 9}, {}, {});
     }},
    {"MatMulAlone",
     [](Builder& b) {
       return matmul(b, {6, 31}, {31, 5});
     }},
    {"MatMulWithBias",
     [](Builder& b) {
       return matmul(b, {6, 31}, {31, 24}, {{24}});
     },
     "+bias"},
    {"MatMulOfBatchesWithBias",
     [](Builder& b) {
       return matmul(b, {2, 3, 4, 5}, {5, 6}, {{1, 1, 6}});
     },
     "+bias"},
    {"MatMulOfARowWithBias",
     [](Builder& b) {
       return matmul(b, {5}, {5, 6}, {{6}});
     },
     "+bias"},
    {"MatMulByBatchesWithBias",
     [](Builder& b) {
       return matmul(b, {2, 4, 5}, {2, 5, 6}, {{6}});
     },
     "+bias"},
    {"MatMulByAColumn",
     [](Builder& b) {
       return matmul(b, {3, 4, 5}, {5});
     }},
    {"BiasOnTheLeft",
     [](Builder& b) {
       const ValueId product = b.node(Op::matmul, {b.input({3, 8}), b.constant({8, 7})});
       return b.node(Op::add, {b.constant({7}), product});
     },
     "+bias"},
};

struct Activation {
  Op op;
  Attributes attributes = {};
};
const std::vector<Activation> activations{{Op::relu},
                                          {Op::leaky_relu, LeakyReluAttributes{0.2f}},
                                          {Op::sigmoid},
                                          {Op::tanh},
                                          {Op::clip, ClipAttributes{-0.5f, 0.75f}}};

struct Outcome {
  std::vector<Tensor> outputs;
  std::vector<LayerReport> layers;
};

Outcome run(const Graph& graph, const std::vector<Tensor>& inputs, Precision precision = Precision::f32) {
  const auto network = Network::create(graph, {Winograd::automatic, precision});
  EXPECT_TRUE(network.ok()) << network.error().message;
  auto outputs = (*network)->run(inputs);
  EXPECT_TRUE(outputs.ok()) << outputs.error().message;
  return {*outputs, (*network)->work().layers};
}

class DenseFusion : public ::testing::TestWithParam<Product> {};

TEST_P(DenseFusion, TakesOneLayerFewerAndGivesTheSame) {
  for (const Activation& activation : activations) {
    SCOPED_TRACE(to_string(activation.op));
    Builder b;
    const ValueId product = GetParam().add(b);
    const ValueId activated = b.node(activation.op, {product}, activation.attributes);
    const std::vector<Tensor> inputs = b.inputs();
    b.graph.outputs = {activated};
    const Outcome fused = run(b.graph, inputs);
    // What somebody else reads, too, cannot be overwritten, so that the activation is a layer of its own here.
    b.graph.outputs = {activated, product};
    const Outcome apart = run(b.graph, inputs);
    ASSERT_EQ(fused.layers.size(), 1u);
    EXPECT_EQ(fused.layers[0].fused, GetParam().fused + "+" + std::string(to_string(activation.op)));
    EXPECT_EQ(apart.layers.size(), 2u);
    EXPECT_LE(largest_difference(fused.outputs[0], apart.outputs[0]),
              1e-6 * std::max(1.0, value_range(apart.outputs[0])));
    const Tensor plain = testing::reference_run(b.graph, inputs)[0];
    EXPECT_LE(largest_difference(fused.outputs[0], plain), 1e-5 * std::max(1.0, value_range(plain)));
  }
}

TEST_P(DenseFusion, GivesNearlyTheSameInBfloat16) {
  if (!onednn::runs(dnnl::cpu_isa::avx512_core)) GTEST_SKIP() << "no AVX-512";
  for (const Activation& activation : activations) {
    SCOPED_TRACE(to_string(activation.op));
    Builder b;
    b.graph.outputs = {b.node(activation.op, {GetParam().add(b)}, activation.attributes)};
    const std::vector<Tensor> inputs = b.inputs();
    const Outcome rounded = run(b.graph, inputs, Precision::bf16);
    const Tensor plain = testing::reference_run(b.graph, inputs)[0];
    EXPECT_LE(largest_difference(rounded.outputs[0], plain), 0.02 * std::max(1.0, value_range(plain)));
  }
}

INSTANTIATE_TEST_SUITE_P(Products, DenseFusion, ::testing::ValuesIn(products),
                         [](const auto& info) { return info.param.name; });

/// The layers of the graph, which is held to plain loops.
std::vector<std::string> layers_of(Builder& b) {
  const std::vector<Tensor> inputs = b.inputs();
  const Outcome outcome = run(b.graph, inputs);
  const std::vector<Tensor> plain = testing::reference_run(b.graph, inputs);
  for (std::size_t i = 0; i < plain.size(); ++i)
    EXPECT_LE(largest_difference(outcome.outputs[i], plain[i]), 1e-5 * std::max(1.0, value_range(plain[i])));
  std::vector<std::string> list;
  for (const LayerReport& layer : outcome.layers) list.push_back(layer.op + layer.fused);
  return list;
}

TEST(DenseLayers, AnAutoencoderIsALayerPerProduct) {
  Builder b;
  ValueId x = b.input({7, 12});
  x = b.node(Op::sigmoid,
             {b.node(Op::gemm, {x, b.constant({9, 12}), b.constant({9})}, GemmAttributes{1, 1, false, true})});
  x = b.node(Op::relu, {b.node(Op::add, {b.node(Op::matmul, {x, b.constant({9, 4})}), b.constant({1, 4})})});
  b.graph.outputs = {
      b.node(Op::tanh, {b.node(Op::gemm, {x, b.constant({4, 12}), b.constant({12})}, GemmAttributes{})})};
  EXPECT_EQ(layers_of(b), (std::vector<std::string>{"Gemm+Sigmoid", "MatMul+bias+Relu", "Gemm+Tanh"}));
}

TEST(DenseLayers, AreInBfloat16WhereTheyHaveWeights) {
  if (!onednn::runs(dnnl::cpu_isa::avx512_core)) GTEST_SKIP() << "no AVX-512";
  Builder b;
  const ValueId x = b.input({40, 64});
  const ValueId hidden = b.node(
      Op::relu, {b.node(Op::gemm, {x, b.constant({32, 64}), b.constant({32})}, GemmAttributes{1, 1, false, true})});
  b.graph.outputs = {b.node(Op::matmul, {hidden, b.input({32, 16})})};
  const std::vector<Tensor> inputs = b.inputs();
  const Outcome exact = run(b.graph, inputs), rounded = run(b.graph, inputs, Precision::bf16);
  std::vector<std::string> algorithms;
  for (const LayerReport& layer : rounded.layers)
    if (layer.op != "reorder") algorithms.push_back(layer.algorithm);
  EXPECT_EQ(algorithms, (std::vector<std::string>{"bf16 matmul", "matmul"})) << "nothing is known of the second matrix";
  EXPECT_GT(largest_difference(exact.outputs[0], rounded.outputs[0]), 0);
}

TEST(DenseLayers, OnlyARowOfConstantsIsABias) {
  const auto with = [](Dims left, Dims right, Dims added) {
    Builder b;
    b.graph.outputs = {b.node(Op::add, {matmul(b, std::move(left), std::move(right)), b.constant(std::move(added))})};
    return layers_of(b);
  };
  const std::vector<std::string> apart{"MatMul", "Add"};
  EXPECT_EQ(with({4, 3}, {3, 4}, {4, 1}), apart) << "a column";
  EXPECT_EQ(with({4, 3}, {3, 4}, {1}), apart) << "one number";
  EXPECT_EQ(with({4, 3}, {3, 4}, {4, 4}), apart) << "a matrix";
  EXPECT_EQ(with({4, 3}, {3, 4}, {1, 1, 4}), apart) << "the sum has another shape";
  EXPECT_EQ(with({4, 3}, {3}, {4}), apart) << "no columns, so no row";
  Builder b;
  const ValueId product = b.node(Op::matmul, {b.input({4, 3}), b.constant({3, 5})});
  b.graph.outputs = {b.node(Op::add, {product, b.input({5})})};
  EXPECT_EQ(layers_of(b), apart) << "it varies";
}

TEST(DenseLayers, TakeOneActivationAndNoBiasBehindIt) {
  Builder b;
  const ValueId activated = b.node(Op::relu, {matmul(b, {4, 3}, {3, 5})});
  b.graph.outputs = {b.node(Op::tanh, {b.node(Op::add, {activated, b.constant({5})})})};
  EXPECT_EQ(layers_of(b), (std::vector<std::string>{"MatMul+Relu", "Add", "Tanh"}));
}

TEST(DenseLayers, OfTrainingComputeWhatThoseOfTheFileDo) {
  Builder b;
  ValueId x = b.input({6, 10});
  for (const Op op : {Op::sigmoid, Op::tanh, Op::relu})
    x = b.node(op, {b.node(Op::gemm, {x, b.constant({10, 10}), b.constant({10})}, GemmAttributes{})});
  b.graph.outputs = {x};
  const std::vector<Tensor> inputs = b.inputs();
  const Outcome fused = run(b.graph, inputs);
  const ParameterLayout parameters(b.graph);
  PackedParameters packed;
  auto plan = TrainingPlan::create(b.graph, std::vector<Dims>{{6, 10}}, parameters, packed);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  packed.pack(parameters, parameters.gather(b.graph));
  std::copy(inputs[0].span().begin(), inputs[0].span().end(), (*plan)->input(0).begin());
  (*plan)->forward();
  const Tensor trained = Tensor::from({6, 10}, (*plan)->output());
  EXPECT_LE(largest_difference(fused.outputs[0], trained), 1e-6 * std::max(1.0, value_range(trained)));
  EXPECT_EQ(fused.layers.size(), 3u);
}

}  // namespace
}  // namespace latentflow

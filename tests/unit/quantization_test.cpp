// quantization_test.cpp: rounding to grids of integers, convolutions in integers against loops in double precision, and
// what precisions are refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "nn/algorithm_choice.h"
#include "nn/network.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::Builder;
using testing::reference_run;

/// int8 weights within +-limit, one scale per output channel.
void put_on_grid(Builder& builder, ValueId weights, std::int32_t limit) {
  ValueInfo& value = builder.graph.value(weights);
  const auto outputs = static_cast<std::size_t>(value.constant->dims()[0]);
  QuantizeAttributes grid{{}, std::vector<std::int32_t>(outputs, 0), 0, true};
  for (std::size_t i = 0; i < outputs; ++i) grid.scales.push_back(0.002f + 0.0001f * static_cast<float>(i));
  std::vector<std::int32_t> integers(static_cast<std::size_t>(value.constant->size()));
  std::uniform_int_distribution<std::int32_t> any(-limit, limit);
  for (std::int32_t& one : integers) one = any(builder.generator);
  value.constant = real_of(integers, value.constant->dims(), grid);
  value.grid = grid;
}

struct Chain {
  Builder builder;
  std::int32_t limit = 64;

  ValueId round(ValueId from, float scale, std::int32_t zero = 0, bool is_signed = false) {
    return builder.node(Op::quantize, {from}, QuantizeAttributes{{scale}, {zero}, 1, is_signed});
  }
  ValueId conv(ValueId from, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1) {
    const ValueId made = builder.conv(from, in, out, kernel, stride);
    put_on_grid(builder, builder.graph.nodes.back().inputs[1], limit);
    return made;
  }
};

std::vector<LayerReport> steps(const Network& network, const std::vector<Tensor>& inputs) {
  std::vector<Dims> dims;
  for (const Tensor& input : inputs) dims.push_back(input.dims());
  return *network.layers(dims);
}

std::size_t count_steps(const std::vector<LayerReport>& steps, std::string_view algorithm) {
  return static_cast<std::size_t>(std::count_if(
      steps.begin(), steps.end(), [&](const LayerReport& step) { return step.algorithm.starts_with(algorithm); }));
}

std::size_t count_integer_steps(const std::vector<LayerReport>& steps) {
  return count_steps(steps, "int8 (") + count_steps(steps, "int8 winograd");
}

/// Those of convolutions in integers: the direct ones, and Winograd's where it fits.
constexpr Winograd both[] = {Winograd::off, Winograd::on};

/// Rounding may tip over where float and double differ in the last digit, so a few numbers may be one step off.
void expect_within_a_step(const Tensor& got, const Tensor& wanted, double step) {
  ASSERT_EQ(got.dims(), wanted.dims());
  std::size_t off = 0;
  for (std::size_t i = 0; i < got.span().size(); ++i) {
    const double difference = std::abs(static_cast<double>(got.span()[i]) - static_cast<double>(wanted.span()[i]));
    ASSERT_LE(difference, step * 1.01) << "at " << i;
    if (difference > step * 0.01) ++off;
  }
  EXPECT_LE(static_cast<double>(off), 1 + 0.002 * static_cast<double>(got.span().size()));
}

TEST(Quantize, RoundsTiesToEvenAndClamps) {
  Graph graph;
  const ValueId x = graph.add_input("x", {1, 2, 1, 5});
  graph.outputs = {graph.add_node(Op::quantize, "q", {x}, QuantizeAttributes{{0.5f, 2.0f}, {3, 0}, 1, false})};
  const std::vector<float> values{0.25f, 0.75f, -1.25f, -9.0f, 1000.0f, 1.0f, 3.0f, 5.0f, -0.1f, 511.0f};
  const auto network = Network::create(graph, {Winograd::off, Precision::int8});
  ASSERT_TRUE(network) << network.error().message;
  const auto got = (*network)->run(std::vector{Tensor::from({1, 2, 1, 5}, values)});
  ASSERT_TRUE(got) << got.error().message;
  // Steps 0.5, 1.5, -2.5, below -3, above 252; and 0.5, 1.5, 2.5, -0.05, above 255.
  const std::vector<float> wanted{0.0f, 1.0f, -1.0f, -1.5f, 126.0f, 0.0f, 4.0f, 4.0f, 0.0f, 510.0f};
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ((*got)[0].span()[i], wanted[i]) << i;
}

TEST(Quantize, AgreesWithLoopsInEveryLayout) {
  for (const bool is_signed : {false, true})
    for (const std::int64_t channels : {3, 16, 20}) {
      Builder builder;
      const ValueId x = builder.conv(builder.input({2, 3, 7, 9}), 3, channels, 3);  // gives blocked layouts
      builder.graph.outputs = {
          builder.node(Op::quantize, {x}, QuantizeAttributes{{0.021f}, {is_signed ? -5 : 120}, 1, is_signed})};
      const std::vector<Tensor> inputs = builder.inputs();
      const auto network = Network::create(builder.graph, {Winograd::off, Precision::int8});
      ASSERT_TRUE(network) << network.error().message;
      const auto got = (*network)->run(inputs);
      ASSERT_TRUE(got) << got.error().message;
      expect_within_a_step((*got)[0], reference_run(builder.graph, inputs)[0], 0.021);
    }
}

struct Geometry {
  std::int64_t in, out, kernel, stride;
  std::int32_t zero;
};

TEST(IntegerConvolution, AgreesWithLoops) {
  for (const Winograd winograd : both)
    for (const Geometry& g : {Geometry{16, 16, 3, 1, 0}, Geometry{3, 24, 3, 1, 0}, Geometry{20, 13, 3, 1, 7},
                              Geometry{32, 48, 2, 2, 0}, Geometry{17, 8, 1, 1, 128}, Geometry{24, 32, 3, 2, 100}}) {
      Chain chain;
      const ValueId x = chain.round(chain.builder.input({2, g.in, 11, 13}), 0.01f, g.zero);
      chain.builder.graph.outputs = {chain.builder.node(Op::relu, {chain.conv(x, g.in, g.out, g.kernel, g.stride)})};
      const std::vector<Tensor> inputs = chain.builder.inputs();
      const auto network = Network::create(chain.builder.graph, {winograd, Precision::int8});
      ASSERT_TRUE(network) << network.error().message;
      const auto got = (*network)->run(inputs);
      ASSERT_TRUE(got) << got.error().message;
      EXPECT_EQ(count_integer_steps(steps(**network, inputs)), 1u) << g.in << " to " << g.out << ", zero " << g.zero;
      const bool fits = winograd == Winograd::on && g.kernel == 3 && g.stride == 1 && g.in % 16 == 0 && g.out % 16 == 0;
      EXPECT_EQ(count_steps(steps(**network, inputs), "int8 winograd 4x4"), fits ? 1u : 0u);
      const Tensor wanted = reference_run(chain.builder.graph, inputs)[0];
      EXPECT_LT(testing::largest_difference((*got)[0], wanted), 3e-6 * (1 + testing::value_range(wanted)))
          << g.in << " to " << g.out << ", zero " << g.zero;
    }
}

TEST(IntegerConvolution, ChainsStayInIntegers) {
  for (const Winograd winograd : both)
    for (const std::int32_t zero : {0, 9}) {
      Chain chain;
      Builder& b = chain.builder;
      ValueId x = chain.round(b.input({1, 16, 12, 12}), 0.008f);
      x = chain.round(b.node(Op::relu, {chain.conv(x, 16, 48, 3)}), 0.01f);
      x = chain.round(b.node(Op::leaky_relu, {chain.conv(x, 48, 32, 3)}, LeakyReluAttributes{0.1f}), 0.01f, zero);
      b.graph.outputs = {chain.conv(x, 32, 16, 1)};
      const std::vector<Tensor> inputs = b.inputs();
      const auto network = Network::create(b.graph, {winograd, Precision::int8});
      ASSERT_TRUE(network) << network.error().message;
      const std::vector<LayerReport> plan = steps(**network, inputs);
      EXPECT_EQ(count_integer_steps(plan), 3u);
      EXPECT_EQ(std::count_if(plan.begin(), plan.end(),
                              [](const LayerReport& step) { return step.fused.ends_with("+Quantize"); }),
                2);
      EXPECT_LE(plan.size(), 5u);  // bytes at the front, floats at the back
      const auto got = (*network)->run(inputs);
      ASSERT_TRUE(got) << got.error().message;
      // A step of the last grid through 32 weights of at most 64 * 0.004 each.
      const Tensor wanted = reference_run(b.graph, inputs)[0];
      EXPECT_LT(testing::largest_difference((*got)[0], wanted), 0.01 * 64 * 0.004 * 3);
    }
}

TEST(IntegerConvolution, BranchesAreReadAsFloats) {
  for (const Winograd winograd : both) {
    Chain chain;
    Builder& b = chain.builder;
    ValueId x = chain.round(b.input({1, 16, 10, 10}), 0.008f, 100);
    const ValueId inner = chain.round(b.node(Op::relu, {chain.conv(x, 16, 16, 3)}), 0.01f);
    const ValueId sum = b.node(Op::add, {chain.conv(inner, 16, 16, 3), x});
    b.graph.outputs = {b.node(Op::sub, {sum, inner}), x};
    const std::vector<Tensor> inputs = b.inputs();
    const auto network = Network::create(b.graph, {winograd, Precision::int8});
    ASSERT_TRUE(network) << network.error().message;
    EXPECT_EQ(count_integer_steps(steps(**network, inputs)), 2u);
    const auto got = (*network)->run(inputs);
    ASSERT_TRUE(got) << got.error().message;
    const std::vector<Tensor> wanted = reference_run(b.graph, inputs);
    EXPECT_LT(testing::largest_difference((*got)[0], wanted[0]), 0.01 + 0.01 * 64 * 0.004 * 3);
    expect_within_a_step((*got)[1], wanted[1], 0.008);
  }
}

TEST(IntegerConvolution, IsRightWhereProductsCouldSaturate) {
  for (const Winograd winograd : both) {
    Chain chain;
    chain.limit = 127;
    const ValueId x = chain.round(chain.builder.input({1, 32, 9, 9}), 0.004f);
    chain.builder.graph.outputs = {chain.conv(x, 32, 32, 3)};
    const std::vector<Tensor> inputs{Tensor::filled({1, 32, 9, 9}, 1.02f)};
    const auto network = Network::create(chain.builder.graph, {winograd, Precision::int8});
    ASSERT_TRUE(network) << network.error().message;
    const auto got = (*network)->run(inputs);
    ASSERT_TRUE(got) << got.error().message;
    const Tensor wanted = reference_run(chain.builder.graph, inputs)[0];
    EXPECT_LT(testing::largest_difference((*got)[0], wanted), 1e-5 * (1 + testing::value_range(wanted)));
    // Winograd's sums are exact on any processor, the direct ones with VNNI alone.
    if (winograd == Winograd::on) { EXPECT_EQ(count_integer_steps(steps(**network, inputs)), 1u); }
  }
}

/// The same arithmetic whichever algorithm computes it, also where it is chosen by measurement.
TEST(IntegerConvolution, IsTheSameByEveryAlgorithm) {
  for (const bool is_signed : {false, true}) {
    Chain chain;
    chain.limit = 127;
    Builder& b = chain.builder;
    const std::int32_t zero = is_signed ? -20 : 0;
    ValueId x = chain.round(b.input({2, 16, 14, 17}), 0.01f, zero, is_signed);
    x = chain.round(b.node(Op::clip, {chain.conv(x, 16, 48, 3)}, ClipAttributes{0.1f, 2.0f}), 0.01f, zero, is_signed);
    x = chain.round(b.node(Op::leaky_relu, {chain.conv(x, 48, 32, 3)}, LeakyReluAttributes{0.1f}), 0.05f, zero,
                    is_signed);
    const ValueId before = chain.conv(x, 32, 32, 3);
    b.graph.outputs = {b.node(Op::relu, {b.node(Op::add, {chain.conv(x, 32, 32, 3), before})})};
    const std::vector<Tensor> inputs = b.inputs();
    const Tensor wanted = reference_run(b.graph, inputs)[0];
    for (const Winograd winograd : {Winograd::off, Winograd::on, Winograd::automatic, Winograd::own}) {
      const auto network = Network::create(b.graph, {winograd, Precision::int8});
      ASSERT_TRUE(network) << network.error().message;
      const auto got = (*network)->run(inputs);
      ASSERT_TRUE(got) << got.error().message;
      // A step of a grid through some of 48 or 32 weights of at most 127 * 0.007.
      EXPECT_LT(testing::largest_difference((*got)[0], wanted), 0.05 * 127 * 0.007 * 4);
      EXPECT_GT(testing::value_range(wanted), 20);
      if (winograd == Winograd::on) { EXPECT_EQ(count_steps(steps(**network, inputs), "int8 winograd"), 4u); }
    }
  }
}

TEST(Precision, FloatsAreNotRoundedAndAutoTakesEither) {
  Chain chain;
  Builder& b = chain.builder;
  const ValueId x = b.input({1, 16, 12, 12});
  b.graph.outputs = {chain.conv(chain.round(x, 0.3f), 16, 16, 3), chain.round(x, 0.3f)};
  const std::vector<Tensor> inputs = b.inputs();
  Graph unrounded = b.graph;
  remove_rounding(unrounded);
  const auto run = [&](Precision precision) {
    const auto network = Network::create(b.graph, {Winograd::off, precision});
    return (*network)->run(inputs).value();
  };
  const std::vector<Tensor> exact = reference_run(unrounded, inputs), rounded = reference_run(b.graph, inputs);
  const auto floats = run(Precision::f32), integers = run(Precision::int8), either = run(Precision::automatic);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_LT(testing::largest_difference(floats[i], exact[i]), 1e-4);
    EXPECT_LT(testing::largest_difference(integers[i], rounded[i]), 1e-4);
    EXPECT_GT(testing::largest_difference(exact[i], rounded[i]), 1e-2);
  }
  EXPECT_LT(
      std::min(testing::largest_difference(either[0], exact[0]), testing::largest_difference(either[0], rounded[0])),
      1e-4);
}

TEST(Precision, IsChosenForFiltersLargerThanThePartThatIsTimed) {
  Chain chain;
  const ValueId patches = chain.conv(chain.round(chain.builder.input({1, 3, 224, 224}), 0.01f), 3, 400, 16, 16);
  chain.builder.graph.outputs = {patches};
  const auto network = Network::create(chain.builder.graph, {Winograd::automatic, Precision::automatic});
  ASSERT_TRUE(network.ok()) << network.error().message;
  const auto outputs = (*network)->run(chain.builder.inputs());
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  EXPECT_EQ(outputs->front().dims(), (Dims{1, 400, 14, 14}));
  const auto integers = Network::create(chain.builder.graph, {Winograd::automatic, Precision::int8});
  ASSERT_TRUE(integers.ok()) << integers.error().message;
  if (count_integer_steps(steps(**integers, chain.builder.inputs())) == 0) return;
  const auto known = known_algorithms();
  EXPECT_TRUE(std::any_of(known.begin(), known.end(), [](const auto& choice) {
    return choice.first.starts_with("int8 1x3x16x224 1x400x1x14 ");
  })) << "timed on as many rows as the filter has";
}

TEST(Precision, IsRefusedWhereItIsNotThere) {
  Builder b;
  b.graph.outputs = {b.conv(b.input({1, 16, 8, 8}), 16, 16, 3)};
  b.graph.name = "plain";
  const auto integers = Network::create(b.graph, {Winograd::off, Precision::int8});
  ASSERT_FALSE(integers);
  EXPECT_NE(integers.error().message.find("latentflow model quantize"), std::string::npos);
  const auto half = Network::create(b.graph, {Winograd::off, Precision::bf16});
  if (dnnl::get_effective_cpu_isa() < dnnl::cpu_isa::avx512_core) {
    ASSERT_FALSE(half);
    EXPECT_NE(half.error().message.find("AVX-512"), std::string::npos);
    return;
  }
  const std::vector<Tensor> inputs = b.inputs();
  const auto got = (*half)->run(inputs);
  ASSERT_TRUE(got) << got.error().message;
  const Tensor wanted = reference_run(b.graph, inputs)[0];
  EXPECT_LT(testing::largest_difference((*got)[0], wanted), 0.02 * testing::value_range(wanted));
}

TEST(Quantize, FilesKeepGridsAndNumbers) {
  Chain chain;
  Builder& b = chain.builder;
  chain.limit = 127;
  const ValueId x = chain.round(b.input({1, 3, 8, 8}), 0.01f, 17);
  b.graph.outputs = {chain.round(chain.conv(x, 3, 5, 3), 0.02f, -3, true)};
  const auto bytes = serialize_onnx(b.graph);
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto read = parse_onnx(std::as_bytes(std::span(*bytes)), "file");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->nodes.size(), b.graph.nodes.size());
  for (std::size_t i = 0; i < read->nodes.size(); ++i) {
    EXPECT_EQ(read->nodes[i].op, b.graph.nodes[i].op);
    EXPECT_EQ(read->nodes[i].name, b.graph.nodes[i].name);
    if (read->nodes[i].op == Op::quantize) {
      EXPECT_EQ(read->nodes[i].as<QuantizeAttributes>(), b.graph.nodes[i].as<QuantizeAttributes>());
    }
  }
  const ValueInfo &before = b.graph.value(b.graph.nodes[1].inputs[1]), &after = read->value(read->nodes[1].inputs[1]);
  EXPECT_EQ(before.name, after.name);
  EXPECT_EQ(before.grid, after.grid);
  EXPECT_TRUE(std::equal(before.constant->span().begin(), before.constant->span().end(), after.constant->span().begin(),
                         after.constant->span().end()));
  EXPECT_EQ(*serialize_onnx(*read), *bytes);
}

}  // namespace
}  // namespace latentflow

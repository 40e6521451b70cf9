// layers_test.cpp: every operator in odd geometries against plain double-precision loops, Winograd on and off.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <ostream>

#include "nn/network.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::largest_difference;
using testing::random_tensor;
using testing::value_range;

/// One row: inputs that vary, constants behind them, and the node that takes all of them in this order.
struct LayerCase {
  std::string name;
  Op op;
  Attributes attributes;
  std::vector<Dims> inputs;
  std::vector<Dims> constants = {};
};

void PrintTo(const LayerCase& row, std::ostream* out) { *out << row.name; }

ConvAttributes conv(Pair kernel, Pair strides = {1, 1}, Padding pads = {0, 0, 0, 0}, std::int64_t group = 1,
                    Pair dilations = {1, 1}, Pair output_padding = {0, 0}) {
  return {kernel, strides, dilations, pads, group, output_padding};
}

ResizeAttributes resize(ResizeMode mode, ResizeCoordinates coordinates, std::array<float, 2> scales,
                        NearestRounding rounding = NearestRounding::round_prefer_floor) {
  return {mode, coordinates, rounding, scales, {0, 0}};
}

constexpr float infinity = std::numeric_limits<float>::infinity();

const std::vector<LayerCase> cases{
    {"conv 3x3 same 16 to 16", Op::conv, conv({3, 3}, {1, 1}, {1, 1, 1, 1}), {{1, 16, 13, 17}}, {{16, 16, 3, 3}, {16}}},
    {"conv 3x3 same 32 to 48, two images",
     Op::conv,
     conv({3, 3}, {1, 1}, {1, 1, 1, 1}),
     {{2, 32, 11, 9}},
     {{48, 32, 3, 3}, {48}}},
    {"conv 3x3 valid 64 to 64", Op::conv, conv({3, 3}), {{1, 64, 12, 21}}, {{64, 64, 3, 3}, {64}}},
    {"conv 3x3 to one channel", Op::conv, conv({3, 3}, {1, 1}, {1, 1, 1, 1}), {{1, 64, 19, 23}}, {{1, 64, 3, 3}, {1}}},
    {"conv 3x3 to three channels without bias",
     Op::conv,
     conv({3, 3}, {1, 1}, {1, 1, 1, 1}),
     {{2, 32, 9, 37}},
     {{3, 32, 3, 3}}},
    {"conv 5x3 to four channels, uneven pads",
     Op::conv,
     conv({5, 3}, {1, 1}, {2, 0, 1, 2}),
     {{1, 48, 14, 15}},
     {{4, 48, 5, 3}, {4}}},
    {"conv 3x3 to two channels, wider than the picture",
     Op::conv,
     conv({3, 3}, {1, 1}, {1, 1, 1, 1}),
     {{1, 16, 1, 1}},
     {{2, 16, 3, 3}, {2}}},
    {"conv 3x3 from one channel", Op::conv, conv({3, 3}, {1, 1}, {1, 1, 1, 1}), {{1, 1, 19, 23}}, {{64, 1, 3, 3}}},
    {"conv 3x3 from three channels",
     Op::conv,
     conv({3, 3}, {1, 1}, {1, 1, 1, 1}),
     {{2, 3, 18, 7}},
     {{24, 3, 3, 3}, {24}}},
    {"conv 13 to 24 channels", Op::conv, conv({3, 3}, {1, 1}, {1, 1, 1, 1}), {{1, 13, 10, 11}}, {{24, 13, 3, 3}}},
    {"conv 1x1", Op::conv, conv({1, 1}), {{1, 20, 9, 5}}, {{7, 20, 1, 1}, {7}}},
    {"conv stride 2", Op::conv, conv({3, 3}, {2, 2}, {1, 1, 1, 1}), {{1, 16, 15, 18}}, {{32, 16, 3, 3}, {32}}},
    {"conv 2x2 stride 2 leaves a row over", Op::conv, conv({2, 2}, {2, 2}), {{1, 16, 15, 9}}, {{16, 16, 2, 2}}},
    {"conv 2x3 stride 2x3 of many channels leaves pixels over",
     Op::conv,
     conv({2, 3}, {2, 3}),
     {{2, 40, 9, 23}},
     {{48, 40, 2, 3}, {48}}},
    {"conv uneven strides and pads",
     Op::conv,
     conv({3, 5}, {2, 1}, {0, 2, 1, 3}),
     {{1, 6, 14, 13}},
     {{10, 6, 3, 5}, {10}}},
    {"conv dilated",
     Op::conv,
     conv({3, 3}, {1, 1}, {2, 3, 2, 3}, 1, {2, 3}),
     {{1, 16, 17, 16}},
     {{16, 16, 3, 3}, {16}}},
    {"conv in groups", Op::conv, conv({3, 3}, {1, 1}, {1, 1, 1, 1}, 3), {{1, 12, 9, 10}}, {{18, 4, 3, 3}, {18}}},
    {"conv depthwise", Op::conv, conv({3, 3}, {1, 1}, {1, 1, 1, 1}, 20), {{1, 20, 11, 7}}, {{20, 1, 3, 3}, {20}}},
    {"transposed conv 2x2 stride 2", Op::conv_transpose, conv({2, 2}, {2, 2}), {{1, 32, 7, 5}}, {{32, 16, 2, 2}, {16}}},
    {"transposed conv 2x3 stride 2x3 of many channels",
     Op::conv_transpose,
     conv({2, 3}, {2, 3}),
     {{2, 24, 5, 7}},
     {{24, 48, 2, 3}, {48}}},
    {"transposed conv 3x3 with output padding",
     Op::conv_transpose,
     conv({3, 3}, {2, 2}, {1, 1, 1, 1}, 1, {1, 1}, {1, 1}),
     {{1, 16, 6, 9}},
     {{16, 3, 3, 3}, {3}}},
    {"transposed conv uneven", Op::conv_transpose, conv({4, 3}, {2, 1}, {1, 0, 2, 1}), {{2, 5, 6, 7}}, {{5, 7, 4, 3}}},
    {"transposed conv in groups",
     Op::conv_transpose,
     conv({3, 3}, {2, 2}, {1, 1, 0, 0}, 2),
     {{1, 8, 5, 6}},
     {{8, 3, 3, 3}, {6}}},
    {"gemm", Op::gemm, GemmAttributes{}, {{5, 33}}, {{33, 7}, {7}}},
    {"gemm transposed and scaled", Op::gemm, GemmAttributes{0.5f, -2.0f, false, true}, {{3, 19}}, {{10, 19}, {10}}},
    {"gemm of inputs with a column", Op::gemm, GemmAttributes{1.5f, 0.5f, true, false}, {{4, 6}, {4, 5}, {6, 1}}},
    {"gemm with a matrix to add", Op::gemm, GemmAttributes{2.0f, 1.0f, false, false}, {{4, 6}, {6, 5}, {4, 5}}},
    {"gemm without a third input", Op::gemm, GemmAttributes{}, {{1, 40}}, {{40, 9}}},
    {"matmul", Op::matmul, {}, {{6, 31}}, {{31, 5}}},
    {"matmul of batches", Op::matmul, {}, {{2, 3, 4, 5}, {2, 3, 5, 6}}},
    {"matmul broadcasts batches", Op::matmul, {}, {{2, 1, 4, 5}, {3, 5, 6}}},
    {"matmul of batches by one matrix", Op::matmul, {}, {{2, 3, 4, 5}}, {{5, 6}}},
    {"matmul of a row", Op::matmul, {}, {{5}}, {{5, 6}}},
    {"matmul by a column", Op::matmul, {}, {{3, 4, 5}}, {{5}}},
    {"relu", Op::relu, {}, {{1, 3, 5, 7}}},
    {"leaky relu", Op::leaky_relu, LeakyReluAttributes{0.2f}, {{2, 3, 5, 7}}},
    {"sigmoid", Op::sigmoid, {}, {{1, 17}}},
    {"tanh", Op::tanh, {}, {{1, 2, 3, 4, 5}}},
    {"clip", Op::clip, ClipAttributes{-0.25f, 0.5f}, {{1, 3, 5, 7}}},
    {"clip from below", Op::clip, ClipAttributes{0.1f, infinity}, {{1, 3, 5, 7}}},
    {"softmax of rows", Op::softmax, SoftmaxAttributes{1}, {{4, 10}}},
    {"softmax of channels", Op::softmax, SoftmaxAttributes{1}, {{2, 19, 5, 7}}},
    {"softmax of the last axis", Op::softmax, SoftmaxAttributes{2}, {{2, 3, 17}}},
    {"softmax of the first axis", Op::softmax, SoftmaxAttributes{0}, {{6, 5}}},
    {"add", Op::add, {}, {{1, 3, 5, 7}, {1, 3, 5, 7}}},
    {"sub broadcasts the second", Op::sub, {}, {{2, 3, 5, 7}, {3, 1, 1}}},
    {"sub broadcasts the first", Op::sub, {}, {{7}, {2, 3, 5, 7}}},
    {"mul by a scalar constant", Op::mul, {}, {{2, 3, 5, 7}}, {{}}},
    {"mul broadcasts both", Op::mul, {}, {{2, 1, 5, 1}, {1, 3, 1, 7}}},
    {"add broadcasts the first, of lower rank", Op::add, {}, {{5, 7}, {2, 3, 5, 7}}},
    {"sub of vectors", Op::sub, {}, {{9}, {1}}},
    {"concat channels", Op::concat, ConcatAttributes{1}, {{2, 3, 5, 4}, {2, 1, 5, 4}, {2, 4, 5, 4}}},
    {"concat rows", Op::concat, ConcatAttributes{2}, {{2, 3, 5, 4}, {2, 3, 1, 4}}},
    {"concat the last axis", Op::concat, ConcatAttributes{1}, {{3, 5}, {3, 2}}},
    {"slice", Op::slice, SliceAttributes{{0, 1, 2, 0}, {2, 3, 9, 100}, {1, 1, 3, 2}}, {{2, 4, 9, 11}}},
    {"pad with a constant",
     Op::pad,
     PadAttributes{PadMode::constant, {0, 1, 2, 3}, {0, 0, 1, 2}, 0.5f},
     {{1, 3, 4, 5}}},
    {"pad by reflection", Op::pad, PadAttributes{PadMode::reflect, {0, 0, 2, 3}, {0, 0, 1, 4}, 0}, {{1, 3, 4, 5}}},
    {"pad with the edge", Op::pad, PadAttributes{PadMode::edge, {0, 0, 6, 3}, {0, 0, 1, 8}, 0}, {{1, 3, 4, 5}}},
    {"max pool", Op::max_pool, PoolAttributes{{2, 2}, {2, 2}, {0, 0, 0, 0}, false, false}, {{1, 16, 9, 12}}},
    {"max pool uneven, rounded up",
     Op::max_pool,
     PoolAttributes{{3, 2}, {2, 3}, {1, 0, 1, 1}, true, false},
     {{2, 5, 12, 12}}},
    {"average pool without padding",
     Op::average_pool,
     PoolAttributes{{3, 3}, {2, 2}, {1, 1, 1, 1}, false, false},
     {{1, 4, 9, 8}}},
    {"average pool with padding",
     Op::average_pool,
     PoolAttributes{{3, 3}, {2, 2}, {1, 1, 1, 1}, false, true},
     {{1, 4, 9, 8}}},
    {"average pool with padding, rounded up",
     Op::average_pool,
     PoolAttributes{{3, 3}, {2, 2}, {1, 1, 1, 1}, true, true},
     {{1, 4, 8, 10}}},
    {"global average pool", Op::global_average_pool, {}, {{2, 19, 7, 5}}},
    {"depth to space DCR", Op::depth_to_space, DepthSpaceAttributes{2, DepthOrder::dcr}, {{2, 12, 3, 5}}},
    {"depth to space CRD", Op::depth_to_space, DepthSpaceAttributes{3, DepthOrder::crd}, {{1, 18, 3, 5}}},
    {"space to depth DCR", Op::space_to_depth, DepthSpaceAttributes{2, DepthOrder::dcr}, {{2, 3, 6, 10}}},
    {"space to depth CRD", Op::space_to_depth, DepthSpaceAttributes{3, DepthOrder::crd}, {{1, 2, 9, 6}}},
    {"reshape", Op::reshape, ReshapeAttributes{{0, -1, 10}}, {{2, 4, 5}}},
    {"flatten", Op::flatten, FlattenAttributes{2}, {{2, 3, 4, 5}}},
    {"resize nearest twice",
     Op::resize,
     resize(ResizeMode::nearest, ResizeCoordinates::half_pixel, {2, 2}),
     {{1, 3, 5, 4}}},
    {"resize nearest asymmetric floor",
     Op::resize,
     resize(ResizeMode::nearest, ResizeCoordinates::asymmetric, {1.5f, 2.5f}, NearestRounding::floor),
     {{1, 3, 6, 4}}},
    {"resize nearest down",
     Op::resize,
     resize(ResizeMode::nearest, ResizeCoordinates::half_pixel, {0.5f, 0.25f}),
     {{1, 3, 6, 8}}},
    {"resize linear twice",
     Op::resize,
     resize(ResizeMode::linear, ResizeCoordinates::half_pixel, {2, 2}),
     {{2, 3, 5, 4}}},
    {"resize linear asymmetric",
     Op::resize,
     resize(ResizeMode::linear, ResizeCoordinates::asymmetric, {2, 3}),
     {{1, 3, 5, 4}}},
    {"resize linear to a size with aligned corners",
     Op::resize,
     ResizeAttributes{
         ResizeMode::linear, ResizeCoordinates::align_corners, NearestRounding::round_prefer_floor, {1, 1}, {7, 9}},
     {{1, 3, 5, 4}}},
    {"resize linear down to a size",
     Op::resize,
     ResizeAttributes{
         ResizeMode::linear, ResizeCoordinates::half_pixel, NearestRounding::round_prefer_floor, {1, 1}, {3, 5}},
     {{1, 2, 8, 11}}},
};

Graph graph_of(const LayerCase& row, std::mt19937& generator) {
  Graph graph;
  graph.name = row.name;
  std::vector<ValueId> inputs;
  for (const Dims& dims : row.inputs)
    inputs.push_back(graph.add_input(std::string("in").append(std::to_string(inputs.size())), dims));
  for (const Dims& dims : row.constants)
    inputs.push_back(
        graph.add_constant(std::string("c").append(std::to_string(inputs.size())), random_tensor(dims, generator)));
  graph.outputs = {graph.add_node(row.op, "tested", inputs, row.attributes)};
  return graph;
}

std::vector<Tensor> random_inputs(const Graph& graph, std::mt19937& generator) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back(random_tensor(graph.value(id).dims, generator));
  return inputs;
}

void expect_as_reference(const Graph& graph, const std::vector<Tensor>& inputs) {
  const std::vector<Tensor> expected = testing::reference_run(graph, inputs);
  for (const Winograd winograd : {Winograd::off, Winograd::on}) {
    const double tolerance = winograd == Winograd::on ? 1e-5 : 2e-6;
    const auto network = Network::create(graph, {winograd});
    ASSERT_TRUE(network.ok()) << network.error().message;
    const auto outputs = (*network)->run(inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    ASSERT_EQ(outputs->size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LE(largest_difference((*outputs)[i], expected[i]), tolerance * std::max(1.0, value_range(expected[i])))
          << "output " << i;
  }
}

class Layers : public ::testing::TestWithParam<LayerCase> {};

TEST_P(Layers, AgreesWithPlainLoops) {
  std::mt19937 generator(7);
  const Graph graph = graph_of(GetParam(), generator);
  expect_as_reference(graph, random_inputs(graph, generator));
}

TEST(Softmax, OfLargeScoresIsThatOfTheirDifferences) {
  Graph graph;
  graph.outputs = {
      graph.add_node(Op::softmax, "probabilities", {graph.add_input("scores", {2, 3})}, SoftmaxAttributes{1})};
  const auto network = Network::create(graph);
  ASSERT_TRUE(network.ok()) << network.error().message;
  const float scores[] = {1000, 1001, -1000, -3e38f, 3e38f, 0};
  const std::vector<Tensor> inputs{Tensor::from({2, 3}, scores)};
  const auto outputs = (*network)->run(inputs);
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  const double first = 1 / (1 + std::exp(1.0));
  const double expected[] = {first, 1 - first, 0, 0, 1, 0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(static_cast<double>((*outputs)[0].data()[i]), expected[i], 1e-7) << i;
}

std::string test_name(const ::testing::TestParamInfo<LayerCase>& info) {
  std::string name;
  for (const char letter : info.param.name) name += std::isalnum(static_cast<unsigned char>(letter)) ? letter : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Table, Layers, ::testing::ValuesIn(cases), test_name);

}  // namespace
}  // namespace latentflow

// shapes_test.cpp: extents and work of every operator, as the ONNX specification gives them.
#include <gtest/gtest.h>

#include <limits>

#include "nn/graph.h"

namespace latentflow::nn {
namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();

// One node over inputs of the given shapes; what comes out, or the message.
struct Case {
  const char* name;
  Op op;
  std::vector<Dims> inputs;
  Attributes attributes;
  std::string expected;
};

Result<std::vector<Dims>> shapes_of(const Case& row, Graph& graph) {
  std::vector<ValueId> ids;
  for (std::size_t i = 0; i < row.inputs.size(); ++i) ids.push_back(graph.add_input("in" + std::to_string(i), {}));
  graph.outputs = {graph.add_node(row.op, "node", ids, row.attributes)};
  return infer_shapes(graph, row.inputs);
}

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class Shapes : public testing::TestWithParam<Case> {};

TEST_P(Shapes, FollowTheSpecification) {
  Graph graph;
  const auto shapes = shapes_of(GetParam(), graph);
  if (shapes) {
    EXPECT_EQ(to_string((*shapes)[static_cast<std::size_t>(graph.outputs[0])]), GetParam().expected);
  } else {
    EXPECT_EQ(shapes.error().message, GetParam().expected);
  }
}

ConvAttributes window(Pair kernel, Pair strides, Pair dilations, Padding pads, std::int64_t group = 1,
                      Pair output_padding = {0, 0}) {
  return {kernel, strides, dilations, pads, group, output_padding};
}

const Case rows[] = {
    {"conv_same",
     Op::conv,
     {{2, 3, 10, 7}, {8, 3, 3, 3}, {8}},
     window({3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}),
     "2x8x10x7"},
    {"conv_strided_dilated",
     Op::conv,
     {{1, 4, 11, 12}, {6, 2, 3, 2}},
     window({3, 2}, {2, 3}, {2, 1}, {1, 0, 0, 2}, 2),
     "1x6x4x5"},
    {"conv_channels",
     Op::conv,
     {{1, 4, 9, 9}, {6, 3, 3, 3}},
     window({3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}),
     "node \"node\" (Conv) needs an input with 3 channels, got 1x4x9x9"},
    {"conv_bias",
     Op::conv,
     {{1, 3, 9, 9}, {6, 3, 3, 3}, {5}},
     window({3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}),
     "node \"node\" (Conv) needs a bias of shape 6, got 5"},
    {"conv_small",
     Op::conv,
     {{1, 3, 9, 2}, {6, 3, 3, 3}},
     window({3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}),
     "node \"node\" (Conv) needs a padded width of at least 3, got input 1x3x9x2"},
    {"conv_rank",
     Op::conv,
     {{3, 9, 2}, {6, 3, 3, 3}},
     window({3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}),
     "node \"node\" (Conv) needs an input N x C x H x W with 4 axes, got 3x9x2"},
    {"conv_attributes",
     Op::conv,
     {{1, 3, 9, 2}, {6, 3, 3, 3}},
     {},
     "node \"node\" (Conv) needs its attributes, got none"},
    {"transposed",
     Op::conv_transpose,
     {{1, 4, 5, 6}, {4, 3, 3, 3}},
     window({3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 2, {1, 0}),
     "1x6x10x11"},
    {"gemm_transposed", Op::gemm, {{5, 2}, {7, 5}, {7}}, GemmAttributes{1, 1, true, true}, "2x7"},
    {"gemm_mismatch",
     Op::gemm,
     {{5, 2}, {7, 5}},
     GemmAttributes{},
     "node \"node\" (Gemm) needs matrices whose inner extents agree, got 5x2 and 7x5"},
    {"matmul_batched", Op::matmul, {{3, 1, 4, 5}, {2, 5, 6}}, {}, "3x2x4x6"},
    {"matmul_vector", Op::matmul, {{4, 5}, {5}}, {}, "4"},
    {"clip", Op::clip, {{1, 2, 3, 4}}, ClipAttributes{0, infinite}, "1x2x3x4"},
    {"softmax", Op::softmax, {{2, 3, 4}}, SoftmaxAttributes{2}, "2x3x4"},
    {"softmax_axis",
     Op::softmax,
     {{2, 3}},
     SoftmaxAttributes{2},
     "node \"node\" (Softmax) needs an axis below 2, got 2"},
    {"leaky_relu", Op::leaky_relu, {{2, 3}}, LeakyReluAttributes{}, "2x3"},
    {"broadcast", Op::add, {{1, 3, 4, 1}, {2, 1, 1, 5}}, {}, "2x3x4x5"},
    {"broadcast_rank", Op::mul, {{2, 3, 4, 5}, {3, 1, 1}}, {}, "2x3x4x5"},
    {"broadcast_mismatch",
     Op::sub,
     {{2, 3}, {2}},
     {},
     "node \"node\" (Sub) needs inputs of equal shape, or 1 where they differ, got 2x3 and 2"},
    {"arity", Op::add, {{2, 3}}, {}, "node \"node\" (Add) needs 2 inputs, got 1"},
    {"concat", Op::concat, {{1, 3, 4, 5}, {1, 2, 4, 5}, {1, 1, 4, 5}}, ConcatAttributes{1}, "1x6x4x5"},
    {"concat_mismatch",
     Op::concat,
     {{1, 3, 4, 5}, {1, 2, 4, 6}},
     ConcatAttributes{1},
     "node \"node\" (Concat) needs inputs that differ along axis 1 only, got 1x3x4x5 and 1x2x4x6"},
    {"slice", Op::slice, {{1, 8, 9, 10}}, SliceAttributes{{0, 2, -5, 0}, {1, 6, 1000, -1}, {1, 1, 2, 4}}, "1x4x3x3"},
    {"slice_empty",
     Op::slice,
     {{4}},
     SliceAttributes{{3}, {2}, {1}},
     "node \"node\" (Slice) needs something left of axis 0, got 3 to 2 of 4"},
    {"pad", Op::pad, {{1, 2, 3, 4}}, PadAttributes{PadMode::constant, {0, 0, 1, 2}, {0, 0, 3, 0}, 0.5f}, "1x2x7x6"},
    {"pad_reflect",
     Op::pad,
     {{1, 2, 3, 4}},
     PadAttributes{PadMode::reflect, {0, 0, 3, 0}, {0, 0, 0, 0}, 0},
     "node \"node\" (Pad) needs pads from 0 to 2 along axis 2, got 3 and 0"},
    {"reshape", Op::reshape, {{2, 3, 4, 5}}, ReshapeAttributes{{0, -1, 5}}, "2x12x5"},
    {"reshape_mismatch",
     Op::reshape,
     {{2, 3, 4, 5}},
     ReshapeAttributes{{7, -1}},
     "node \"node\" (Reshape) needs an input that fits the shape 7x-1, got 2x3x4x5"},
    {"flatten", Op::flatten, {{2, 3, 4, 5}}, FlattenAttributes{1}, "2x60"},
    {"flatten_from_end", Op::flatten, {{2, 3, 4, 5}}, FlattenAttributes{-1}, "24x5"},
    {"max_pool", Op::max_pool, {{1, 2, 7, 8}}, PoolAttributes{{2, 2}, {2, 2}, {0, 0, 0, 0}, false, false}, "1x2x3x4"},
    {"max_pool_ceil",
     Op::max_pool,
     {{1, 2, 7, 8}},
     PoolAttributes{{2, 2}, {2, 2}, {0, 0, 0, 0}, true, false},
     "1x2x4x4"},
    {"ceil_skips_a_window_in_the_padding",
     Op::average_pool,
     {{1, 1, 3, 3}},
     PoolAttributes{{2, 2}, {2, 2}, {1, 1, 1, 1}, true, false},
     "1x1x2x2"},
    {"global_pool", Op::global_average_pool, {{3, 2, 7, 8}}, {}, "3x2x1x1"},
    {"batch_normalization",
     Op::batch_normalization,
     {{3, 2, 7, 8}, {2}, {2}, {2}, {2}},
     BatchNormalizationAttributes{},
     "3x2x7x8"},
    {"batch_normalization_channels",
     Op::batch_normalization,
     {{3, 2, 7, 8}, {2}, {2}, {3}, {2}},
     BatchNormalizationAttributes{},
     "node \"node\" (BatchNormalization) needs a mean of shape 2, got 3"},
    {"depth_to_space", Op::depth_to_space, {{1, 12, 3, 4}}, DepthSpaceAttributes{2, DepthOrder::crd}, "1x3x6x8"},
    {"space_to_depth", Op::space_to_depth, {{1, 3, 6, 8}}, DepthSpaceAttributes{2, DepthOrder::crd}, "1x12x3x4"},
    {"space_to_depth_odd",
     Op::space_to_depth,
     {{1, 3, 7, 8}},
     DepthSpaceAttributes{2, DepthOrder::dcr},
     "node \"node\" (SpaceToDepth) needs height and width that are multiples of 2, got 1x3x7x8"},
    {"resize_scales",
     Op::resize,
     {{1, 3, 5, 7}},
     ResizeAttributes{ResizeMode::nearest, ResizeCoordinates::asymmetric, NearestRounding::floor, {2, 1.5f}, {0, 0}},
     "1x3x10x10"},
    {"resize_sizes",
     Op::resize,
     {{1, 3, 5, 7}},
     ResizeAttributes{ResizeMode::linear, ResizeCoordinates::half_pixel, NearestRounding::floor, {1, 1}, {9, 4}},
     "1x3x9x4"},
    {"too_large",
     Op::resize,
     {{1, 3, 5000, 7000}},
     ResizeAttributes{
         ResizeMode::linear, ResizeCoordinates::half_pixel, NearestRounding::floor, {1, 1}, {1 << 30, 1 << 30}},
     "the output of node \"node\" (Resize) has the shape 1x3x1073741824x1073741824, allowed are extents from 1 and "
     "1099511627776 elements in all"},
};
INSTANTIATE_TEST_SUITE_P(Operators, Shapes, testing::ValuesIn(rows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Shapes, RefusesOtherChannelsThanDeclaredButTakesOtherHeights) {
  Graph graph;
  graph.name = "net";
  graph.outputs = {graph.add_node(Op::relu, "act", {graph.add_input("x", {1, 3, 32, 32})})};
  EXPECT_TRUE(infer_shapes(graph, std::vector<Dims>{{4, 3, 5, 6}}).ok());
  const auto refused = infer_shapes(graph, std::vector<Dims>{{1, 1, 32, 32}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "input \"x\" of network \"net\" needs the shape 1x3x32x32 with the same channels, got 1x1x32x32");
}

TEST(Shapes, RefusesAValueThatIsNotMadeYet) {
  Graph graph;
  const ValueId x = graph.add_input("x", {2});
  graph.outputs = {graph.add_node(Op::add, "sum", {x, static_cast<ValueId>(graph.values.size())})};  // itself
  const auto refused = infer_shapes(graph, std::vector<Dims>{{2}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "node \"sum\" (Add) needs \"sum\", which no earlier node makes");
}

TEST(Shapes, CountsMultiplyAddsOfTheDirectAlgorithm) {
  Graph graph;
  const ValueId x = graph.add_input("x", {1, 4, 8, 8});
  const ValueId conv = graph.add_node(Op::conv, "conv", {x, graph.add_constant("w", Tensor::filled({6, 2, 3, 3}, 1))},
                                      window({3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 2));
  const ValueId up =
      graph.add_node(Op::conv_transpose, "up", {conv, graph.add_constant("u", Tensor::filled({6, 5, 2, 2}, 1))},
                     window({2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}));
  const ValueId flat = graph.add_node(Op::flatten, "flat", {up}, FlattenAttributes{1});
  graph.outputs = {graph.add_node(Op::gemm, "fc", {flat, graph.add_constant("m", Tensor::filled({10, 5 * 16 * 16}, 1))},
                                  GemmAttributes{1, 1, false, true})};
  const auto shapes = infer_shapes(graph, std::vector<Dims>{{1, 4, 8, 8}});
  ASSERT_TRUE(shapes.ok()) << shapes.error().message;
  EXPECT_EQ(multiply_adds(graph, *shapes), 6 * 64 * 2 * 9 + 6 * 64 * 5 * 4 + 10 * 5 * 16 * 16);
  EXPECT_EQ(parameter_count(graph), 6 * 2 * 9 + 6 * 5 * 4 + 10 * 5 * 16 * 16);
}

}  // namespace
}  // namespace latentflow::nn

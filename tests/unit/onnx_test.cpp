// onnx_test.cpp: every operator written as ONNX, vouched for by the ONNX checker, and read back.
#include <gtest/gtest.h>
#include <onnx/checker.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include "nn/half.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;

constexpr float infinite = std::numeric_limits<float>::infinity();
constexpr std::int64_t to_end = std::numeric_limits<std::int64_t>::max();

// One node; inputs up to `variables` are graph inputs, the others constants.
struct Case {
  const char* name;
  Op op;
  std::size_t variables;
  std::vector<Dims> inputs;
  Attributes attributes;
  std::vector<Dims> declared = {};  // of the graph inputs, where they differ
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

Graph graph_of(const Case& row) {
  std::mt19937 generator(5);
  Graph graph;
  graph.name = row.name;
  graph.metadata = {{"task", "test"}, {"recipe", "line one\nline two: \"quoted\""}};
  std::vector<ValueId> ids;
  for (std::size_t i = 0; i < row.inputs.size(); ++i) {
    std::string name = std::string("in").append(std::to_string(i));
    if (i < row.variables) {
      ids.push_back(graph.add_input(name, row.declared.empty() ? row.inputs[i] : row.declared[i]));
      continue;
    }
    Tensor tensor = testing::random_tensor(row.inputs[i], generator);
    for (float& element : tensor.mutable_span()) element = std::abs(element) + 0.1f;  // also right for a variance
    ids.push_back(graph.add_constant(name, std::move(tensor)));
  }
  graph.outputs = {graph.add_node(row.op, "the node", ids, row.attributes)};
  return graph;
}

ConvAttributes window(Pair kernel, Pair strides, Pair dilations, Padding pads, std::int64_t group = 1,
                      Pair output_padding = {0, 0}) {
  return {kernel, strides, dilations, pads, group, output_padding};
}
ResizeAttributes resizing(ResizeMode mode, ResizeCoordinates coordinates, NearestRounding rounding,
                          std::array<float, 2> scales, Pair sizes = {0, 0}) {
  return {mode, coordinates, rounding, scales, sizes};
}

const Case rows[] = {
    {"conv", Op::conv, 1, {{2, 4, 9, 8}, {6, 2, 3, 2}, {6}}, window({3, 2}, {2, 1}, {1, 2}, {1, 0, 2, 1}, 2)},
    {"conv_without_bias", Op::conv, 1, {{1, 3, 5, 5}, {2, 3, 1, 1}}, window({1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0})},
    {"conv_transpose",
     Op::conv_transpose,
     1,
     {{1, 4, 5, 4}, {4, 3, 3, 3}, {6}},
     window({3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 2, {1, 0})},
    {"gemm", Op::gemm, 1, {{5, 2}, {7, 5}, {7}}, GemmAttributes{0.5f, 2, true, true}},
    {"gemm_without_bias", Op::gemm, 1, {{2, 5}, {5, 7}}, GemmAttributes{}},
    {"matmul", Op::matmul, 1, {{2, 5}, {5, 3}}, {}},
    {"relu", Op::relu, 1, {{1, 2, 3, 4}}, {}},
    {"leaky_relu", Op::leaky_relu, 1, {{1, 2, 3, 4}}, LeakyReluAttributes{0.2f}},
    {"sigmoid", Op::sigmoid, 1, {{1, 2, 3, 4}}, {}},
    {"tanh", Op::tanh, 1, {{1, 2, 3, 4}}, {}},
    {"clip", Op::clip, 1, {{1, 2, 3, 4}}, ClipAttributes{-0.5f, 0.25f}},
    {"clip_above", Op::clip, 1, {{1, 2, 3, 4}}, ClipAttributes{-infinite, 0.25f}},
    {"clip_below", Op::clip, 1, {{1, 2, 3, 4}}, ClipAttributes{0, infinite}},
    {"softmax_of_channels", Op::softmax, 1, {{1, 2, 3, 4}}, SoftmaxAttributes{1}},
    {"softmax_of_the_last_axis", Op::softmax, 1, {{2, 5}}, SoftmaxAttributes{1}},
    {"add", Op::add, 2, {{1, 2, 3, 4}, {1, 2, 3, 4}}, {}},
    {"sub_constant", Op::sub, 1, {{1, 2, 3, 4}, {2, 1, 1}}, {}},
    {"mul", Op::mul, 2, {{1, 2, 3, 4}, {1, 1, 1, 4}}, {}},
    {"concat", Op::concat, 2, {{1, 2, 3, 4}, {1, 5, 3, 4}}, ConcatAttributes{1}},
    {"slice", Op::slice, 1, {{1, 4, 7, 8}}, SliceAttributes{{0, 1, -5, 0}, {to_end, 3, to_end, -1}, {1, 1, 2, 3}}},
    {"slice_of_everything", Op::slice, 1, {{1, 4}}, SliceAttributes{{0, 0}, {to_end, to_end}, {1, 1}}},
    {"pad_constant", Op::pad, 1, {{1, 2, 3, 4}}, PadAttributes{PadMode::constant, {0, 0, 1, 2}, {0, 0, 3, 0}, 0.5f}},
    {"pad_reflect", Op::pad, 1, {{1, 2, 3, 4}}, PadAttributes{PadMode::reflect, {0, 0, 1, 2}, {0, 0, 2, 0}, 0}},
    {"pad_edge", Op::pad, 1, {{1, 2, 3, 4}}, PadAttributes{PadMode::edge, {0, 0, 1, 2}, {0, 0, 2, 0}, 0}},
    {"reshape", Op::reshape, 1, {{2, 3, 4, 5}}, ReshapeAttributes{{0, -1, 10}}},
    {"flatten", Op::flatten, 1, {{2, 3, 4, 5}}, FlattenAttributes{2}},
    {"max_pool", Op::max_pool, 1, {{1, 2, 7, 8}}, PoolAttributes{{3, 2}, {2, 2}, {1, 0, 1, 0}, true, false}},
    {"average_pool", Op::average_pool, 1, {{1, 2, 7, 8}}, PoolAttributes{{3, 2}, {2, 2}, {1, 0, 1, 0}, false, true}},
    {"global_average_pool", Op::global_average_pool, 1, {{2, 3, 4, 5}}, {}},
    {"batch_normalization",
     Op::batch_normalization,
     1,
     {{2, 3, 4, 5}, {3}, {3}, {3}, {3}},
     BatchNormalizationAttributes{1e-3f}},
    {"depth_to_space_dcr", Op::depth_to_space, 1, {{1, 12, 3, 4}}, DepthSpaceAttributes{2, DepthOrder::dcr}},
    {"depth_to_space_crd", Op::depth_to_space, 1, {{1, 12, 3, 4}}, DepthSpaceAttributes{2, DepthOrder::crd}},
    {"space_to_depth_dcr", Op::space_to_depth, 1, {{1, 3, 6, 9}}, DepthSpaceAttributes{3, DepthOrder::dcr}},
    {"space_to_depth_crd", Op::space_to_depth, 1, {{2, 3, 6, 9}}, DepthSpaceAttributes{3, DepthOrder::crd}},
    {"space_to_depth_crd_free",
     Op::space_to_depth,
     1,
     {{2, 3, 6, 8}},
     DepthSpaceAttributes{2, DepthOrder::crd},
     {{-1, 3, -1, -1}}},
    {"resize_nearest",
     Op::resize,
     1,
     {{1, 2, 5, 6}},
     resizing(ResizeMode::nearest, ResizeCoordinates::asymmetric, NearestRounding::floor, {2, 1.5f})},
    {"resize_nearest_centred",
     Op::resize,
     1,
     {{1, 2, 5, 6}},
     resizing(ResizeMode::nearest, ResizeCoordinates::half_pixel, NearestRounding::round_prefer_floor, {0.5f, 3})},
    {"resize_linear",
     Op::resize,
     1,
     {{1, 2, 5, 6}},
     resizing(ResizeMode::linear, ResizeCoordinates::half_pixel, NearestRounding::round_prefer_floor, {2, 2})},
    {"resize_to_size",
     Op::resize,
     1,
     {{1, 2, 5, 6}},
     resizing(ResizeMode::linear, ResizeCoordinates::align_corners, NearestRounding::round_prefer_floor, {1, 1},
              {9, 4})},
    {"resize_to_size_free",
     Op::resize,
     1,
     {{3, 2, 5, 6}},
     resizing(ResizeMode::linear, ResizeCoordinates::half_pixel, NearestRounding::round_prefer_floor, {1, 1}, {9, 4}),
     {{-1, 2, -1, -1}}},
};

class RoundTrip : public ::testing::TestWithParam<Case> {};

TEST_P(RoundTrip, KeepsTheNetwork) {
  const Graph graph = graph_of(GetParam());
  const auto bytes = serialize_onnx(graph);
  ASSERT_TRUE(bytes.ok()) << bytes.error().message;

  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(*bytes));
  EXPECT_NO_THROW(onnx::checker::check_model(model)) << model.graph().ShortDebugString();

  const auto again = parse_onnx(std::as_bytes(std::span(*bytes)), "again");
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_EQ(again->nodes.size(), 1u);
  EXPECT_EQ(again->nodes[0].op, GetParam().op);
  EXPECT_EQ(again->nodes[0].name, "the node");
  EXPECT_EQ(again->metadata, graph.metadata);
  EXPECT_EQ(again->name, graph.name);
  EXPECT_EQ(again->value(again->outputs[0]).name, "the node");
  for (std::size_t i = 0; i < graph.inputs.size(); ++i)
    EXPECT_EQ(again->value(again->inputs[i]).dims, graph.value(graph.inputs[i]).dims);

  std::mt19937 generator(9);
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < GetParam().variables; ++i)
    inputs.push_back(testing::random_tensor(GetParam().inputs[i], generator));
  EXPECT_EQ(
      testing::largest_difference(testing::reference_run(graph, inputs)[0], testing::reference_run(*again, inputs)[0]),
      0);
  EXPECT_EQ(*serialize_onnx(*again), *bytes);
}
INSTANTIATE_TEST_SUITE_P(Operators, RoundTrip, ::testing::ValuesIn(rows),
                         [](const auto& row) { return std::string(row.param.name); });

class SavedModel : public ::testing::Test {
 protected:
  void SetUp() override {
    folder =
        std::filesystem::path(::testing::TempDir()) / ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
};

TEST_F(SavedModel, IsReplacedAsAWholeAndLeavesNoOtherFile) {
  const auto path = folder / "net.onnx";
  std::ofstream(path) << "old";
  const Graph graph = graph_of(rows[0]);
  ASSERT_TRUE(save_onnx(graph, path).ok());
  const auto loaded = load_onnx(path);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(parameter_count(*loaded), parameter_count(graph));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}

TEST_F(SavedModel, IsRefusedInAFolderThatIsMissing) {
  const auto path = folder / "missing" / "net.onnx";
  const Status status = save_onnx(graph_of(rows[0]), path);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::io);
  EXPECT_EQ(status.error().message, "\"" + path.string() + "\" could not be written: No such file or directory");
}

TEST_F(SavedModel, IsNotFoundByAnotherName) {
  const auto path = folder / "other.onnx";
  const auto loaded = load_onnx(path);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, Code::not_found);
  EXPECT_EQ(loaded.error().message, "\"" + path.string() + "\": there is no such file");
  EXPECT_EQ(load_onnx(folder).error().message, "\"" + folder.string() + "\": is not a file");
}

TEST(HalfWeights, AreTheNearestNumbersOfFloat16) {
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const float number = half_to_float(static_cast<std::uint16_t>(bits));
    const int exponent = std::max(static_cast<int>(bits >> 10), 1);
    const double exact = std::ldexp((bits >> 10) == 0 ? bits : 1024 + (bits & 1023), exponent - 25);
    ASSERT_EQ(static_cast<double>(number), exact) << bits;
    ASSERT_EQ(float_to_half(number), bits);
    ASSERT_EQ(float_to_half(-number), bits | 0x8000);
    if (bits == 0x7bff) break;
    const float next = half_to_float(static_cast<std::uint16_t>(bits + 1)), middle = (number + next) / 2;
    ASSERT_EQ(float_to_half(middle), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0f)), bits);
    ASSERT_EQ(float_to_half(std::nextafter(middle, next)), bits + 1);
  }
  EXPECT_EQ(half_to_float(0x7c00), infinite);
  EXPECT_EQ(half_to_float(0xfc00), -infinite);
  EXPECT_TRUE(std::isnan(half_to_float(0x7c01)));
}

TEST(HalfWeights, HalveTheFileAndComeBackAsTheyWereRounded) {
  Graph graph;
  std::mt19937 generator(7);
  const Tensor weights = testing::random_tensor({32, 16, 3, 3}, generator);
  const ValueId x = graph.add_input("x", {1, 16, -1, -1});
  graph.outputs = {graph.add_node(Op::conv, "c", {x, graph.add_constant("w", weights)},
                                  window({3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}))};
  const auto whole = serialize_onnx(graph);
  ASSERT_TRUE(half_weights(graph).ok());
  const std::vector<float> rounded(graph.values[1].constant->span().begin(), graph.values[1].constant->span().end());
  for (std::size_t i = 0; i < rounded.size(); ++i)
    ASSERT_NEAR(rounded[i], weights.data()[i], 0x1p-11f * std::abs(weights.data()[i]) + 0x1p-25f);
  const auto bytes = serialize_onnx(graph);
  ASSERT_TRUE(whole && bytes);
  EXPECT_LT(bytes->size(), whole->size() / 2 + 300);
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(*bytes));
  onnx::checker::check_model(model);
  const auto again = parse_onnx(std::as_bytes(std::span(*bytes)), "again");
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->nodes.size(), 1u);
  const auto read = again->value(again->nodes[0].inputs[1]).constant->span();
  EXPECT_EQ(std::vector<float>(read.begin(), read.end()), rounded);
}

TEST(HalfWeights, MustBeWithinReach) {
  Graph graph;
  const ValueId x = graph.add_input("x", {1});
  graph.outputs = {graph.add_node(Op::mul, "m", {x, graph.add_constant("large", Tensor::filled({1}, 65505))})};
  EXPECT_EQ(half_weights(graph).error().message, "weight tensor \"large\" holds 65505, float16 reaches to 65504");
}

TEST(OnnxExport, NeedsDeclaredInputs) {
  Graph graph;
  graph.name = "net";
  graph.outputs = {graph.add_node(Op::relu, "act", {graph.add_input("x", {})})};
  EXPECT_EQ(serialize_onnx(graph).error().message,
            "input \"x\" of network \"net\" needs a declared shape to be written as ONNX");
}

TEST(ModelCard, TravelsInsideTheFile) {
  Graph graph = graph_of(rows[0]);
  ModelCard card;
  card.task = "denoise";
  card.color = "rgb";
  card.noise_min = 0.5f;
  card.noise_max = 75;
  card.image_input = "in0";
  card.multiple = 8;
  card.halo = 40;
  card.recipe = "steps: 1000\nrate: 1e-3\n";
  card.scores = "set14 sigma 25: 30.03 dB";
  write_card(graph, card);
  card.weights_sha256 = weights_sha256(graph);
  EXPECT_EQ(card.weights_sha256.size(), 64u);
  const auto bytes = serialize_onnx(graph);
  const auto again = parse_onnx(std::as_bytes(std::span(*bytes)), "again");
  ASSERT_TRUE(again.ok());
  const auto read = read_card(*again);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, card);
}

TEST(ModelCard, HashesLikeEverybodyElse) {  // printf '\0\0\200\77' | sha256sum
  Graph graph;
  const ValueId x = graph.add_input("x", {1});
  graph.outputs = {graph.add_node(Op::mul, "m", {x, graph.add_constant("one", Tensor::filled({1}, 1))})};
  EXPECT_EQ(weights_sha256(graph), "e00e5eb9444182f352323374ef4e08ebcb784725fdd4fd612d7730540b3e0c8c");
}

TEST(ModelCard, RefusesWhatItCannotMean) {
  const auto message = [](const std::string& key, const std::string& value) {
    Graph graph = graph_of(rows[0]);
    graph.metadata[key] = value;
    const auto card = read_card(graph);
    return card ? std::string("read") : card.error().message;
  };
  EXPECT_EQ(message("noise_max", "75"), "read");
  EXPECT_EQ(message("noise_max", "300"), "model card of \"conv\": noise_max is \"300\", allowed 0 to 255");
  EXPECT_EQ(message("noise_min", "much"), "model card of \"conv\": noise_min is \"much\", allowed 0 to 255");
  EXPECT_EQ(message("multiple", "0"), "model card of \"conv\": multiple is \"0\", allowed 1 to 4096");
  EXPECT_EQ(message("color", "bgr"), "model card of \"conv\": color is \"bgr\", allowed are \"gray\" and \"rgb\"");
  EXPECT_EQ(message("range", "0..255"), "model card of \"conv\": range is \"0..255\", supported is \"0..1\"");
  EXPECT_EQ(message("noise_input", "map"), "model card of \"conv\": noise_input is \"map\", the inputs are \"in0\"");
  EXPECT_EQ(message("weights_sha256", "00"),
            "model card of \"conv\": weights_sha256 does not match the weights: the file was changed after training");
}

TEST(ModelCard, OfANetworkTrainedElsewhereIsEmpty) {
  Graph graph = graph_of(rows[0]);
  graph.metadata.clear();
  ModelCard expected;
  expected.image_input = "in0";
  EXPECT_EQ(*read_card(graph), expected);
}

}  // namespace
}  // namespace latentflow

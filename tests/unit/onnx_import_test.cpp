// onnx_import_test.cpp: what other programs write: old opsets, folded sizes, PixelShuffle in pieces, number formats.
#include <gtest/gtest.h>

#include <limits>

#include "support/onnx_file.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::OnnxFile;
using testing::set;

using Numbers = std::vector<std::int64_t>;
constexpr float infinite = std::numeric_limits<float>::infinity();

Graph load(const OnnxFile& file) {
  auto graph = file.load();
  EXPECT_TRUE(graph.ok()) << file.message();
  return graph ? std::move(*graph) : Graph{};
}
// The graph's only node; fails where there are more or fewer.
Node only_node(const OnnxFile& file) {
  const Graph graph = load(file);
  EXPECT_EQ(graph.nodes.size(), 1u);
  return graph.nodes.empty() ? Node{} : graph.nodes[0];
}

OnnxFile picture_to_y(std::int64_t opset = 13, std::int64_t channels = 4) {
  OnnxFile file(opset);
  file.input("x", {-1, channels, -1, -1}).output("y");
  return file;
}

TEST(OnnxImport, ReadsClipBoundsAsAttributesAndAsInputs) {
  OnnxFile old = picture_to_y(9);
  set(old.node("Clip", {"x"}, "y"), "min", 0.0f);
  EXPECT_EQ(only_node(old).as<ClipAttributes>().low, 0);
  EXPECT_EQ(only_node(old).as<ClipAttributes>().high, infinite);
  OnnxFile now = picture_to_y(13);
  now.weights("high", {}, {1});
  now.node("Clip", {"x", "", "high"}, "y");
  EXPECT_EQ(only_node(now).as<ClipAttributes>().low, -infinite);
  EXPECT_EQ(only_node(now).as<ClipAttributes>().high, 1);
}

TEST(OnnxImport, ReadsSoftmaxOfEveryOpset) {
  const auto softmax = [](std::int64_t opset, const std::vector<std::int64_t>& dims, const Numbers& axis) {
    OnnxFile file(opset);
    file.input("x", dims).output("y");
    onnx::NodeProto& node = file.node("Softmax", {"x"}, "y");
    for (const std::int64_t own : axis) set(node, "axis", own);
    return file;
  };
  EXPECT_EQ(only_node(softmax(13, {-1, 3, 5}, {})).as<SoftmaxAttributes>().axis, 2);
  EXPECT_EQ(only_node(softmax(13, {-1, 3, 5}, {-2})).as<SoftmaxAttributes>().axis, 1);
  EXPECT_EQ(only_node(softmax(11, {-1, 10}, {})).as<SoftmaxAttributes>().axis, 1);
  EXPECT_EQ(only_node(softmax(11, {2, 3, 5}, {-1})).as<SoftmaxAttributes>().axis, 2);
  EXPECT_EQ(softmax(11, {2, 3, 5}, {}).message(),
            "\"test.onnx\": node \"node_y\" (Softmax) has axis 1 of 3 in opset 11, supported is the last one, or opset "
            "13 and later");
  EXPECT_EQ(softmax(13, {2, 3}, {2}).message(), "\"test.onnx\": node \"node_y\" (Softmax) has axis 2, allowed -2 to 1");
}

TEST(OnnxImport, ReadsSliceAndPadInBothForms) {
  OnnxFile old = picture_to_y(9);
  auto& slice = old.node("Slice", {"x"}, "s");
  set(slice, "starts", Numbers{1});
  set(slice, "ends", Numbers{3});
  set(slice, "axes", Numbers{1});
  auto& pad = old.node("Pad", {"s"}, "y");
  set(pad, "pads", Numbers{0, 0, 1, 2, 0, 0, 3, 4});
  set(pad, "mode", std::string("reflect"));
  OnnxFile now = picture_to_y(13);
  now.integers("starts", {1}).integers("ends", {3}).integers("axes", {-3}).integers("pads", {0, 0, 1, 2, 0, 0, 3, 4});
  now.node("Slice", {"x", "starts", "ends", "axes"}, "s");
  set(now.node("Pad", {"s", "pads"}, "y"), "mode", std::string("reflect"));
  for (const OnnxFile& file : {old, now}) {
    const Graph graph = load(file);
    ASSERT_EQ(graph.nodes.size(), 2u);
    EXPECT_EQ(graph.nodes[0].as<SliceAttributes>().starts, (Dims{0, 1, 0, 0}));
    EXPECT_EQ(graph.nodes[0].as<SliceAttributes>().ends[1], 3);
    EXPECT_EQ(graph.nodes[1].as<PadAttributes>().before, (Dims{0, 0, 1, 2}));
    EXPECT_EQ(graph.nodes[1].as<PadAttributes>().after, (Dims{0, 0, 3, 4}));
    EXPECT_EQ(graph.nodes[1].as<PadAttributes>().mode, PadMode::reflect);
  }
}

TEST(OnnxImport, ReadsResizeOfEveryOpset) {
  OnnxFile upsample = picture_to_y(9);
  upsample.weights("scales", {4}, {1, 1, 2, 3});
  set(upsample.node("Upsample", {"x", "scales"}, "y"), "mode", std::string("linear"));
  OnnxFile ten = picture_to_y(10);
  ten.weights("scales", {4}, {1, 1, 2, 3});
  set(ten.node("Resize", {"x", "scales"}, "y"), "mode", std::string("linear"));
  OnnxFile thirteen = picture_to_y(13);
  thirteen.weights("roi", {0}, {});
  thirteen.weights("scales", {4}, {1, 1, 2, 3});
  auto& node = thirteen.node("Resize", {"x", "roi", "scales"}, "y");
  set(node, "mode", std::string("linear"));
  set(node, "coordinate_transformation_mode", std::string("asymmetric"));
  set(node, "cubic_coeff_a", -0.75f);
  for (const OnnxFile& file : {upsample, ten, thirteen}) {
    const auto a = only_node(file).as<ResizeAttributes>();
    EXPECT_EQ(a.mode, ResizeMode::linear);
    EXPECT_EQ(a.coordinates, ResizeCoordinates::asymmetric);
    EXPECT_EQ(a.scales, (std::array<float, 2>{2, 3}));
  }
}

TEST(OnnxImport, TurnsSizesComputedFromTheInputIntoScales) {
  OnnxFile file = picture_to_y();
  file.integers("zero", {0})
      .integers("two", {2})
      .integers("four", {4})
      .integers("third", {1, 1})
      .weights("factor", {1}, {3});
  file.node("Shape", {"x"}, "shape");
  file.node("Slice", {"shape", "zero", "two"}, "head");
  file.node("Slice", {"shape", "two", "four"}, "tail");
  set(file.node("Cast", {"tail"}, "floats"), "to", std::int64_t{onnx::TensorProto::FLOAT});
  file.node("Mul", {"floats", "factor"}, "larger");
  file.node("Floor", {"larger"}, "floored");
  set(file.node("Cast", {"floored"}, "size"), "to", std::int64_t{onnx::TensorProto::INT64});
  set(file.node("Concat", {"head", "size"}, "sizes"), "axis", std::int64_t{0});
  file.node("Resize", {"x", "", "", "sizes"}, "y");
  const auto a = only_node(file).as<ResizeAttributes>();
  EXPECT_EQ(a.scales, (std::array<float, 2>{3, 3}));
  EXPECT_EQ(a.sizes, (Pair{0, 0}));
}

TEST(OnnxImport, ResolvesSamePaddingOfStrideOne) {
  for (const bool upper : {true, false}) {
    OnnxFile file = picture_to_y();
    file.weights("w", {4, 4, 4, 3}, std::vector<float>(4 * 4 * 4 * 3, 1));
    set(file.node("Conv", {"x", "w"}, "y"), "auto_pad", std::string(upper ? "SAME_UPPER" : "SAME_LOWER"));
    EXPECT_EQ(only_node(file).as<ConvAttributes>().pads, upper ? (Padding{1, 1, 2, 1}) : (Padding{2, 1, 1, 1}));
  }
}

TEST(OnnxImport, FoldsTheShapeChainBeforeAReshape) {
  OnnxFile file = picture_to_y();
  file.integers("zero", {}, {0}).integers("axes", {0}).integers("rest", {-1});
  file.node("Shape", {"x"}, "shape");
  set(file.node("Gather", {"shape", "zero"}, "batch"), "axis", std::int64_t{0});
  file.node("Unsqueeze", {"batch", "axes"}, "first");
  set(file.node("Concat", {"first", "rest"}, "target"), "axis", std::int64_t{0});
  file.node("Reshape", {"x", "target"}, "y");
  EXPECT_EQ(only_node(file).as<ReshapeAttributes>().shape, (Dims{0, -1}));
}

TEST(OnnxImport, FoldsThePadsThatExportersCompute) {  // pads of the last axes first, reversed by a Slice with step -1
  OnnxFile file = picture_to_y();
  file.integers("given", {2, 4, 1, 3}).integers("count", {4}).integers("pairs", {-1, 2}).integers("flat", {-1});
  file.integers("start", {-1}).integers("end", {std::numeric_limits<std::int64_t>::min() + 1}).integers("axis", {0});
  file.integers("step", {-1});
  onnx::TensorProto& value =
      *testing::attribute(file.node("ConstantOfShape", {"count"}, "zeros"), "value", onnx::AttributeProto::TENSOR)
           .mutable_t();
  value.set_data_type(onnx::TensorProto::INT64);
  value.add_dims(1);
  value.add_int64_data(0);
  set(file.node("Concat", {"given", "zeros"}, "all"), "axis", std::int64_t{0});
  file.node("Reshape", {"all", "pairs"}, "matrix");
  file.node("Slice", {"matrix", "start", "end", "axis", "step"}, "reversed");
  set(file.node("Transpose", {"reversed"}, "sides"), "perm", Numbers{1, 0});
  file.node("Reshape", {"sides", "flat"}, "pads");
  file.node("Pad", {"x", "pads"}, "y");
  const auto a = only_node(file).as<PadAttributes>();
  EXPECT_EQ(a.before, (Dims{0, 0, 1, 2}));
  EXPECT_EQ(a.after, (Dims{0, 0, 3, 4}));
}

TEST(OnnxImport, DropsIdentityAndDropoutAndFoldsConstants) {
  OnnxFile file = picture_to_y();
  file.node("Identity", {"x"}, "a");
  set(file.node("Dropout", {"a"}, "b"), "seed", std::int64_t{1});
  testing::attribute(file.node("Constant", {}, "factor"), "value_float", onnx::AttributeProto::FLOAT).set_f(2);
  file.node("Mul", {"b", "factor"}, "c");
  file.node("Identity", {"c"}, "y");
  const Graph graph = load(file);
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].inputs[0], graph.inputs[0]);
  EXPECT_EQ(graph.value(graph.nodes[0].inputs[1]).constant->data()[0], 2);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
}

TEST(OnnxImport, GivesOutputsThatAreInputsAValueOfTheirOwn) {
  OnnxFile file = picture_to_y();
  file.node("Identity", {"x"}, "y");
  const Graph graph = load(file);
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
  std::mt19937 generator(1);
  const Tensor x = testing::random_tensor({1, 4, 2, 3}, generator);
  EXPECT_EQ(testing::largest_difference(testing::reference_run(graph, {x})[0], x), 0);
}

TEST(OnnxImport, ReadsEveryFloatFormat) {
  const std::vector<float> wanted{1.5f, -0.25f, 0.0f, 6.103515625e-05f};  // the last is the smallest normal half
  const auto read = [&](auto fill) {
    OnnxFile file = picture_to_y();
    fill(file.weights("w", {4, 1, 1}, {}));
    file.node("Add", {"x", "w"}, "y");
    const Graph graph = load(file);
    const auto span = graph.value(graph.nodes.at(0).inputs[1]).constant->span();
    return std::vector<float>(span.begin(), span.end());
  };
  EXPECT_EQ(read([&](onnx::TensorProto& tensor) { tensor.set_raw_data(wanted.data(), 16); }), wanted);
  EXPECT_EQ(read([&](onnx::TensorProto& tensor) {
              tensor.set_data_type(onnx::TensorProto::DOUBLE);
              for (const float value : wanted) tensor.add_double_data(value);
            }),
            wanted);
  const std::vector<std::uint16_t> halves{0x3e00, 0xb400, 0x0000, 0x0400};
  EXPECT_EQ(read([&](onnx::TensorProto& tensor) {
              tensor.set_data_type(onnx::TensorProto::FLOAT16);
              for (const std::uint16_t half : halves) tensor.add_int32_data(half);
            }),
            wanted);
  EXPECT_EQ(read([&](onnx::TensorProto& tensor) {
              tensor.set_data_type(onnx::TensorProto::FLOAT16);
              tensor.set_raw_data(halves.data(), 8);
            }),
            wanted);
}

// PixelUnshuffle of 2 on 4 channels, and PixelShuffle, by the definition: out[c r r + r i + j][y][x] = in[c][y r + i][x
// r + j].
Tensor unshuffled(const Tensor& x) {
  const Dims& d = x.dims();
  Tensor out({d[0], d[1] * 4, d[2] / 2, d[3] / 2});
  float* next = out.mutable_data();
  for (std::int64_t n = 0; n < d[0]; ++n)
    for (std::int64_t depth = 0; depth < d[1] * 4; ++depth)
      for (std::int64_t row = 0; row < d[2] / 2; ++row)
        for (std::int64_t column = 0; column < d[3] / 2; ++column)
          *next++ = x.data()[((n * d[1] + depth / 4) * d[2] + row * 2 + depth / 2 % 2) * d[3] + column * 2 + depth % 2];
  return out;
}

void expect_unshuffle(const OnnxFile& file) {
  const Graph graph = load(file);
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].op, Op::space_to_depth);
  std::mt19937 generator(2);
  const Tensor x = testing::random_tensor({1, 4, 6, 8}, generator);
  EXPECT_EQ(testing::largest_difference(testing::reference_run(graph, {x})[0], unshuffled(x)), 0);
}

TEST(OnnxImport, RecognisesPixelUnshuffleOfKnownSize) {
  OnnxFile file;
  file.input("x", {1, 4, 6, 8}).output("y");
  file.integers("split", {1, 4, 3, 2, 4, 2}).integers("joined", {1, 16, 3, 4});
  file.node("Reshape", {"x", "split"}, "a");
  set(file.node("Transpose", {"a"}, "b"), "perm", Numbers{0, 1, 3, 5, 2, 4});
  file.node("Reshape", {"b", "joined"}, "y");
  expect_unshuffle(file);
}

TEST(OnnxImport, RecognisesPixelUnshuffleOfAnySize) {  // as PyTorch writes it with dynamic axes
  OnnxFile file = picture_to_y();
  file.integers("third", {3}).integers("rows", {0, 0, -1, 2, 0}).integers("columns", {0, 0, 0, 0, -1, 2});
  file.integers("depth", {0, -1, 1, 1, 0, 0}).integers("gone", {2, 3});
  file.node("Unsqueeze", {"x", "third"}, "a");
  file.node("Reshape", {"a", "rows"}, "b");
  file.node("Reshape", {"b", "columns"}, "c");
  set(file.node("Transpose", {"c"}, "d"), "perm", Numbers{0, 1, 3, 5, 2, 4});
  file.node("Reshape", {"d", "depth"}, "e");
  file.node("Squeeze", {"e", "gone"}, "y");
  expect_unshuffle(file);
}

TEST(OnnxImport, RecognisesPixelShuffleAndDepthToSpaceInPieces) {
  for (const bool crd : {true, false}) {
    OnnxFile file = picture_to_y();
    file.integers("zero", {0}).integers("two", {2}).integers("three", {3}).integers("four", {4});
    file.integers("one", {1}).integers("block", {2, 2});
    file.node("Shape", {"x"}, "shape");
    file.node("Slice", {"shape", "zero", "one"}, "n");
    file.node("Slice", {"shape", "two", "three"}, "h");
    file.node("Slice", {"shape", "three", "four"}, "w");
    file.node("Mul", {"h", "two"}, "hh");
    file.node("Mul", {"w", "two"}, "ww");
    const std::vector<std::string> split = crd ? std::vector<std::string>{"n", "one", "block", "h", "w"}
                                               : std::vector<std::string>{"n", "block", "one", "h", "w"};
    set(file.node("Concat", split, "split"), "axis", std::int64_t{0});
    set(file.node("Concat", {"n", "one", "hh", "ww"}, "joined"), "axis", std::int64_t{0});
    file.node("Reshape", {"x", "split"}, "a");
    set(file.node("Transpose", {"a"}, "b"), "perm", crd ? Numbers{0, 1, 4, 2, 5, 3} : Numbers{0, 3, 4, 1, 5, 2});
    file.node("Reshape", {"b", "joined"}, "y");
    const Node node = only_node(file);
    EXPECT_EQ(node.op, Op::depth_to_space);
    EXPECT_EQ(node.as<DepthSpaceAttributes>().block, 2);
  }
  // With several channels the order matters.
  for (const bool crd : {true, false}) {
    OnnxFile file;
    file.input("x", {1, 12, 5, 7}).output("y");
    file.integers("split", crd ? Numbers{1, 3, 2, 2, 5, 7} : Numbers{1, 2, 2, 3, 5, 7})
        .integers("joined", {1, 3, 10, 14});
    file.node("Reshape", {"x", "split"}, "a");
    set(file.node("Transpose", {"a"}, "b"), "perm", crd ? Numbers{0, 1, 4, 2, 5, 3} : Numbers{0, 3, 4, 1, 5, 2});
    file.node("Reshape", {"b", "joined"}, "y");
    EXPECT_EQ(only_node(file).as<DepthSpaceAttributes>().order, crd ? DepthOrder::crd : DepthOrder::dcr);
  }
}

TEST(OnnxImport, TakesNoOtherShuffleForPixelUnshuffle) {
  OnnxFile file;
  file.input("x", {1, 4, 6, 8}).output("y");
  file.integers("split", {1, 4, 3, 2, 4, 2}).integers("joined", {1, 16, 3, 4});
  file.node("Reshape", {"x", "split"}, "a");
  set(file.node("Transpose", {"a"}, "b"), "perm", Numbers{0, 1, 5, 3, 2, 4});  // block column before block row
  file.node("Reshape", {"b", "joined"}, "y");
  EXPECT_EQ(file.message(),
            "\"test.onnx\": node \"node_b\" (Transpose) moves axes in a way that is no part of PixelShuffle "
            "or PixelUnshuffle, the only use that is supported");
}

TEST(OnnxImport, CutsSplitIntoSlices) {
  OnnxFile file = picture_to_y();
  file.integers("lengths", {1, 3});
  onnx::NodeProto& node = file.node("Split", {"x", "lengths"}, "a");
  node.add_output("b");
  set(node, "axis", std::int64_t{1});
  file.node("Mul", {"a", "b"}, "y");
  const Graph graph = load(file);
  ASSERT_EQ(graph.nodes.size(), 3u);
  EXPECT_EQ(graph.nodes[0].as<SliceAttributes>().ends[1], 1);
  EXPECT_EQ(graph.nodes[1].as<SliceAttributes>().starts[1], 1);
  EXPECT_EQ(graph.nodes[1].as<SliceAttributes>().ends[1], 4);
  EXPECT_EQ(graph.value(graph.nodes[1].output).dims[1], 3);
}

TEST(OnnxImport, LeavesWeightsThatNothingUsesBehind) {
  OnnxFile file = picture_to_y();
  file.weights("unused", {4}, {1, 2, 3, 4});
  file.node("Relu", {"x"}, "y");
  EXPECT_EQ(parameter_count(load(file)), 0);
}

}  // namespace
}  // namespace latentflow

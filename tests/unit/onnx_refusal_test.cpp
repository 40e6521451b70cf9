// onnx_refusal_test.cpp: files that can not be run are refused when they are loaded, by name.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "nn/onnx_export.h"
#include "support/onnx_file.h"

namespace latentflow {
namespace {

using testing::OnnxFile;
using testing::set;

OnnxFile picture_to_y(std::int64_t opset = 13) {
  OnnxFile file(opset);
  file.input("x", {-1, 3, -1, -1}).output("y");
  return file;
}

TEST(OnnxRefusal, NamesAllUnsupportedOperatorsAtOnce) {
  OnnxFile file = picture_to_y();
  file.node("LSTM", {"x"}, "a");
  file.node("Relu", {"a"}, "b");
  file.node("Einsum", {"b"}, "c");
  file.node("LSTM", {"c"}, "d");
  file.node("Attention", {"d"}, "y").set_domain("com.microsoft");
  EXPECT_EQ(file.message(),
            "\"test.onnx\": unsupported operators: Einsum (node \"node_c\"), LSTM (node \"node_a\" and 1 more), "
            "com.microsoft.Attention (node \"node_y\")");
  EXPECT_EQ(file.load().error().code, Code::unsupported);
}

TEST(OnnxRefusal, NamesUnsupportedAttributeValues) {
  const auto message = [](const std::string& op, const std::vector<std::string>& inputs, auto add) {
    OnnxFile file = picture_to_y();
    file.weights("w", {3, 3, 3, 3}, std::vector<float>(81, 1));
    file.weights("scales", {4}, {1, 1, 2, 2});
    add(file.node(op, inputs, "y"));
    return file.message();
  };
  const auto with = [](const std::string& key, auto value) {
    return [=](onnx::NodeProto& node) { set(node, key, value); };
  };
  EXPECT_EQ(message("DepthToSpace", {"x"}, with("mode", std::string("XYZ"))),
            "\"test.onnx\": node \"node_y\" (DepthToSpace) has mode = XYZ, supported are DCR and CRD");
  EXPECT_EQ(message("Resize", {"x", "", "scales"}, with("mode", std::string("cubic"))),
            "\"test.onnx\": node \"node_y\" (Resize) has mode = cubic, supported are nearest and linear");
  EXPECT_EQ(message("Relu", {"x"}, with("slope", 2.0f)),
            "\"test.onnx\": node \"node_y\" (Relu) has the attribute \"slope\", which is not supported");
  EXPECT_EQ(message("Conv", {"x", "w"}, with("group", 2.0f)),
            "\"test.onnx\": node \"node_y\" (Conv) has an attribute \"group\" of type FLOAT, needs INT");
  EXPECT_EQ(message("Conv", {"x", "w"}, with("strides", std::vector<std::int64_t>{1, 1, 1})),
            "\"test.onnx\": node \"node_y\" (Conv) has strides for 3 axes, supported are 2");
  EXPECT_EQ(
      message("Conv", {"x", "w"},
              [](onnx::NodeProto& node) {
                set(node, "auto_pad", std::string("SAME_UPPER"));
                set(node, "strides", std::vector<std::int64_t>{2, 2});
              }),
      "\"test.onnx\": node \"node_y\" (Conv) has auto_pad = SAME_UPPER with strides 2x2, whose pads depend on the "
      "picture; supported is stride 1, or explicit pads");
  EXPECT_EQ(message("Transpose", {"x"}, with("perm", std::vector<std::int64_t>{0, 2, 3, 1})),
            "\"test.onnx\": node \"node_y\" (Transpose) moves axes in a way that is no part of PixelShuffle or "
            "PixelUnshuffle, the only use that is supported");
}

TEST(OnnxRefusal, SaysWhichExtentsDoNotFit) {
  OnnxFile file = picture_to_y();
  file.weights("w", {3, 4, 3, 3}, std::vector<float>(108, 1));
  file.model.mutable_graph()->mutable_input(0)->Clear();
  file.graph().clear_input();
  file.input("x", {1, 3, 8, 8});
  file.node("Conv", {"x", "w"}, "y");
  EXPECT_EQ(file.message(), "\"test.onnx\": node \"node_y\" (Conv) needs an input with 4 channels, got 1x3x8x8");
}

// Heights and widths are free; the rest is known.
TEST(OnnxRefusal, OfShapesThatAreWrongForEveryPicture) {
  const auto message = [](auto add) {
    OnnxFile file = picture_to_y();
    file.weights("w", {4, 3, 3, 3}, std::vector<float>(108, 1));
    file.weights("five", {5}, std::vector<float>(5, 1));
    file.weights("maps", {1, 5, 1, 1}, std::vector<float>(5, 1));
    add(file);
    return file.message();
  };
  const auto convolution = [&](const std::string& key, auto value) {
    return message([&](OnnxFile& file) { set(file.node("Conv", {"x", "w"}, "y"), key, value); });
  };
  using Numbers = std::vector<std::int64_t>;
  EXPECT_EQ(convolution("group", std::int64_t{1}), "loaded");
  EXPECT_EQ(message([](OnnxFile& file) {
              file.weights("other", {4, 5, 3, 3}, std::vector<float>(180, 1));
              file.node("Conv", {"x", "other"}, "y");
            }),
            "\"test.onnx\": node \"node_y\" (Conv) needs an input with 5 channels, got ?x3x?x?");
  EXPECT_EQ(message([](OnnxFile& file) {
              file.node("Conv", {"x", "w", "five"}, "y");
            }),
            "\"test.onnx\": node \"node_y\" (Conv) needs a bias of shape 4, got 5");
  EXPECT_EQ(convolution("kernel_shape", Numbers{5, 5}),
            "\"test.onnx\": node \"node_y\" (Conv) needs weights with a 5x5 kernel, got 4x3x3x3");
  EXPECT_NE(convolution("strides", Numbers{0, 1}).find("needs kernel, strides and dilations from 1"),
            std::string::npos);
  EXPECT_NE(convolution("dilations", Numbers{std::int64_t{1} << 62, 1}).find("dilations from 1"), std::string::npos);
  EXPECT_NE(convolution("pads", Numbers{-1, 0, 0, 0}).find("pads from 0"), std::string::npos);
  EXPECT_NE(convolution("group", std::int64_t{0}).find("needs a group count that divides"), std::string::npos);
  EXPECT_EQ(message([](OnnxFile& file) {
              file.node("Add", {"x", "maps"}, "y");
            }),
            "\"test.onnx\": node \"node_y\" (Add) needs inputs of equal shape, or 1 where they differ, got ?x3x?x? and "
            "1x5x1x1");
  EXPECT_NE(message([](OnnxFile& file) {
              set(file.node("DepthToSpace", {"x"}, "y"), "blocksize", std::int64_t{2});
            }).find("needs channels that are a multiple of 4, got ?x3x?x?"),
            std::string::npos);
  OnnxFile rows;
  rows.input("x", {-1, 4}).output("y").weights("w", {5, 3}, std::vector<float>(15, 1));
  rows.node("Gemm", {"x", "w"}, "y");
  EXPECT_EQ(rows.message(),
            "\"test.onnx\": node \"node_y\" (Gemm) needs matrices whose inner extents agree, got ?x4 and 5x3");
}

// What fits some pictures is no reason.
TEST(OnnxRefusal, NotOfShapesThatFitSomePictures) {
  OnnxFile place = picture_to_y();
  place.weights("place", {1, 1, 8, 8}, std::vector<float>(64, 1));
  place.node("Add", {"x", "place"}, "y");
  EXPECT_EQ(place.message(), "loaded");
  OnnxFile wide = picture_to_y();
  wide.weights("w", {4, 3, 3, 3}, std::vector<float>(108, 1));
  set(wide.node("Conv", {"x", "w"}, "y"), "dilations", std::vector<std::int64_t>{50000, 1});
  EXPECT_EQ(wide.message(), "loaded");
  OnnxFile blocks = picture_to_y();
  set(blocks.node("SpaceToDepth", {"x"}, "y"), "blocksize", std::int64_t{7});
  EXPECT_EQ(blocks.message(), "loaded");
  OnnxFile rows = picture_to_y();
  rows.weights("w", {192, 3}, std::vector<float>(576, 1));
  rows.integers("shape", {1, 192});
  rows.node("Reshape", {"x", "shape"}, "flat");
  rows.node("MatMul", {"flat", "w"}, "y");
  EXPECT_EQ(rows.message(), "loaded");
}

TEST(OnnxRefusal, OfOutputsDeclaredOtherwise) {
  const auto message = [](const std::vector<std::int64_t>& declared) {
    OnnxFile file;
    file.input("x", {1, 3, 8, 8}).output("y");
    file.node("Relu", {"x"}, "y");
    auto* shape = file.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
    for (const std::int64_t extent : declared) shape->add_dim()->set_dim_value(extent);
    return file.message();
  };
  EXPECT_EQ(message({1, 9, 8, 8}), "\"test.onnx\": output \"y\" is declared as 1x9x8x8, but the nodes make 1x3x8x8");
  EXPECT_EQ(message({1, 3, 64}), "\"test.onnx\": output \"y\" is declared as 1x3x64, but the nodes make 1x3x8x8");
  EXPECT_EQ(message({5, 3, 16, 16}), "loaded") << "sizes are often those of the picture the exporter had";
}

TEST(OnnxRefusal, OfConstantsAndAttributesThatAreNotFinite) {
  const auto constant = [](auto fill) {
    OnnxFile file = picture_to_y();
    onnx::NodeProto& node = file.node("Constant", {}, "k");
    fill(node);
    file.node("Mul", {"x", "k"}, "y");
    return file.message();
  };
  EXPECT_EQ(constant([](onnx::NodeProto& node) { set(node, "value_float", 2.0f); }), "loaded");
  EXPECT_EQ(constant([](onnx::NodeProto& node) { set(node, "value_float", NAN); }),
            "\"test.onnx\": node \"node_k\" (Constant) holds nan at element 0");
  EXPECT_EQ(constant([](onnx::NodeProto& node) {
              auto& entry = testing::attribute(node, "value_floats", onnx::AttributeProto::FLOATS);
              for (const float value : {1.0f, INFINITY}) entry.add_floats(value);
            }),
            "\"test.onnx\": node \"node_k\" (Constant) holds inf at element 1");
  OnnxFile slope = picture_to_y();
  set(slope.node("LeakyRelu", {"x"}, "y"), "alpha", NAN);
  EXPECT_EQ(slope.message(), "\"test.onnx\": node \"node_y\" (LeakyRelu) has alpha = nan, needs a finite number");
  OnnxFile epsilon = picture_to_y();
  epsilon.weights("one", {3}, {1, 1, 1});
  set(epsilon.node("BatchNormalization", {"x", "one", "one", "one", "one"}, "y"), "epsilon", NAN);
  EXPECT_EQ(epsilon.message(),
            "\"test.onnx\": node \"node_y\" (BatchNormalization) has epsilon = nan, needs a finite number");
  OnnxFile open = picture_to_y(7);
  set(open.node("Clip", {"x"}, "y"), "max", INFINITY);
  EXPECT_EQ(open.message(), "loaded") << "no bound";
}

TEST(OnnxRefusal, OfWeightsThatAreBroken) {
  const auto message = [](auto change) {
    OnnxFile file = picture_to_y();
    change(file.weights("w", {3, 1, 1}, {1, 2, 3}));
    file.node("Add", {"x", "w"}, "y");
    return file.message();
  };
  EXPECT_EQ(message([](onnx::TensorProto&) {}), "loaded");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_float_data(1, NAN); }),
            "\"test.onnx\": weight tensor \"w\" holds nan at element 1");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_float_data(2, -INFINITY); }),
            "\"test.onnx\": weight tensor \"w\" holds -inf at element 2");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.add_float_data(1); }),
            "\"test.onnx\": weight tensor \"w\" needs 3 elements, the file holds 4");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_dims(0, 4); }),
            "\"test.onnx\": weight tensor \"w\" needs 4 elements, the file holds 3");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_dims(0, std::int64_t{1} << 60); }),
            "\"test.onnx\": weight tensor \"w\" has an impossible extent 1152921504606846976");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_dims(1, -1); }),
            "\"test.onnx\": weight tensor \"w\" has an impossible extent -1");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_raw_data("12345678"); }),
            "\"test.onnx\": weight tensor \"w\" needs 12 bytes, the file holds 8");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_data_type(onnx::TensorProto::COMPLEX64); }),
            "\"test.onnx\": weight tensor \"w\" holds COMPLEX64, allowed are FLOAT, DOUBLE and FLOAT16");
  EXPECT_EQ(message([](onnx::TensorProto& tensor) { tensor.set_data_type(99); }),
            "\"test.onnx\": weight tensor \"w\" holds type 99, allowed are FLOAT, DOUBLE and FLOAT16");
}

TEST(OnnxRefusal, OfInputsThatAreNoFloats) {
  OnnxFile file;
  file.input("x", {1, 3, 8, 8}, onnx::TensorProto::UINT8).output("y");
  file.node("Relu", {"x"}, "y");
  EXPECT_EQ(file.message(), "\"test.onnx\": input \"x\" holds UINT8, needs FLOAT");
}

TEST(OnnxRefusal, OfCyclesAndValuesThatNothingMakes) {
  OnnxFile cycle = picture_to_y();
  cycle.node("Add", {"x", "b"}, "a");
  cycle.node("Relu", {"a"}, "b");
  cycle.node("Relu", {"b"}, "y");
  EXPECT_EQ(cycle.message(),
            "\"test.onnx\": node \"node_a\" (Add) uses \"b\" before node \"node_b\" (Relu) makes it: a "
            "cycle, or nodes out of order");
  OnnxFile missing = picture_to_y();
  missing.node("Add", {"x", "ghost"}, "y");
  EXPECT_EQ(missing.message(), "\"test.onnx\": node \"node_y\" (Add) uses \"ghost\", which nothing makes");
  OnnxFile few = picture_to_y();
  few.node("Add", {"x"}, "y");
  EXPECT_EQ(few.message(), "\"test.onnx\": node \"node_y\" (Add) needs input 2, has 1");
}

TEST(OnnxRefusal, OfNamesGivenTwice) {
  OnnxFile file = picture_to_y();
  file.node("Relu", {"x"}, "a");
  file.node("Tanh", {"x"}, "a");
  file.node("Relu", {"a"}, "y");
  EXPECT_EQ(file.message(), "\"test.onnx\": the name \"a\" is given to two tensors");
}

TEST(OnnxRefusal, OfOutputsAndInputsThatAreMissing) {
  OnnxFile output = picture_to_y();
  output.node("Relu", {"x"}, "z");
  EXPECT_EQ(output.message(), "\"test.onnx\": output \"y\" is made by no node");
  OnnxFile none;
  none.input("x", {1});
  EXPECT_EQ(none.message(), "\"test.onnx\": has no output");
  OnnxFile input;
  input.output("y");
  EXPECT_EQ(input.message(), "\"test.onnx\": has no input");
}

TEST(OnnxRefusal, OfOpsetsOutsideTheRange) {
  for (const std::int64_t opset : {6, 22}) {
    OnnxFile file = picture_to_y(opset);
    file.node("Relu", {"x"}, "y");
    EXPECT_EQ(file.message(),
              "\"test.onnx\": opset is " + std::to_string(opset) + ", allowed 7 to 21; export it again with opset 13");
  }
}

TEST(OnnxRefusal, OfFilesThatAreNoOnnx) {
  const auto message = [](const std::string& bytes) {
    const auto graph = nn::parse_onnx(std::as_bytes(std::span(bytes)), "test.onnx");
    return graph ? std::string("loaded") : graph.error().message;
  };
  EXPECT_EQ(message(""), "\"test.onnx\": is empty");
  EXPECT_EQ(message("\x89PNG\r\n\x1a\n and so on"),
            "\"test.onnx\": is no complete ONNX file: cut off, damaged or of another format (18 bytes)");
  EXPECT_EQ(message(std::string("\x08\x07", 2)), "\"test.onnx\": holds no graph: not an ONNX model");
}

TEST(OnnxRefusal, OfSizesThatAreAbsurd) {
  OnnxFile sum = picture_to_y();
  sum.integers("none", {}).integers("one", {1});
  sum.node("Add", {"none", "one"}, "target");
  sum.node("Reshape", {"x", "target"}, "y");
  EXPECT_EQ(sum.message(), "\"test.onnx\": node \"node_target\" (Add) takes integer tensors of different lengths");
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  OnnxFile numbers = picture_to_y();
  numbers.integers("shape", {huge, huge, -1}).integers("row", {1, 2, 3});
  numbers.node("Reshape", {"row", "shape"}, "target");
  numbers.node("Reshape", {"x", "target"}, "y");
  EXPECT_EQ(numbers.message(), "\"test.onnx\": node \"node_target\" (Reshape) does not fit its input of shape 3");
  OnnxFile filled = picture_to_y();
  filled.integers("shape", {huge, 2, 2});
  filled.node("ConstantOfShape", {"shape"}, "target");
  filled.node("Reshape", {"x", "target"}, "y");
  EXPECT_EQ(filled.message(),
            "\"test.onnx\": node \"node_target\" (ConstantOfShape) is supported for small integer tensors only");
  OnnxFile input;
  input.input("x", {1, huge, 8, 8}).output("y");
  input.node("Relu", {"x"}, "y");
  EXPECT_EQ(input.message(), "\"test.onnx\": input \"x\" has an impossible extent 4611686018427387904");
}

// Nothing but a refusal (or a graph) may come of damaged files: no crash, no exception.
TEST(OnnxRefusal, SurvivesEveryCutAndManyDamagedBytes) {
  OnnxFile file = picture_to_y();
  file.weights("w", {4, 3, 3, 3}, std::vector<float>(108, 0.5f));
  file.integers("shape", {-1, 1, 0, 0}).integers("back", {-1, 16, 0, 0});
  set(file.node("Conv", {"x", "w"}, "a"), "pads", std::vector<std::int64_t>{1, 1, 1, 1});
  file.node("Reshape", {"a", "shape"}, "b");
  set(file.node("SpaceToDepth", {"b"}, "c"), "blocksize", std::int64_t{2});
  file.node("Reshape", {"c", "back"}, "y");
  ASSERT_EQ(file.message(), "loaded");
  const std::string bytes = file.bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto graph = nn::parse_onnx(std::as_bytes(std::span(bytes).first(size)), "cut");
    EXPECT_FALSE(graph.ok()) << "cut after " << size << " of " << bytes.size() << " bytes";
  }
  std::mt19937 random(1);
  int refused = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    std::string damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto graph = nn::parse_onnx(std::as_bytes(std::span(damaged)), "damaged");
    if (!graph)
      ++refused;
    else
      (void)nn::infer_shapes(*graph, std::vector<Dims>(graph->inputs.size(), Dims{1, 3, 8, 8})).ok();
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace latentflow

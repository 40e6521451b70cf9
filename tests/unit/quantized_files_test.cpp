// quantized_files_test.cpp: how other programs spell quantization, and what of it is refused by name.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "nn/quantization.h"
#include "support/onnx_file.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::OnnxFile;

onnx::TensorProto& bytes(OnnxFile& file, const std::string& name, const std::vector<std::int64_t>& dims,
                         const std::vector<int>& values, int type = onnx::TensorProto::INT8) {
  onnx::TensorProto& tensor = *file.graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const std::int64_t extent : dims) tensor.add_dims(extent);
  for (const int value : values) tensor.add_int32_data(value);
  return tensor;
}

/// x -> QuantizeLinear -> DequantizeLinear -> y with this scale.
OnnxFile pair(float scale) {
  OnnxFile file;
  file.input("x", {1, 2, 4, 4}).output("y");
  file.weights("s", {}, {scale});
  bytes(file, "z", {}, {3}, onnx::TensorProto::UINT8);
  file.node("QuantizeLinear", {"x", "s", "z"}, "q");
  file.node("DequantizeLinear", {"q", "s", "z"}, "y");
  return file;
}

TEST(QuantizedFiles, APairIsOneOperator) {
  const auto graph = pair(0.5f).load();
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->nodes.size(), 1u);
  EXPECT_EQ(graph->nodes[0].as<QuantizeAttributes>(), (QuantizeAttributes{{0.5f}, {3}, 1, false}));
}

TEST(QuantizedFiles, WeightsAndBiasBecomeNumbers) {
  OnnxFile file;
  file.input("x", {1, 2, 4, 4}).output("y");
  bytes(file, "w", {2, 2, 1, 1}, {-128, 127, 3, 4});
  file.weights("s", {2}, {0.5f, 0.25f});
  bytes(file, "z", {2}, {0, 0});
  bytes(file, "b", {2}, {1000, -7}, onnx::TensorProto::INT32);
  file.weights("bs", {2}, {0.125f, 1.0f});
  testing::set(file.node("DequantizeLinear", {"w", "s", "z"}, "weights"), "axis", std::int64_t{0});
  file.node("DequantizeLinear", {"b", "bs"}, "bias");
  file.node("Conv", {"x", "weights", "bias"}, "y");
  const auto graph = file.load();
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->nodes.size(), 1u);
  const ValueInfo& weights = graph->value(graph->nodes[0].inputs[1]);
  EXPECT_EQ(weights.grid->scales, (std::vector<float>{0.5f, 0.25f}));
  EXPECT_EQ(weights.constant->span()[0], -64.0f);
  EXPECT_EQ(weights.constant->span()[3], 1.0f);
  const Tensor& bias = *graph->value(graph->nodes[0].inputs[2]).constant;
  EXPECT_EQ(bias.span()[0], 125.0f);
  EXPECT_EQ(bias.span()[1], -7.0f);
}

TEST(QuantizedFiles, BrokenScalesAreRefused) {
  for (const float scale : {0.0f, -1.0f, 1e-42f}) {
    const std::string message = pair(scale).message();
    EXPECT_NE(message.find("node_q"), std::string::npos) << message;
    EXPECT_NE(message.find("scale"), std::string::npos) << message;
  }
  EXPECT_NE(pair(std::numeric_limits<float>::quiet_NaN()).message().find("\"s\""), std::string::npos);
}

TEST(QuantizedFiles, OtherSpellingsAreRefusedByName) {
  OnnxFile other = pair(0.5f);
  other.weights("t", {}, {0.75f});
  other.graph().mutable_node(1)->set_input(1, "t");
  EXPECT_NE(other.message().find("another scale"), std::string::npos) << other.message();

  OnnxFile alone;
  alone.input("x", {1, 2, 4, 4}).output("y");
  alone.weights("s", {}, {0.5f});
  alone.node("QuantizeLinear", {"x", "s"}, "q");
  alone.node("Relu", {"q"}, "y");
  EXPECT_NE(alone.message().find("node_q"), std::string::npos) << alone.message();

  OnnxFile blocks = pair(0.5f);
  testing::set(*blocks.graph().mutable_node(0), "block_size", std::int64_t{16});
  EXPECT_NE(blocks.message().find("block_size"), std::string::npos) << blocks.message();

  OnnxFile wide = pair(0.5f);
  wide.graph().mutable_initializer(1)->set_data_type(onnx::TensorProto::UINT16);
  EXPECT_NE(wide.message().find("UINT16"), std::string::npos) << wide.message();
}

}  // namespace
}  // namespace latentflow

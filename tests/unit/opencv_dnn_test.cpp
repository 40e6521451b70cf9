// opencv_dnn_test.cpp: exported networks give in OpenCV DNN, which nobody here wrote, what they give here.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <opencv2/dnn.hpp>

#include "nn/network.h"
#include "nn/onnx_export.h"
#include "nn/onnx_import.h"
#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::Builder;
using testing::largest_difference;
using testing::plain_denoiser;
using testing::residual_unet;
using testing::value_range;

Tensor run_in_opencv(const Graph& graph, const std::vector<Tensor>& inputs) {
  const auto bytes = serialize_onnx(graph);
  if (!bytes) throw std::runtime_error(bytes.error().message);
  cv::dnn::Net net = cv::dnn::readNetFromONNX(bytes->data(), bytes->size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<int> sizes(inputs[i].dims().begin(), inputs[i].dims().end());
    const cv::Mat blob(sizes, CV_32F, const_cast<float*>(inputs[i].data()));
    net.setInput(blob, graph.value(graph.inputs[i]).name);
  }
  const cv::Mat output = net.forward();
  const Dims dims(output.size.p, output.size.p + output.dims);
  return Tensor::from(dims, {output.ptr<float>(), output.total()});
}

void expect_as_opencv(Builder b) {
  const std::vector<Tensor> inputs = b.inputs();
  const Tensor expected = run_in_opencv(b.graph, inputs);
  for (const Winograd winograd : {Winograd::off, Winograd::on}) {
    const auto network = Network::create(b.graph, {winograd});
    ASSERT_TRUE(network.ok()) << network.error().message;
    const auto outputs = (*network)->run(inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    EXPECT_LE(largest_difference(outputs->front(), expected), 1e-4 * value_range(expected));
    TileOptions options;
    options.side = 40;
    const auto tiled = (*network)->run_tiled(inputs, options);
    ASSERT_TRUE(tiled.ok()) << tiled.error().message;
    EXPECT_LE(largest_difference(tiled->front(), expected), 1e-4 * value_range(expected)) << "in tiles";
  }
}

TEST(OpenCv, AgreesOnAPlainDenoiser) { expect_as_opencv(plain_denoiser({1, 1, 61, 74})); }

TEST(OpenCv, AgreesOnAColourDenoiserOfOddWidth) { expect_as_opencv(plain_denoiser({1, 3, 45, 50}, 24, 4)); }

TEST(OpenCv, AgreesOnConvolutionsOfManyKinds) {
  Builder b;
  ValueId x = b.node(Op::leaky_relu, {b.conv(b.input({1, 3, 40, 48}), 3, 16, 5)}, LeakyReluAttributes{0.2f});
  const ValueId wide = b.graph.add_node(Op::conv, "dilated", {x, b.constant({16, 16, 3, 3})},
                                        ConvAttributes{{3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}, 1, {0, 0}});
  const ValueId grouped = b.graph.add_node(Op::conv, "grouped", {wide, b.constant({32, 8, 3, 3}), b.constant({32})},
                                           ConvAttributes{{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 2, {0, 0}});
  const ValueId pooled = b.node(Op::max_pool, {grouped}, PoolAttributes{{2, 2}, {2, 2}, {0, 0, 0, 0}, false, false});
  const ValueId larger = b.up(b.node(Op::relu, {b.up(pooled, 32, 16)}), 16, 16);
  const ValueId joined = b.node(Op::concat, {larger, x}, ConcatAttributes{1});
  b.graph.outputs = {b.node(Op::sigmoid, {b.conv(joined, 32, 3, 3)})};
  expect_as_opencv(std::move(b));
}

TEST(OpenCv, AgreesOnResizing) {
  for (const ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear}) {
    Builder b;
    const ValueId x = b.conv(b.input({1, 3, 20, 26}), 3, 16, 3);
    // OpenCV 4.6 takes other nearest pixels than ONNX says unless the coordinates are asymmetric.
    const auto coordinates =
        mode == ResizeMode::nearest ? ResizeCoordinates::asymmetric : ResizeCoordinates::half_pixel;
    const ValueId larger =
        b.node(Op::resize, {x}, ResizeAttributes{mode, coordinates, NearestRounding::floor, {2, 2}, {0, 0}});
    b.graph.outputs = {b.conv(larger, 16, 3, 3)};
    expect_as_opencv(std::move(b));
  }
}

TEST(OpenCv, AgreesOnAnEncoderToAVector) {
  Builder b;
  const ValueId maps = b.node(Op::tanh, {b.conv(b.input({1, 1, 16, 16}), 1, 8, 2, 2)});
  const ValueId flat = b.node(Op::flatten, {maps}, FlattenAttributes{1});
  b.graph.outputs = {
      b.node(Op::gemm, {flat, b.constant({10, 512}), b.constant({10})}, GemmAttributes{1, 1, false, true})};
  expect_as_opencv(std::move(b));
}

// Files that nobody here wrote are not part of the repository: LATENTFLOW_TEST_MODELS=FOLDER compares all in a folder.
TEST(OpenCv, AgreesOnTheFilesOfAFolder) {
  const char* folder = std::getenv("LATENTFLOW_TEST_MODELS");
  if (folder == nullptr) GTEST_SKIP() << "LATENTFLOW_TEST_MODELS is not set";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    SCOPED_TRACE(entry.path().string());
    Result<Graph> graph = load_onnx(entry.path());
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    ASSERT_EQ(graph->inputs.size(), 1u);
    Dims dims = graph->value(graph->inputs[0]).dims;
    ASSERT_EQ(dims.size(), 4u);
    dims[0] = 1, dims[2] = 120, dims[3] = 150;
    Tensor picture(dims);
    float step = 0;
    for (float& value : picture.mutable_span())
      value = 0.5f + 0.4f * std::sin(0.05f * step) + 0.1f * std::sin(1.7f * step * step), ++step;
    cv::dnn::Net net = cv::dnn::readNetFromONNX(entry.path().string());
    net.setInput(cv::Mat(std::vector<int>(dims.begin(), dims.end()), CV_32F, picture.mutable_data()));
    const cv::Mat output = net.forward();
    const Tensor expected =
        Tensor::from(Dims(output.size.p, output.size.p + output.dims), {output.ptr<float>(), output.total()});
    for (const Winograd winograd : {Winograd::off, Winograd::on}) {
      const auto network = Network::create(*graph, {winograd});
      ASSERT_TRUE(network.ok()) << network.error().message;
      TileOptions tiles;
      tiles.side = 64;
      const auto whole = (*network)->run(std::vector<Tensor>{picture});
      const auto tiled = (*network)->run_tiled(std::vector<Tensor>{picture}, tiles);
      ASSERT_TRUE(whole.ok() && tiled.ok());
      const double range = value_range(expected);
      const double difference = largest_difference(whole->front(), expected),
                   in_tiles = largest_difference(tiled->front(), expected);
      std::printf("%s, Winograd %s: %.1e of the range whole, %.1e in tiles\n", entry.path().filename().c_str(),
                  winograd == Winograd::on ? "on" : "off", difference / range, in_tiles / range);
      EXPECT_LE(difference, 1e-4 * range);
      EXPECT_LE(in_tiles, 1e-4 * range);
    }
    ++count;
  }
  EXPECT_GT(count, 0) << "no .onnx files in " << folder;
}

TEST(OpenCv, AgreesOnAResidualUnet) { expect_as_opencv(residual_unet({1, 3, 48, 64})); }

}  // namespace
}  // namespace latentflow

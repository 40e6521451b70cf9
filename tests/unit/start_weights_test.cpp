// start_weights_test.cpp: a network that starts from a trained one computes what that one does.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "nn/model_card.h"
#include "nn/network.h"
#include "nn/onnx_export.h"
#include "support/temporary_folder.h"
#include "train/model_file.h"
#include "train/networks.h"
#include "train/start_weights.h"

namespace latentflow::train {
namespace {

NetworkRecipe small(bool color = true, std::vector<std::int64_t> channels = {16, 16},
                    std::vector<std::int64_t> blocks = {1, 1}) {
  NetworkRecipe recipe;
  recipe.color = color, recipe.channels = std::move(channels), recipe.blocks = std::move(blocks);
  recipe.last_gain = 1;
  return recipe;
}

/// Something like a picture, of one plane.
Tensor plane() {
  Tensor tensor({1, 1, 24, 16});
  float at = 0;
  for (float& value : tensor.mutable_span()) value = 0.5f + 0.5f * std::sin(at += 0.7f);
  return tensor;
}

/// The plane beside itself in other orders, so that channels differ.
Tensor colors() {
  Tensor tensor({1, 3, 24, 16});
  float* values = tensor.mutable_data();
  for (std::int64_t i = 0; i < tensor.size(); ++i) values[i] = plane().data()[(i * (1 + i / 384)) % 384];
  return tensor;
}

Tensor repeated(const Tensor& plane) {
  Tensor tensor({1, 3, 24, 16});
  for (int c = 0; c < 3; ++c) std::copy_n(plane.data(), 384, tensor.mutable_data() + c * 384);
  return tensor;
}

Tensor output(const nn::Graph& graph, const Tensor& image) {
  // Layers of another width might take another algorithm, with another rounding.
  const auto network = nn::Network::create(graph, {nn::Winograd::off});
  EXPECT_TRUE(network.ok());
  return (*(*network)->run(std::vector<Tensor>{image, Tensor::filled({1, 1, 24, 16}, 0.1f)}))[0];
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  return largest;
}

TEST(StartWeights, MoreChannelsAndBlocksComputeTheSame) {
  const nn::Graph trained = *build_network(small(), 1);
  const NetworkRecipe larger = small(true, {32, 48}, {2, 1});
  nn::Graph graph = *build_network(larger, 2);
  EXPECT_GT(largest_difference(output(graph, colors()), output(trained, colors())), 0.05);
  const Status status = start_weights(trained, true, larger, graph);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_LT(largest_difference(output(graph, colors()), output(trained, colors())), 1e-5);
}

TEST(StartWeights, NewChannelsHaveSomethingToLearnFrom) {
  const nn::Graph trained = *build_network(small(), 1);
  const NetworkRecipe larger = small(true, {32, 32});
  const nn::Graph drawn = *build_network(larger, 2);
  nn::Graph graph = drawn;
  ASSERT_TRUE(start_weights(trained, true, larger, graph).ok());
  // Row 16 on is new: what it makes of the input is drawn, not zero.
  const nn::Node& head =
      *std::find_if(graph.nodes.begin(), graph.nodes.end(), [](const nn::Node& node) { return node.name == "head"; });
  const Tensor &now = *graph.value(head.inputs[1]).constant, &before = *drawn.value(head.inputs[1]).constant;
  const std::int64_t half = now.size() / 2;
  EXPECT_TRUE(std::equal(now.data() + half, now.data() + now.size(), before.data() + half));
  EXPECT_FALSE(std::equal(now.data(), now.data() + half, before.data()));
}

TEST(StartWeights, AGreyNetworkComputesTheMeanOfThePlanes) {
  const nn::Graph trained = *build_network(small(), 1);
  const NetworkRecipe gray = small(false, {32, 16});
  nn::Graph graph = *build_network(gray, 2);
  const Status status = start_weights(trained, true, gray, graph);
  ASSERT_TRUE(status.ok()) << status.error().message;
  const Tensor of_colors = output(trained, repeated(plane())), of_gray = output(graph, plane());
  Tensor mean = Tensor::filled({1, 1, 24, 16}, 0);
  for (std::int64_t i = 0; i < of_colors.size(); ++i) mean.mutable_data()[i % 384] += of_colors.data()[i] / 3;
  EXPECT_GT(largest_difference(of_gray, plane()), 0.05);
  EXPECT_LT(largest_difference(of_gray, mean), 1e-5);
}

TEST(StartWeights, WhatDoesNotFitIsRefusedByName) {
  const auto refusal = [](const NetworkRecipe& from, const NetworkRecipe& to) {
    nn::Graph graph = *build_network(to, 2);
    const Status status = start_weights(*build_network(from, 1), from.color, to, graph);
    return status ? std::string() : status.error().message;
  };
  EXPECT_EQ(refusal(small(true, {32, 32}), small()),
            "the weights of its layer \"head\" are 32x16x3x3, here they are 16x16x3x3");
  EXPECT_EQ(refusal(small(), small(true, {16, 16, 16}, {1, 1, 1})), "it has no layer \"down1\"");
  EXPECT_EQ(refusal(small(true, {16, 16}, {2, 1}), small()), "it has 14 convolutions, of which this network has 10");
  EXPECT_EQ(refusal(small(false), small()), "it takes grey pictures, this network colours");
}

TEST(StartWeights, AnotherInputIsRefusedAndNotTakenForMoreChannels) {
  for (const bool map_before : {false, true})
    for (const bool to_color : {false, true}) {
      NetworkRecipe from = small(), to = small(to_color, {32, 32});
      from.noise_map = map_before, to.noise_map = !map_before;
      nn::Graph graph = *build_network(to, 2);
      const Status status = start_weights(*build_network(from, 1), true, to, graph);
      ASSERT_FALSE(status.ok()) << map_before << to_color;
      EXPECT_NE(status.error().message.find("its layer \"head\""), std::string::npos) << status.error().message;
    }
}

TEST(StartWeights, BiasesAreNotDropped) {
  nn::Graph trained = *build_network(small(), 1), graph = *build_network(small(), 2);
  for (nn::Node& node : trained.nodes)
    if (node.name == "bottom_0a") node.inputs.push_back(trained.add_constant("bias", Tensor::filled({16}, 1)));
  const Status status = start_weights(trained, true, small(), graph);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("\"bottom_0a\" has a bias"), std::string::npos) << status.error().message;
}

TEST(StartWeights, LayersOfBlocksAreToldByTheirNames) {
  for (const char* name : {"encoder0_0a", "bottom_12b"}) EXPECT_TRUE(is_block_layer(name)) << name;
  for (const char* name : {"head", "from_code", "code", "down0", "tail", "encoder0_0_sum"})
    EXPECT_FALSE(is_block_layer(name)) << name;
  EXPECT_TRUE(ends_block("bottom_12b"));
  EXPECT_FALSE(ends_block("bottom_12a"));
}

TEST(StartWeights, AFileOfAnotherTaskIsRefused) {
  const test::TemporaryFolder folder;
  Recipe inpainter;
  inpainter.model = "inpainter", inpainter.task = Task::inpaint, inpainter.network = small();
  inpainter.network.noise_map = false, inpainter.network.mask = true;
  const std::filesystem::path file = folder.path() / "inpainter.onnx";
  ASSERT_TRUE(save_model(*build_network(inpainter.network, 1), inpainter, {}, file).ok());
  Recipe denoiser;
  denoiser.network = small();
  nn::Graph graph = *build_network(denoiser.network, 1);
  const Result<std::string> started = start_from(file, denoiser, graph);
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message.find("its task is 'inpaint', here it is 'denoise'"), std::string::npos)
      << started.error().message;
  const Result<std::string> same = start_from(file, inpainter, graph = *build_network(inpainter.network, 2));
  ASSERT_TRUE(same.ok()) << same.error().message;
  EXPECT_EQ(same->rfind("inpainter.onnx (weights ", 0), 0u) << *same;
}

TEST(StartWeights, ThoseOfAFileOfFloat16AreCalledRounded) {
  const test::TemporaryFolder folder;
  Recipe recipe;
  recipe.network = small();
  const auto started_from = [&](const nn::Graph& trained) {
    const std::filesystem::path file = folder.path() / "trained.onnx";
    EXPECT_TRUE(save_model(trained, recipe, {}, file).ok());
    nn::Graph graph = *build_network(recipe.network, 2);
    const Result<std::string> started = start_from(file, recipe, graph);
    EXPECT_TRUE(started.ok()) << started.error().message;
    return *started;
  };
  nn::Graph trained = *build_network(recipe.network, 1);
  EXPECT_EQ(started_from(trained), "trained.onnx (weights " + nn::weights_sha256(trained).substr(0, 12) + ")");
  ASSERT_TRUE(nn::half_weights(trained).ok());
  EXPECT_EQ(started_from(trained),
            "trained.onnx (weights " + nn::weights_sha256(trained).substr(0, 12) + ", rounded to float16)");
}

}  // namespace
}  // namespace latentflow::train

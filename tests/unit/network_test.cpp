// network_test.cpp: whole networks: fusion, layouts, shared buffers, threads, errors.
#include "nn/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::Builder;
using testing::largest_difference;
using testing::plain_denoiser;
using testing::random_tensor;
using testing::residual_unet;
using testing::value_range;

std::shared_ptr<const Network> network_of(const Graph& graph, Winograd winograd = Winograd::automatic) {
  auto network = Network::create(graph, {winograd});
  EXPECT_TRUE(network.ok()) << network.error().message;
  return *network;
}

void expect_as_reference(const Graph& graph, const std::vector<Tensor>& inputs) {
  const std::vector<Tensor> expected = testing::reference_run(graph, inputs);
  for (const Winograd winograd : {Winograd::off, Winograd::on, Winograd::automatic}) {
    const auto outputs = network_of(graph, winograd)->run(inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.error().message;
    ASSERT_EQ(outputs->size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LE(largest_difference((*outputs)[i], expected[i]), 1e-5 * value_range(expected[i])) << "output " << i;
  }
}

std::vector<LayerReport> layers_of(const Graph& graph, const std::vector<Tensor>& inputs,
                                   Winograd winograd = Winograd::automatic) {
  const auto network = network_of(graph, winograd);
  EXPECT_TRUE(network->run(inputs).ok());
  return network->work().layers;
}

TEST(Networks, ResidualUnetAgreesWithPlainLoops) {
  Builder b = residual_unet({1, 3, 36, 44});
  expect_as_reference(b.graph, b.inputs());
}

TEST(Networks, BatchesAgreeWithPlainLoops) {
  Builder b = residual_unet({3, 1, 20, 12});
  expect_as_reference(b.graph, b.inputs());
}

TEST(Networks, PlainDenoiserAgreesWithPlainLoops) {
  Builder b = plain_denoiser({1, 1, 33, 47});
  expect_as_reference(b.graph, b.inputs());
}

/// Between convolutions every operator meets channel-blocked values, some with channels that fill no whole block.
TEST(Networks, OperatorsAgreeWithPlainLoopsBetweenConvolutions) {
  const std::vector<std::pair<Op, Attributes>> operators{
      {Op::sigmoid, {}},
      {Op::tanh, {}},
      {Op::leaky_relu, LeakyReluAttributes{0.3f}},
      {Op::clip, ClipAttributes{0.25f, 0.75f}},
      {Op::max_pool, PoolAttributes{{2, 2}, {2, 2}, {0, 0, 0, 0}, false, false}},
      {Op::average_pool, PoolAttributes{{3, 3}, {2, 2}, {1, 1, 1, 1}, false, true}},
      {Op::average_pool, PoolAttributes{{3, 3}, {2, 2}, {1, 1, 1, 1}, true, true}},
      {Op::pad, PadAttributes{PadMode::reflect, {0, 0, 1, 2}, {0, 0, 2, 1}, 0}},
      {Op::pad, PadAttributes{PadMode::constant, {0, 0, 1, 2}, {0, 0, 2, 1}, 3.0f}},
      {Op::slice, SliceAttributes{{0, 0, 1, 2}, {9, 99, 9, 99}, {1, 1, 2, 1}}},
      {Op::resize,
       ResizeAttributes{ResizeMode::nearest, ResizeCoordinates::asymmetric, NearestRounding::floor, {2, 2}, {0, 0}}},
      {Op::resize,
       ResizeAttributes{ResizeMode::linear, ResizeCoordinates::half_pixel, NearestRounding::floor, {2, 2}, {0, 0}}},
      {Op::global_average_pool, {}},
  };
  for (const std::int64_t channels : {16, 20, 3})
    for (const auto& [op, attributes] : operators) {
      SCOPED_TRACE(std::string(to_string(op)) + " on " + std::to_string(channels) + " channels");
      Builder b;
      // The residual sum keeps the operator from being fused into the convolution.
      const ValueId first = b.conv(b.input({2, 3, 10, 14}), 3, channels, 3);
      const ValueId second = b.node(op, {first}, attributes);
      b.graph.outputs = {b.conv(second, channels, 16, 1), first};
      expect_as_reference(b.graph, b.inputs());
    }
}

TEST(Networks, BatchNormalizationBetweenConvolutionsAgreesWithPlainLoops) {
  Builder b;
  const ValueId first = b.conv(b.input({1, 3, 9, 11}), 3, 20, 3);
  std::vector<ValueId> inputs{b.node(Op::relu, {first})};
  for (int i = 0; i < 4; ++i) {
    Tensor constant = random_tensor({20}, b.generator);
    for (float& value : constant.mutable_span()) value = 1.5f + value;
    inputs.push_back(b.graph.add_constant(std::string("bn").append(std::to_string(i)), constant));
  }
  const ValueId normal = b.node(Op::batch_normalization, inputs, BatchNormalizationAttributes{1e-3f});
  b.graph.outputs = {b.conv(normal, 20, 5, 1)};
  expect_as_reference(b.graph, b.inputs());
}

TEST(Networks, EncoderToVectorAndBackAgreesWithPlainLoops) {
  Builder b;
  const ValueId maps = b.node(Op::leaky_relu, {b.conv(b.input({2, 1, 12, 12}), 1, 8, 2, 2)}, LeakyReluAttributes{0.1f});
  const ValueId flat = b.node(Op::flatten, {maps}, FlattenAttributes{1});
  const ValueId down = b.graph.add_constant("down", random_tensor({8 * 36, 10}, b.generator));
  const ValueId up = b.graph.add_constant("up", random_tensor({8 * 36, 10}, b.generator));
  const ValueId code = b.node(Op::gemm, {flat, down}, GemmAttributes{});
  const ValueId wide = b.node(Op::gemm, {code, up}, GemmAttributes{1.0f, 1.0f, false, true});
  const ValueId back = b.node(Op::reshape, {wide}, ReshapeAttributes{{0, 8, 6, 6}});
  b.graph.outputs = {code, b.node(Op::sigmoid, {b.up(back, 8, 1)})};
  expect_as_reference(b.graph, b.inputs());
}

TEST(Networks, AnOutputThatIsAlsoUsedLaterKeepsItsValue) {
  Builder b;
  const ValueId first = b.conv(b.input({1, 16, 8, 8}), 16, 16, 3);
  const ValueId relu = b.node(Op::relu, {first});
  const ValueId shaped = b.node(Op::reshape, {relu}, ReshapeAttributes{{1, 16, 64}});
  b.graph.outputs = {first, relu, shaped, b.conv(relu, 16, 16, 3), first};
  expect_as_reference(b.graph, b.inputs());
}

TEST(Networks, AnInputCanBeAnOutput) {
  Builder b;
  const ValueId input = b.input({1, 2, 3, 4});
  b.graph.outputs = {input, b.node(Op::relu, {input})};
  expect_as_reference(b.graph, b.inputs());
}

TEST(Networks, ASumWhoseOperandsAreNeededLaterAgreesWithPlainLoops) {
  Builder b;
  const ValueId x = b.conv(b.input({1, 3, 12, 12}), 3, 16, 3);
  const ValueId one = b.conv(x, 16, 16, 3), two = b.conv(x, 16, 16, 3);
  const ValueId sum = b.node(Op::relu, {b.node(Op::add, {one, two})});
  const ValueId self = b.node(Op::add, {b.conv(sum, 16, 16, 1), sum});
  b.graph.outputs = {b.node(Op::add, {self, two}), b.node(Op::add, {sum, sum})};
  expect_as_reference(b.graph, b.inputs());
}

TEST(Fusion, ConvolutionsTakeOverSumsAndActivations) {
  Builder b = residual_unet({1, 3, 16, 16});
  std::vector<std::string> separate;
  int sums = 0, activations = 0;
  for (const LayerReport& layer : layers_of(b.graph, b.inputs(), Winograd::off)) {
    if (layer.op != "Conv" && layer.op != "ConvTranspose") separate.push_back(layer.op);
    sums += layer.fused.find("+sum") != std::string::npos;
    activations += layer.fused.find("+Relu") != std::string::npos;
  }
  // Two skips of blocks below, one in the decoder and the additive skip between the levels; the block at the top feeds
  // that skip too, so its sum can still overwrite.
  EXPECT_EQ(activations, 4);
  EXPECT_EQ(sums, 5);
  EXPECT_EQ(std::count(separate.begin(), separate.end(), "Relu"), 0);
  EXPECT_EQ(std::count(separate.begin(), separate.end(), "Add"), 1);  // the input picture must not be overwritten
}

TEST(Plans, BlockedValuesPassBetweenConvolutionsWithoutReorders) {
  if (!onednn::runs(dnnl::cpu_isa::avx2)) GTEST_SKIP() << "older processors mix layouts";
  Builder b = plain_denoiser({1, 1, 32, 32});
  for (const LayerReport& layer : layers_of(b.graph, b.inputs())) EXPECT_NE(layer.op, "reorder") << layer.name;
}

TEST(Plans, BuffersAreSharedBetweenLayers) {
  Builder b;
  ValueId x = b.input({1, 16, 64, 64});
  for (int i = 0; i < 10; ++i) x = b.conv(x, 16, 16, 1);
  b.graph.outputs = {x};
  const std::vector<Dims> dims{{1, 16, 64, 64}};
  const auto bytes = network_of(b.graph)->working_bytes(dims);
  ASSERT_TRUE(bytes.ok());
  EXPECT_LE(*bytes, 5u * 16 * 64 * 64 * sizeof(float));
  EXPECT_GE(*bytes, 3u * 16 * 64 * 64 * sizeof(float));
}

TEST(Plans, WinogradIsTakenWhenAskedFor) {
  Builder b = plain_denoiser({1, 1, 32, 32});
  const auto inputs = b.inputs();
  const auto count = [&](Winograd winograd) {
    const auto layers = layers_of(b.graph, inputs, winograd);
    return std::count_if(layers.begin(), layers.end(),
                         [](const auto& layer) { return layer.algorithm.starts_with("winograd "); });
  };
  EXPECT_GE(count(Winograd::on), 3);
  EXPECT_EQ(count(Winograd::off), 0);
}

TEST(Networks, ThreadsRunningTheSameNetworkGetIdenticalResults) {
  Builder b = residual_unet({1, 3, 32, 32});
  const auto inputs = b.inputs();
  const auto network = network_of(b.graph);
  std::vector<Tensor> outputs(6);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round)
        if (const auto result = network->run(inputs); result) outputs[i] = result->front();
    });
  for (std::thread& thread : threads) thread.join();
  ASSERT_FALSE(outputs[0].empty());
  for (const Tensor& output : outputs) EXPECT_EQ(largest_difference(output, outputs[0]), 0);
  EXPECT_EQ(network->work().runs, 30u);
}

TEST(Networks, ManyShapesFollowEachOther) {
  Builder b = plain_denoiser({1, 1, -1, -1});
  const auto network = network_of(b.graph);
  for (int round = 0; round < 2; ++round)
    for (std::int64_t side = 5; side < 17; ++side) {
      const Tensor input = random_tensor({1, 1, side, side + 2}, b.generator);
      const auto outputs = network->run(std::vector{input});
      ASSERT_TRUE(outputs.ok()) << outputs.error().message;
      EXPECT_LE(largest_difference(outputs->front(), testing::reference_run(b.graph, {input}).front()), 1e-4);
    }
}

void expect_tiled_as_whole(Builder& b, const std::vector<Tensor>& inputs, std::int64_t small_side) {
  const auto network = network_of(b.graph);
  ASSERT_TRUE(network->tile_geometry().has_value());
  const auto whole = network->run(inputs);
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  for (const bool parallel : {false, true})
    for (const std::int64_t side : {small_side, 2 * small_side, std::int64_t{0}}) {
      TileOptions options;
      options.side = side;
      options.parallel = parallel;
      options.bytes_per_tile = 400'000;  // forces several tiles where the network chooses
      const auto tiled = network->run_tiled(inputs, options);
      ASSERT_TRUE(tiled.ok()) << tiled.error().message;
      EXPECT_LE(largest_difference(tiled->front(), whole->front()), 1e-5 * value_range(whole->front()))
          << "tiles of " << side;
    }
}

TEST(Tiles, OfAPlainDenoiserAgreeWithTheWhole) {
  Builder b = plain_denoiser({1, 1, 97, 131});
  expect_tiled_as_whole(b, b.inputs(), 30);
}

TEST(Tiles, OfAResidualUnetAgreeWithTheWhole) {
  Builder b = residual_unet({1, 3, 148, 196});
  expect_tiled_as_whole(b, b.inputs(), 100);
}

TEST(Tiles, TakeOneNumberPerPictureWhole) {
  Builder b;
  const ValueId picture = b.input({1, 3, -1, -1}), level = b.input({1, 1, 1, 1});
  b.graph.outputs = {b.conv(b.node(Op::mul, {b.conv(picture, 3, 16, 5), level}), 16, 3, 3)};
  expect_tiled_as_whole(b, {random_tensor({1, 3, 70, 90}, b.generator), random_tensor({1, 1, 1, 1}, b.generator)}, 24);
}

TEST(Tiles, OfNetworksThatSeeTheWholePictureAreThePicture) {
  Builder b;
  const ValueId maps = b.conv(b.input({1, 3, 40, 50}), 3, 16, 3);
  b.graph.outputs = {b.node(Op::mul, {maps, b.node(Op::global_average_pool, {maps})})};
  const auto inputs = b.inputs();
  const auto network = network_of(b.graph);
  EXPECT_FALSE(network->tile_geometry().has_value());
  const auto whole = network->run(inputs), tiled = network->run_tiled(inputs, {16});
  ASSERT_TRUE(whole.ok() && tiled.ok());
  EXPECT_EQ(largest_difference(tiled->front(), whole->front()), 0);
}

TEST(Tiles, AreOneWhereMemorySuffices) {
  const auto network = network_of(plain_denoiser({1, 1, 64, 64}).graph);
  TileOptions options;
  const auto count = [&](std::int64_t height, std::int64_t width) {
    const auto memory = network->tile_memory(std::vector<Dims>{{1, 1, height, width}}, options);
    return memory ? memory->tiles : 0;
  };
  EXPECT_EQ(count(100, 150), 1u);
  options.bytes_per_tile = 1 << 20;
  EXPECT_GT(count(200, 150), 1u);
  options.side = 90;
  EXPECT_GT(count(100, 150), 1u);
}

TEST(Tiles, AreChargedTheSameBeforeWeightsArePacked) {
  Builder b = plain_denoiser({1, 1, 64, 64});
  const auto network = network_of(b.graph);
  const auto memory = [&](std::int64_t side) {
    const auto found = network->tile_memory(std::vector<Dims>{{1, 1, side, side}}, {});
    EXPECT_TRUE(found.ok());
    return found ? std::pair(found->tile_bytes, found->weight_bytes()) : std::pair<std::size_t, std::size_t>();
  };
  const auto small = memory(64), large = memory(96);
  EXPECT_GT(small.second, 0u);
  EXPECT_GT(large.first, small.first);
  EXPECT_EQ(memory(64), small) << "remembered";
  const auto inputs = b.inputs();
  const auto first = network->run(inputs), other = network_of(b.graph)->run(inputs);  // nobody asked the other one
  ASSERT_TRUE(first.ok() && other.ok());
  EXPECT_EQ(memory(96), large);
  EXPECT_EQ(largest_difference(first->front(), other->front()), 0) << "what was only sized is not run";
}

TEST(Tiles, EndWithTheFirstError) {
  Builder b = plain_denoiser({1, 1, 64, 64});
  const auto network = network_of(b.graph);
  const auto read = [&](const Region& region) -> Result<std::vector<Tensor>> {
    if (region.y > 0) return io_error("the lower half is gone");
    return std::vector{Tensor::filled({1, 1, region.height, region.width}, 0.5f)};
  };
  const auto write = [](const Tile&, const std::vector<Tensor>&) { return success(); };
  const Status status = network->run_tiles(64, 64, {32}, read, write);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::io);
  const auto throwing = [](const Region&) -> Result<std::vector<Tensor>> { throw std::runtime_error("torn"); };
  const Status thrown = network->run_tiles(64, 64, {32}, throwing, write);
  ASSERT_FALSE(thrown.ok());
  EXPECT_EQ(thrown.error().code, Code::internal);
}

TEST(Tiles, ThatAreNotWantedAreNeitherReadNorWritten) {
  Builder b = plain_denoiser({1, 1, 64, 64});
  TileOptions options{32, false};
  std::vector<Region> read_regions, written;
  options.wanted = [](const Tile& tile) { return tile.output.x == 0 && tile.output.y == 0; };
  const auto read = [&](const Region& region) -> Result<std::vector<Tensor>> {
    read_regions.push_back(region);
    return std::vector{Tensor::filled({1, 1, region.height, region.width}, 0.5f)};
  };
  const auto write = [&](const Tile& tile, const std::vector<Tensor>&) {
    return written.push_back(tile.output), success();
  };
  ASSERT_TRUE(network_of(b.graph)->run_tiles(64, 64, options, read, write).ok());
  ASSERT_EQ(read_regions.size(), 1u);
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].x, 0);
  EXPECT_LT(written[0].width, 64);
}

TEST(Tiles, StopWhenCancelled) {
  Builder b = plain_denoiser({1, 1, 64, 64});
  TileOptions options{32};
  options.cancelled = [] { return true; };
  const auto result = network_of(b.graph)->run_tiled(b.inputs(), options);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::cancelled);
}

TEST(Tiles, NeedOutputsOfTheSameExtents) {
  Builder b;
  b.graph.outputs = {b.up(b.input({1, 3, 20, 20}), 3, 3)};
  const auto network = network_of(b.graph);
  const Tensor picture = random_tensor({1, 3, 20, 20}, b.generator);
  EXPECT_TRUE(network->run_tiled(std::vector{picture}).ok()) << "runs whole";
  const auto read = [&](const Region&) -> Result<std::vector<Tensor>> { return std::vector{picture}; };
  const auto write = [](const Tile&, const std::vector<Tensor>&) { return success(); };
  const Status status = network->run_tiles(20, 20, {}, read, write);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::unsupported);
}

TEST(Networks, ReportsTheWorkOfConvolutions) {
  Builder b = plain_denoiser({1, 1, 8, 10});
  const auto network = network_of(b.graph);
  ASSERT_TRUE(network->run(b.inputs()).ok());
  const WorkReport work = network->work();
  EXPECT_DOUBLE_EQ(work.convolution_flop, 2.0 * 80 * 9 * (32 + 3 * 32 * 32 + 32));
  EXPECT_GT(work.convolution_seconds, 0);
  EXPECT_EQ(work.layers.front().runs, 1u);
}

TEST(Networks, RefusesInputsThatDoNotFit) {
  Builder b = plain_denoiser({1, 1, 8, 8});
  const auto network = network_of(b.graph);
  const Tensor colour = random_tensor({1, 3, 8, 8}, b.generator);
  EXPECT_FALSE(network->run(std::vector{colour}).ok());
  EXPECT_FALSE(network->run({}).ok());
  EXPECT_FALSE(network->run(std::vector{Tensor()}).ok());
}

TEST(Networks, NameThemselvesInRefusals) {
  Builder b = plain_denoiser({1, 1, 8, 8});
  b.graph.name = "small";
  const auto refused = network_of(b.graph)->run(std::vector{random_tensor({1, 3, 8, 8}, b.generator)});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message.find("network \"small\": "), 0u) << refused.error().message;
}

TEST(Networks, RefusesWeightsThatAreComputed) {
  Builder b;
  const ValueId x = b.input({1, 4, 8, 8}), weights = b.input({4, 4, 3, 3});
  b.graph.outputs = {
      b.graph.add_node(Op::conv, "odd", {x, weights}, ConvAttributes{{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, {0, 0}})};
  const auto result = network_of(b.graph)->run(b.inputs());
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("'odd'"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace latentflow

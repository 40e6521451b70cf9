// tile_windows_test.cpp: layers of a tile leave out what nothing needs, and nothing depends on what lies there instead.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "nn/network.h"
#include "nn/tiling.h"
#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow::nn {
namespace {

using testing::Builder;
using testing::largest_difference;

/// Tiles of `side` give what the whole gives, also where arenas are full of what is no number.
void expect_windows_are_unseen(Builder& b, const std::vector<Tensor>& inputs, std::int64_t side) {
  const auto network = *Network::create(b.graph, {Winograd::on});
  ASSERT_TRUE(network->tile_geometry().has_value());
  const auto whole = network->run(inputs), first = network->run_tiled(inputs, {side});
  ASSERT_TRUE(whole.ok() && first.ok());
  EXPECT_LE(largest_difference(first->front(), whole->front()), 1e-5 * testing::value_range(whole->front()));
  const Dims picture = inputs[0].dims();
  const Region tile = cut(picture[2], picture[3], side, side, *network->tile_geometry())[0].input;
  std::vector<Tensor> torn;  // of a tile's extents, as a whole: every layer fills its place in the arena
  for (const Tensor& input : inputs) {
    Dims dims = input.dims();
    if (dims[2] == picture[2]) dims[2] = tile.height, dims[3] = tile.width;
    torn.push_back(Tensor::filled(dims, NAN));
  }
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(network->run(torn).ok());
  const auto second = network->run_tiled(inputs, {side});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(largest_difference(first->front(), second->front()), 0);
}

TEST(TileWindows, OfAResidualUnetAreUnseen) {
  Builder b = testing::residual_unet({1, 3, 148, 196});
  expect_windows_are_unseen(b, b.inputs(), 100);
}

TEST(TileWindows, AreNotTakenFromAnInputOfOnePixelThatMayHaveMore) {
  Builder b;
  const ValueId picture = b.input({1, 3, -1, -1}), level = b.input({1, 16, -1, -1});
  const ValueId scale = b.conv(b.conv(level, 16, 16, 1), 16, 3, 3);
  b.graph.outputs = {b.node(Op::add, {b.conv(b.conv(picture, 3, 16, 5), 16, 3, 3), scale})};
  expect_windows_are_unseen(
      b, {testing::random_tensor({1, 3, 90, 80}, b.generator), testing::random_tensor({1, 16, 1, 1}, b.generator)}, 40);
}

TEST(TileWindows, OfAnEnlargingNetworkAreUnseen) {
  for (const ResizeCoordinates coordinates : {ResizeCoordinates::asymmetric, ResizeCoordinates::half_pixel}) {
    Builder b;
    const ValueId picture = b.input({1, 16, -1, -1});
    const ValueId low = b.conv(b.conv(picture, 16, 16, 2, 2), 16, 16, 3);
    const ValueId high =
        b.node(Op::resize, {low},
               ResizeAttributes{ResizeMode::linear, coordinates, NearestRounding::round_prefer_floor, {2, 2}, {0, 0}});
    b.graph.outputs = {b.conv(high, 16, 16, 3)};
    expect_windows_are_unseen(b, {testing::random_tensor({1, 16, 120, 96}, b.generator)}, 40);
  }
}

TEST(TileWindows, WhatLayersLeaveOutIsNoWork) {
  constexpr std::int64_t height = 70, width = 90, channels = 16, side = 30;
  constexpr int inner = 2, layers = inner + 2;
  Builder b = testing::plain_denoiser({1, 1, height, width}, channels, inner);
  const auto network = *Network::create(b.graph, {Winograd::on});
  const std::vector<Tile> tiles = cut(height, width, side, side, *network->tile_geometry());
  ASSERT_GT(tiles.size(), 4u);
  // Every convolution needs a pixel more on all sides than the one behind it, up to the border of the picture.
  double wanted = 0, by_tile = 0;
  for (const Tile& tile : tiles) {
    for (int layer = 0; layer < layers; ++layer) {
      const std::int64_t margin = layers - 1 - layer;
      const auto extent = [&](std::int64_t from, std::int64_t count, std::int64_t length) {
        return std::min(from + count + margin, length) - std::max<std::int64_t>(from - margin, 0);
      };
      const std::int64_t pixels =
          extent(tile.output.y, tile.output.height, height) * extent(tile.output.x, tile.output.width, width);
      const bool end = layer == 0 || layer == layers - 1;
      wanted += static_cast<double>(2 * 9 * pixels * (end ? channels : channels * channels));
    }
    by_tile += network->tile_flop({Dims{1, 1, tile.input.height, tile.input.width}}, tile);
  }
  EXPECT_NEAR(by_tile, wanted, 1e-9 * wanted);
  ASSERT_TRUE(network->run_tiled(b.inputs(), {side}).ok());
  EXPECT_NEAR(network->work().convolution_flop, wanted, static_cast<double>(tiles.size()));  // rounded per tile
  EXPECT_EQ(network->tile_flop({Dims{1, 4, 8, 8}}, {{0, 0, 8, 8}, {0, 0, 8, 8}}), 0) << "does not fit";
}

TEST(Tiles, AreThePictureWhereInputsCannotBeCutAlike) {
  Builder b;
  const ValueId picture = b.input({1, 3, -1, -1}), row = b.input({1, -1});
  b.graph.outputs = {b.node(Op::mul, {b.conv(picture, 3, 16, 3), row})};
  const auto network = *Network::create(b.graph);
  const std::vector<Tensor> inputs{testing::random_tensor({1, 3, 40, 50}, b.generator),
                                   testing::random_tensor({1, 50}, b.generator)};
  const auto whole = network->run(inputs), tiled = network->run_tiled(inputs, {16});
  ASSERT_TRUE(whole.ok() && tiled.ok());
  EXPECT_EQ(largest_difference(tiled->front(), whole->front()), 0);
}

}  // namespace
}  // namespace latentflow::nn

// receptive_field_test.cpp: halos of tiles, known by hand and found by changing single pixels.
#include "nn/receptive_field.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "support/reference_network.h"

namespace latentflow::nn {
namespace {

class Builder {
 public:
  Graph graph;
  ValueId input(const std::string& name, Dims dims) { return graph.add_input(name, std::move(dims)); }

  // Positive weights, so that no change of an input can cancel.
  ValueId weights(Dims dims) {
    Tensor tensor(std::move(dims));
    std::uniform_real_distribution<float> distribution(0.5f, 1.0f);
    for (float& element : tensor.mutable_span()) element = distribution(random_);
    return graph.add_constant(std::string("w").append(std::to_string(graph.values.size())), std::move(tensor));
  }
  ValueId conv(ValueId x, std::int64_t in, std::int64_t out, Pair kernel, Padding pads, Pair strides = {1, 1},
               Pair dilations = {1, 1}) {
    return graph.add_node(Op::conv, name(), {x, weights({out, in, kernel[0], kernel[1]})},
                          ConvAttributes{kernel, strides, dilations, pads, 1, {0, 0}});
  }
  ValueId up(ValueId x, std::int64_t in, std::int64_t out, Pair kernel, Padding pads, Pair strides) {
    return graph.add_node(Op::conv_transpose, name(), {x, weights({in, out, kernel[0], kernel[1]})},
                          ConvAttributes{kernel, strides, {1, 1}, pads, 1, {0, 0}});
  }
  ValueId node(Op op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    return graph.add_node(op, name(), std::move(inputs), std::move(attributes));
  }

 private:
  std::string name() { return std::string("n").append(std::to_string(graph.nodes.size())); }
  std::mt19937 random_{7};
};

constexpr std::int64_t to_end = std::numeric_limits<std::int64_t>::max();

// Largest distance, per side, between a changed input pixel and an output pixel that it changes (the network runs on
// plain loops); what the analysis must report, no more and no less.
Padding measured_halo(const Graph& graph, std::int64_t size) {
  const Tensor image = Tensor::filled({1, 1, size, size}, 0);  // a change is not lost to rounding beside nothing
  const auto run = [&](const Tensor& x) { return latentflow::testing::reference_run(graph, {x}).at(0); };
  const Tensor before = run(image);
  Padding halo{0, 0, 0, 0};
  for (std::int64_t at = size / 2 - 12; at < size / 2 + 12; ++at) {
    Tensor changed = image;
    changed.mutable_data()[at * size + at] += 1;
    const Tensor after = run(changed);
    for (std::int64_t y = 0; y < size; ++y)
      for (std::int64_t x = 0; x < size; ++x) {
        if (before.data()[y * size + x] == after.data()[y * size + x]) continue;
        halo[0] = std::max(halo[0], y - at);  // the output at y needs pixels above it
        halo[1] = std::max(halo[1], x - at);
        halo[2] = std::max(halo[2], at - y);
        halo[3] = std::max(halo[3], at - x);
      }
  }
  return halo;
}

// The analysis speaks of whole aligned blocks: the halo around a block of output pixels.
void expect_exact(const Graph& graph, std::int64_t size) {
  const auto geometry = tile_geometry(graph);
  ASSERT_TRUE(geometry.has_value());
  const Padding measured = measured_halo(graph, size);
  for (std::size_t side = 0; side < 4; ++side) {
    const std::int64_t period = geometry->alignment[side % 2];
    EXPECT_LE(geometry->halo[side], measured[side]) << "side " << side << " is wider than needed";
    EXPECT_GE(geometry->halo[side] + period - 1, measured[side]) << "side " << side << " is too narrow";
    if (period == 1) { EXPECT_EQ(geometry->halo[side], measured[side]) << "side " << side; }
  }
}

// Every tile, cut out with the halo rounded up to the alignment, gives what the whole picture gives.
void expect_tiles_agree(const Graph& graph, std::int64_t size, std::int64_t tile) {
  const auto geometry = tile_geometry(graph);
  ASSERT_TRUE(geometry.has_value());
  const auto run = [&](const Tensor& x) { return latentflow::testing::reference_run(graph, {x}).at(0); };
  std::mt19937 random(3);
  std::uniform_real_distribution<float> distribution(0.0f, 1.0f);
  Tensor image({1, 1, size, size});
  for (float& element : image.mutable_span()) element = distribution(random);
  const Tensor whole = run(image);
  const auto widened = [&](std::size_t side) {
    const std::int64_t period = geometry->alignment[side % 2];
    return (geometry->halo[side] + period - 1) / period * period;
  };
  for (std::int64_t top = 0; top < size; top += tile)
    for (std::int64_t left = 0; left < size; left += tile) {
      const std::int64_t y0 = std::max<std::int64_t>(top - widened(0), 0),
                         x0 = std::max<std::int64_t>(left - widened(1), 0);
      const std::int64_t y1 = std::min(top + tile + widened(2), size), x1 = std::min(left + tile + widened(3), size);
      Tensor part({1, 1, y1 - y0, x1 - x0});
      for (std::int64_t y = y0; y < y1; ++y)
        std::copy_n(image.data() + y * size + x0, x1 - x0, part.mutable_data() + (y - y0) * (x1 - x0));
      const Tensor result = run(part);
      for (std::int64_t y = top; y < std::min(top + tile, size); ++y)
        for (std::int64_t x = left; x < std::min(left + tile, size); ++x)
          ASSERT_EQ(result.data()[(y - y0) * (x1 - x0) + x - x0], whole.data()[y * size + x])
              << "pixel " << y << ", " << x << " of the tile at " << top << ", " << left;
    }
}

TEST(TileGeometry, OfSeventeenConvolutionsIsSeventeenPixels) {
  Builder b;
  ValueId x = b.input("x", {-1, 1, -1, -1});
  for (int i = 0; i < 17; ++i) x = b.node(Op::relu, {b.conv(x, 1, 1, {3, 3}, {1, 1, 1, 1})});
  b.graph.outputs = {x};
  EXPECT_EQ(tile_geometry(b.graph), (TileGeometry{{17, 17, 17, 17}, {1, 1}}));
  expect_exact(b.graph, 64);
}

TEST(TileGeometry, SeesDilationAndLopsidedKernels) {
  Builder b;
  const ValueId x = b.input("x", {-1, 1, -1, -1});
  const ValueId wide = b.conv(x, 1, 1, {3, 5}, {2, 4, 2, 4}, {1, 1}, {2, 2});
  b.graph.outputs = {b.conv(wide, 1, 1, {2, 4}, {0, 3, 1, 0})};
  EXPECT_EQ(tile_geometry(b.graph), (TileGeometry{{2, 7, 3, 4}, {1, 1}}));
  expect_exact(b.graph, 48);
  expect_tiles_agree(b.graph, 40, 10);
}

TEST(TileGeometry, TakesTheLongestOfSeveralPaths) {
  Builder b;
  const ValueId x = b.input("x", {-1, 1, -1, -1});
  const ValueId near = b.conv(x, 1, 2, {1, 1}, {0, 0, 0, 0}), far = b.conv(x, 1, 2, {7, 3}, {3, 1, 3, 1});
  const ValueId both = b.node(Op::concat, {near, far}, ConcatAttributes{1});
  b.graph.outputs = {b.node(Op::add, {x, b.conv(both, 4, 1, {3, 3}, {1, 1, 1, 1})})};
  EXPECT_EQ(tile_geometry(b.graph), (TileGeometry{{4, 2, 4, 2}, {1, 1}}));
  expect_exact(b.graph, 48);
}

TEST(TileGeometry, OfAUNetFollowsStridesAndBlocks) {
  Builder b;
  const ValueId x = b.input("x", {-1, 1, -1, -1});
  const ValueId deep = b.node(Op::space_to_depth, {x}, DepthSpaceAttributes{2, DepthOrder::crd});
  const ValueId level0 = b.conv(deep, 4, 2, {3, 3}, {1, 1, 1, 1});
  const ValueId down = b.conv(level0, 2, 3, {3, 3}, {1, 1, 1, 1}, {2, 2});
  const ValueId level1 = b.conv(down, 3, 3, {3, 3}, {1, 1, 1, 1});
  const ValueId up = b.up(level1, 3, 2, {2, 2}, {0, 0, 0, 0}, {2, 2});
  const ValueId sum = b.node(Op::add, {up, level0});
  const ValueId out = b.conv(sum, 2, 4, {3, 3}, {1, 1, 1, 1});
  b.graph.outputs = {b.node(Op::depth_to_space, {out}, DepthSpaceAttributes{2, DepthOrder::dcr})};
  // Half resolution: 1 pixel around, then level1 in blocks of two: [-1, 2] of half needs [-1, 1] of quarter, widened by
  // 1
  // [-2, 2], strided conv [-5, 5], conv [-6, 6], in pixels [-12, 13] for the block [0, 3].
  EXPECT_EQ(tile_geometry(b.graph), (TileGeometry{{12, 12, 10, 10}, {4, 4}}));
  const std::vector<Window> needed = needed_windows(b.graph, {8, 12, 12, 20});
  EXPECT_EQ(needed[static_cast<std::size_t>(x)], (Window{-4, 0, 22, 30}));
  EXPECT_EQ(needed[static_cast<std::size_t>(level0)], (Window{-1, 1, 10, 14}));
  EXPECT_EQ(needed[static_cast<std::size_t>(out)], (Window{4, 6, 6, 10}));
  expect_exact(b.graph, 64);
  expect_tiles_agree(b.graph, 48, 12);
}

TEST(TileGeometry, FollowsPoolingAndResizing) {
  for (const ResizeMode mode : {ResizeMode::nearest, ResizeMode::linear})
    for (const ResizeCoordinates coordinates : {ResizeCoordinates::half_pixel, ResizeCoordinates::asymmetric}) {
      Builder b;
      const ValueId x = b.input("x", {-1, 1, -1, -1});
      const ValueId pooled = b.node(Op::average_pool, {x}, PoolAttributes{{3, 2}, {2, 2}, {1, 0, 0, 0}, false, false});
      const ValueId conv = b.conv(pooled, 1, 1, {3, 3}, {1, 1, 1, 1});
      b.graph.outputs = {
          b.node(Op::resize, {conv}, ResizeAttributes{mode, coordinates, NearestRounding::floor, {2, 2}, {0, 0}})};
      expect_exact(b.graph, 64);
      expect_tiles_agree(b.graph, 40, 8);
    }
}

TEST(TileGeometry, FollowsPadsAndCrops) {
  for (const PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::edge}) {
    Builder b;
    const ValueId x = b.input("x", {-1, 1, -1, -1});
    const ValueId padded = b.node(Op::pad, {x}, PadAttributes{mode, {0, 0, 3, 2}, {0, 0, 2, 4}, 0.25f});
    const ValueId conv = b.conv(padded, 1, 1, {3, 3}, {0, 0, 0, 0});
    b.graph.outputs = {
        b.node(Op::slice, {conv}, SliceAttributes{{0, 0, 1, 1}, {to_end, to_end, -2, -3}, {1, 1, 1, 1}})};
    EXPECT_EQ(tile_geometry(b.graph), (TileGeometry{{2, 1, 0, 1}, {1, 1}}));
    expect_tiles_agree(b.graph, 30, 10);
  }
}

TEST(TileGeometry, LetsANoiseLevelReachEveryTile) {
  Builder b;
  const ValueId x = b.input("x", {-1, 1, -1, -1}), level = b.input("level", {-1, 1, 1, 1});
  b.graph.outputs = {b.node(Op::mul, {b.conv(x, 1, 1, {3, 3}, {1, 1, 1, 1}), level})};
  EXPECT_EQ(tile_geometry(b.graph), (TileGeometry{{1, 1, 1, 1}, {1, 1}}));
}

// Networks that must see the whole picture, or change its size.
TEST(TileGeometry, IsNothingWhereTilesAreImpossible) {
  const auto geometry_of = [](auto build) {
    Builder b;
    const ValueId x = b.input("x", {-1, 1, -1, -1});
    b.graph.outputs = {build(b, x)};
    return tile_geometry(b.graph);
  };
  EXPECT_TRUE(geometry_of([](Builder& b, ValueId x) { return b.node(Op::relu, {x}); }));
  EXPECT_TRUE(geometry_of([](Builder& b, ValueId x) { return b.node(Op::softmax, {x}, SoftmaxAttributes{1}); }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) { return b.node(Op::softmax, {x}, SoftmaxAttributes{3}); }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) {
    return b.node(Op::mul, {x, b.node(Op::global_average_pool, {x})});
  }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) { return b.conv(x, 1, 1, {3, 3}, {0, 0, 0, 0}); }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) { return b.conv(x, 1, 1, {2, 2}, {0, 0, 0, 0}, {2, 2}); }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) {
    return b.node(
        Op::resize, {x},
        ResizeAttributes{ResizeMode::linear, ResizeCoordinates::half_pixel, NearestRounding::floor, {1, 1}, {64, 64}});
  }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) {
    return b.node(Op::reshape, {x}, ReshapeAttributes{{0, 0, 0, 0}});
  }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) { return b.node(Op::add, {x, b.weights({1, 1, 64, 64})}); }));
  EXPECT_FALSE(geometry_of([](Builder& b, ValueId x) {  // a crop of the first 10 rows
    const ValueId top =
        b.node(Op::slice, {x}, SliceAttributes{{0, 0, 0, 0}, {to_end, to_end, 10, to_end}, {1, 1, 1, 1}});
    return b.node(Op::add, {x, top});
  }));
}

TEST(ReceptiveField, OfACodeIsWhatChangesIt) {
  Builder builder;
  ValueId x = builder.conv(builder.input("x", {1, 1, -1, -1}), 1, 2, {3, 3}, {1, 1, 1, 1});
  x = builder.conv(x, 2, 2, {2, 2}, {0, 0, 0, 0}, {2, 2});
  builder.graph.outputs = {builder.conv(x, 2, 1, {3, 3}, {1, 1, 1, 1})};
  const std::optional<Window> field = receptive_field(builder.graph, 5, 7);
  ASSERT_TRUE(field);
  EXPECT_EQ(*field, (Window{7, 11, 15, 19}));
  const Tensor image = Tensor::filled({1, 1, 24, 24}, 0);
  const auto code = [&](const Tensor& at) {
    return latentflow::testing::reference_run(builder.graph, {at})[0].data()[5 * 12 + 7];
  };
  for (std::int64_t row = 0; row < 24; ++row)
    for (std::int64_t column = 0; column < 24; ++column) {
      Tensor changed = image;
      changed.mutable_data()[row * 24 + column] = 1;
      const bool inside = row >= field->top && row < field->bottom && column >= field->left && column < field->right;
      EXPECT_EQ(code(changed) != code(image), inside) << row << " " << column;
    }
  // At the border it reaches out of the picture.
  EXPECT_EQ(receptive_field(builder.graph, 0, 0)->top, -3);
}

TEST(ReceptiveField, OfWhatSeesTheWholePictureIsNone) {
  Builder builder;
  const ValueId x = builder.conv(builder.input("x", {1, 1, -1, -1}), 1, 2, {3, 3}, {1, 1, 1, 1});
  builder.graph.outputs = {builder.node(Op::global_average_pool, {x})};
  EXPECT_FALSE(receptive_field(builder.graph, 0, 0));
}

}  // namespace
}  // namespace latentflow::nn

// tile_memory_test.cpp: what a network says that its tiles and weights will take, against what it then holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "nn/network.h"
#include "support/network_builder.h"
#include "support/reference_network.h"

namespace latentflow {
namespace {

using namespace nn;
using testing::Builder;

std::shared_ptr<const Network> network_of(const Graph& graph, Winograd winograd) {
  const auto network = Network::create(graph, {winograd});
  EXPECT_TRUE(network.ok()) << network.error().message;
  return *network;
}

Network::TileMemory memory_of(const Network& network, const Dims& dims, const TileOptions& options = {}) {
  const auto memory = network.tile_memory(std::vector<Dims>{dims}, options);
  EXPECT_TRUE(memory.ok()) << memory.error().message;
  return *memory;
}

/// Of both together, every form once.
std::size_t bytes_of(const Network::TileMemory& a, const Network::TileMemory& b) {
  std::map<const void*, std::size_t> forms;
  for (const Network::TileMemory* one : {&a, &b})
    for (const PackedForm& weights : one->weights) forms[weights.form] = weights.bytes;
  std::size_t bytes = 0;
  for (const auto& [form, size] : forms) bytes += size;
  return bytes;
}

TEST(TileMemory, FormsOfWeightsThatTilesOfOtherExtentsTakeAddUp) {
  Builder b = testing::plain_denoiser({1, 1, -1, -1});
  // With the fewest products these are tiles of 6x6 and of 4x4, whose transformed filters differ.
  const Dims large{1, 1, 64, 64}, small{1, 1, 8, 8};
  const auto network = network_of(b.graph, Winograd::on);
  const auto of_large = memory_of(*network, large), of_small = memory_of(*network, small);
  EXPECT_EQ(network->packed_bytes(), 0u) << "asking packs nothing";
  const std::size_t both = bytes_of(of_large, of_small);
  EXPECT_GT(both, std::max(of_large.weight_bytes(), of_small.weight_bytes()));

  const auto run = [&](const Dims& dims) {
    EXPECT_TRUE(network->run(std::vector{testing::random_tensor(dims, b.generator)}).ok());
    return network->packed_bytes();
  };
  EXPECT_EQ(run(large), of_large.weight_bytes());
  EXPECT_EQ(run(small), both) << "the first plan keeps its form";
  EXPECT_EQ(bytes_of(memory_of(*network, large), memory_of(*network, small)), both);
  EXPECT_EQ(bytes_of(memory_of(*network, large), of_large), of_large.weight_bytes())
      << "the same forms before and after";
}

TEST(TileMemory, AskingForOtherTilesPacksNothingAfterTheFirstRunEither) {
  Builder b = testing::plain_denoiser({1, 1, -1, -1});
  const auto network = network_of(b.graph, Winograd::on);
  ASSERT_TRUE(network->run(std::vector{testing::random_tensor({1, 1, 64, 64}, b.generator)}).ok());
  const std::size_t packed = network->packed_bytes();
  EXPECT_GT(bytes_of(memory_of(*network, {1, 1, 8, 8}), memory_of(*network, {1, 1, 64, 64})), packed);
  EXPECT_EQ(network->packed_bytes(), packed);
  // What it has of the weights is enough for this one.
  EXPECT_EQ(memory_of(*network, {1, 1, 60, 60}).weight_bytes(), packed);
  const Tensor input = testing::random_tensor({1, 1, 60, 60}, b.generator);
  const auto planned_by_asking = network->run(std::vector{input});
  const auto planned_by_running = network_of(b.graph, Winograd::on)->run(std::vector{input});
  ASSERT_TRUE(planned_by_asking.ok() && planned_by_running.ok());
  EXPECT_EQ(testing::largest_difference(planned_by_asking->front(), planned_by_running->front()), 0);
}

TEST(TileMemory, ChosenTilesFitWhatIsAllowedAsPlanned) {
  for (const std::int64_t batch : {1, 3}) {
    SCOPED_TRACE(batch);
    const Dims picture{batch, 1, 400, 600};
    const std::vector<Dims> dims{picture};
    const auto network = network_of(testing::plain_denoiser({batch, 1, -1, -1}).graph, Winograd::off);
    const std::size_t whole = memory_of(*network, picture).tile_bytes;
    TileOptions smallest;
    smallest.bytes_per_tile = 0;
    const std::size_t least = memory_of(*network, picture, smallest).tile_bytes;
    ASSERT_LT(least, whole / 16);
    EXPECT_EQ(network->fit_tiles(dims, {}, std::numeric_limits<std::size_t>::max()).bytes_per_tile,
              TileOptions().bytes_per_tile);
    for (std::size_t limit = whole; limit >= least; limit /= 2) {
      const auto memory = memory_of(*network, picture, network->fit_tiles(dims, {}, limit));
      EXPECT_LE(memory.tile_bytes, limit);
      EXPECT_GT(memory.tile_bytes, limit / 8) << "not smaller than need be";
    }
    EXPECT_EQ(memory_of(*network, picture, network->fit_tiles(dims, {}, least / 2)).tile_bytes, least);
  }
}

TEST(TileMemory, ATileSetByHandStaysWhateverIsAllowed) {
  const auto network = network_of(testing::plain_denoiser({1, 1, -1, -1}).graph, Winograd::off);
  const Dims picture{1, 1, 400, 600};
  TileOptions by_hand;
  by_hand.side = 200;
  const TileOptions fitted = network->fit_tiles(std::vector<Dims>{picture}, by_hand, 1);
  EXPECT_EQ(fitted.side, 200);
  EXPECT_EQ(memory_of(*network, picture, fitted).tile_bytes, memory_of(*network, picture, by_hand).tile_bytes);
}

}  // namespace
}  // namespace latentflow

// tiling_test.cpp: tiles cover a picture once, start where they may, and carry the halo.
#include "nn/tiling.h"

#include <gtest/gtest.h>

#include <vector>

namespace latentflow {
namespace {

using namespace nn;

struct CutCase {
  std::int64_t height, width, side_y, side_x;
  TileGeometry geometry;
};

void PrintTo(const CutCase& row, std::ostream* out) {
  *out << row.height << "x" << row.width << " in " << row.side_y << "x" << row.side_x << " aligned to "
       << row.geometry.alignment[0];
}

class Cuts : public ::testing::TestWithParam<CutCase> {};

TEST_P(Cuts, OutputsCoverEveryPixelOnceAndInputsCarryTheHalo) {
  const auto& [height, width, side_y, side_x, geometry] = GetParam();
  const std::vector<Tile> tiles = cut(height, width, side_y, side_x, geometry);
  ASSERT_FALSE(tiles.empty());
  std::vector<int> covered(static_cast<std::size_t>(height * width), 0);
  for (const auto& [in, out] : tiles) {
    EXPECT_EQ(in.height, tiles[0].input.height) << "one size means one plan";
    EXPECT_EQ(in.width, tiles[0].input.width);
    EXPECT_EQ(in.y % geometry.alignment[0], 0);
    EXPECT_EQ(in.x % geometry.alignment[1], 0);
    EXPECT_EQ(out.y % geometry.alignment[0], 0);
    EXPECT_EQ(out.x % geometry.alignment[1], 0);
    EXPECT_GE(in.y, 0);
    EXPECT_GE(in.x, 0);
    EXPECT_LE(in.y + in.height, height);
    EXPECT_LE(in.x + in.width, width);
    EXPECT_TRUE(in.y == 0 || out.y - in.y >= geometry.halo[0]);
    EXPECT_TRUE(in.x == 0 || out.x - in.x >= geometry.halo[1]);
    EXPECT_TRUE(in.y + in.height == height || in.y + in.height - out.y - out.height >= geometry.halo[2]);
    EXPECT_TRUE(in.x + in.width == width || in.x + in.width - out.x - out.width >= geometry.halo[3]);
    ASSERT_GE(out.y, in.y);
    ASSERT_LE(out.y + out.height, in.y + in.height);
    ASSERT_GE(out.x, in.x);
    ASSERT_LE(out.x + out.width, in.x + in.width);
    for (std::int64_t y = out.y; y < out.y + out.height; ++y)
      for (std::int64_t x = out.x; x < out.x + out.width; ++x) ++covered[static_cast<std::size_t>(y * width + x)];
  }
  for (const int count : covered) ASSERT_EQ(count, 1);
}

TEST_P(Cuts, ChosenSidesCoverThePictureToo) {
  const auto& [height, width, side_y, side_x, geometry] = GetParam();
  const auto [tall, wide] = choose_sides(height, width, geometry, side_y * side_x);
  std::int64_t pixels = 0;
  for (const Tile& tile : cut(height, width, tall, wide, geometry)) pixels += tile.output.height * tile.output.width;
  EXPECT_EQ(pixels, height * width);
}

INSTANTIATE_TEST_SUITE_P(Table, Cuts,
                         ::testing::Values(CutCase{1, 1, 64, 64, {{0, 0, 0, 0}, {1, 1}}},
                                           CutCase{100, 90, 100, 90, {{8, 8, 8, 8}, {4, 4}}},
                                           CutCase{100, 90, 32, 32, {{0, 0, 0, 0}, {1, 1}}},
                                           CutCase{101, 67, 32, 40, {{5, 5, 5, 5}, {1, 1}}},
                                           CutCase{101, 67, 32, 40, {{5, 4, 3, 6}, {2, 2}}},
                                           CutCase{64, 200, 8, 8, {{9, 9, 9, 9}, {8, 8}}},
                                           CutCase{72, 200, 33, 65, {{7, 7, 7, 7}, {8, 8}}},
                                           CutCase{77, 203, 40, 65, {{7, 7, 7, 7}, {8, 8}}},
                                           CutCase{257, 129, 128, 128, {{17, 17, 17, 17}, {1, 1}}},
                                           CutCase{40, 41, 39, 40, {{1, 1, 1, 1}, {1, 1}}}));

// A picture cut into tiles that are nearly all halo would take hundreds of times as long.
TEST(Tiles, KeepAtLeastHalfOfTheirHaloHoweverSmallASideIsAskedFor) {
  for (const TileGeometry& geometry : {TileGeometry{{90, 90, 90, 90}, {8, 8}}, TileGeometry{{17, 17, 17, 17}, {1, 1}},
                                       TileGeometry{{422, 422, 422, 422}, {32, 32}}}) {
    const std::int64_t length = 4001, halo = geometry.halo[0] + geometry.halo[2];
    const std::vector<Tile> tiles = cut(length, length, 8, 8, geometry);
    ASSERT_GT(tiles.size(), 1u);
    double computed = 0;
    for (const Tile& tile : tiles) computed += static_cast<double>(tile.input.height * tile.input.width);
    EXPECT_LT(computed / static_cast<double>(length * length), 10) << "halo of " << halo;
    EXPECT_GE(tiles[0].output.height, halo / 2);
  }
}

TEST(ChosenSides, AreTheWholePictureWhenItFits) {
  EXPECT_EQ(choose_sides(300, 400, {{17, 17, 17, 17}, {1, 1}}, 1 << 20),
            (std::pair<std::int64_t, std::int64_t>{300, 400}));
}

TEST(ChosenSides, AreMostlyHaloOnlyWhereThatIsAllowedAndNothingElseFits) {
  const TileGeometry geometry{{88, 88, 88, 88}, {8, 8}};  // 176 on both sides
  const auto pixels = [&](std::int64_t most_side, bool mostly_halo) {
    const auto [tall, wide] = choose_sides(2000, 2000, geometry, most_side * most_side, mostly_halo);
    const Region tile = cut(2000, 2000, tall, wide, geometry)[0].input;
    return tile.height * tile.width;
  };
  EXPECT_GE(pixels(300, false), 352 * 352);
  EXPECT_LE(pixels(300, true), 300 * 300);
  EXPECT_GE(pixels(300, true), 264 * 264);
  EXPECT_EQ(pixels(500, true), pixels(500, false)) << "larger ones fit";
  EXPECT_EQ(pixels(200, true), pixels(200, false)) << "nothing fits, so that halos need not be computed";
}

TEST(ChosenSides, KeepTilesWithinTheLimit) {
  const TileGeometry geometry{{17, 17, 17, 17}, {1, 1}};
  const auto [tall, wide] = choose_sides(9000, 12000, geometry, 512 * 512);
  const std::vector<Tile> tiles = cut(9000, 12000, tall, wide, geometry);
  EXPECT_LE(tiles[0].input.height * tiles[0].input.width, 512 * 512);
  // Margins of 17 on squares of about 500 cost some 15 per cent.
  EXPECT_LT(static_cast<double>(tiles.size()) * static_cast<double>(tiles[0].input.height * tiles[0].input.width),
            1.25 * 9000 * 12000);
}

}  // namespace
}  // namespace latentflow

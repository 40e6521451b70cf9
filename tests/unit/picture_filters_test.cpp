// picture_filters_test.cpp: gradients by the input of convolutional networks, and what their units look for.
#include "show/picture_filters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "nn/receptive_field.h"
#include "support/picture_models.h"
#include "support/reference_network.h"

namespace latentflow::show {
namespace {

using test::product;
using test::random_model;
using test::random_picture;
using test::tensor_of;

TEST(InputGradient, IsTheChangeOfTheOutputAndStaysWhenAskedAgain) {
  const PictureModel model = random_model();
  const Picture picture = random_picture(8, 12, 1);
  auto gradient = InputGradient::create(model.encoder, {1, 3, 8, 12});
  ASSERT_TRUE(gradient.ok()) << gradient.error().message;
  EXPECT_EQ((*gradient)->output_dims(), (Dims{1, 16, 2, 3}));
  const std::span<const float> forward = (*gradient)->forward(picture.planes);
  const std::vector<float> output(forward.begin(), forward.end());
  const Tensor expected = testing::reference_run(model.encoder, {tensor_of(picture)})[0];
  EXPECT_LT(testing::largest_difference(Tensor::from({1, 16, 2, 3}, output), expected), 1e-4);

  std::vector<float> weights(output.size());
  train::fill_normal(weights, 5);
  const std::span<const float> by_input = (*gradient)->backward(weights);
  const std::vector<float> slope(by_input.begin(), by_input.end());
  EXPECT_NEAR(product(slope, picture.planes), product(weights, output), 1e-3);
  // Small steps, which cross few kinks of rectifiers.
  const float step = 1e-3f;
  for (const std::size_t pixel : {0u, 100u, 287u}) {
    std::array<double, 2> sums{};
    for (const std::size_t way : {0u, 1u}) {
      Tensor moved = tensor_of(picture);
      moved.mutable_data()[pixel] += way == 0 ? step : -step;
      sums[way] = product(weights, testing::reference_run(model.encoder, {moved})[0].span());
    }
    EXPECT_NEAR((sums[0] - sums[1]) / (2 * static_cast<double>(step)), slope[pixel],
                0.02 * std::abs(slope[pixel]) + 0.01)
        << pixel;
  }
  std::vector<float> other(weights.size(), 1.0f);
  (*gradient)->backward(other);
  const std::span<const float> again = (*gradient)->backward(weights);
  for (std::size_t i = 0; i < slope.size(); ++i) ASSERT_NEAR(again[i], slope[i], 1e-6) << i;
}

TEST(InputGradient, TakesConstantsThatSeveralNodesUse) {
  nn::Graph graph;
  const nn::ValueId data = graph.add_input("data", {-1, 2, -1, -1});
  const nn::ValueId factor = graph.add_constant("factor", Tensor::filled({1}, 3));
  graph.outputs = {
      graph.add_node(nn::Op::mul, "ninefold", {graph.add_node(nn::Op::mul, "threefold", {data, factor}), factor})};
  auto gradient = InputGradient::create(graph, {1, 2, 1, 1});
  ASSERT_TRUE(gradient.ok()) << gradient.error().message;
  (*gradient)->forward(std::vector<float>{1, 2});
  const std::span<const float> slope = (*gradient)->backward(std::vector<float>{1, 10});
  EXPECT_EQ((std::vector<float>{slope.begin(), slope.end()}), (std::vector<float>{9, 90}));
}

TEST(PictureFilters, OfTheFirstLayerAreItsKernelsInPixels) {
  const PictureModel model = random_model();
  const Result<PictureFilters> found = filters_of(model, {}, {1, 0, FilterOrder::norm});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->layer, "head");
  EXPECT_EQ(found->units, 16);
  EXPECT_EQ(found->item, (nn::CodeItem{nn::CodeItem::Kind::patch, 6, 6, 3}));
  // 2x2 pixels of three colours become twelve channels, colours fastest; the kernel is 3x3 of these.
  const Tensor* weights = nullptr;
  for (const nn::ValueInfo& value : model.encoder.values)
    if (value.name == "head.weight") weights = &*value.constant;
  ASSERT_NE(weights, nullptr);
  ASSERT_EQ(found->filters.size(), 16u);
  for (std::size_t i = 0; i < 16; ++i) {
    const Filter& filter = found->filters[i];
    if (i > 0) { EXPECT_LE(filter.norm, found->filters[i - 1].norm); }
    for (std::int64_t c = 0; c < 3; ++c)
      for (std::int64_t y = 0; y < 6; ++y)
        for (std::int64_t x = 0; x < 6; ++x) {
          const std::int64_t channel = (y % 2 * 2 + x % 2) * 3 + c;
          const float weight = weights->data()[((filter.unit * 12 + channel) * 3 + y / 2) * 3 + x / 2];
          ASSERT_NEAR(filter.row[static_cast<std::size_t>((c * 6 + y) * 6 + x)] * filter.norm, weight, 1e-5);
        }
  }
}

TEST(PictureFilters, AreOfPatchesThatTheUnitSeesAndNothingElse) {
  const PictureModel model = random_model();
  auto response = UnitResponse::create(model, 7);  // the last one, which makes the code
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ((*response)->units(), 16);
  const nn::CodeItem& patch = (*response)->item();
  std::vector<float> row(static_cast<std::size_t>(patch.features()));
  train::fill_normal(row, 1);
  // The same patch in the middle of other pixels, by plain loops.
  constexpr std::int64_t side = 64, place = 8;
  const std::optional<nn::Window> field = nn::receptive_field(model.encoder, place, place);
  ASSERT_TRUE(field);
  ASSERT_EQ(field->bottom - field->top, patch.height);
  Tensor picture({1, 3, side, side});
  train::fill_normal(picture.mutable_span(), 2);
  for (std::int64_t c = 0; c < 3; ++c)
    for (std::int64_t y = 0; y < patch.height; ++y)
      for (std::int64_t x = 0; x < patch.width; ++x)
        picture.mutable_data()[(c * side + field->top + y) * side + field->left + x] =
            row[static_cast<std::size_t>((c * patch.height + y) * patch.width + x)];
  const Tensor codes = testing::reference_run(model.encoder, {picture})[0];
  for (const std::int64_t unit : {0, 5, 15}) {
    const Response found = (**response)(unit, row);
    EXPECT_NEAR(found.sums[0], codes.data()[(unit * 16 + place) * 16 + place], 1e-3);
    EXPECT_NEAR(product(found.gradients, row), found.sums[0], 1e-3);
  }
}

TEST(PictureFilters, OfDeeperLayersExciteTheirUnitMoreThanRandomPatchesOfLengthOne) {
  const PictureModel model = random_model();
  const Result<PictureFilters> found = filters_of(model, {}, {3, 4});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->layer, "encoder0_0b");
  ASSERT_EQ(found->filters.size(), 4u);
  auto response = UnitResponse::create(model, 3);
  ASSERT_TRUE(response.ok());
  for (const Filter& filter : found->filters) {
    EXPECT_NEAR(product(filter.row, filter.row), 1, 1e-5);
    const float reached = (**response)(filter.unit, filter.row).sums[0];
    for (std::uint64_t turn = 0; turn < 100; ++turn) {
      std::vector<float> row(filter.row.size());
      train::fill_normal(row, turn);
      normalise(row);
      EXPECT_LT((**response)(filter.unit, row).sums[0], reached);
    }
  }
}

TEST(PictureFilters, ActivitiesAreMeansOverAllPlacesBehindTheActivation) {
  const PictureModel model = random_model();
  const std::vector<Picture> pictures{random_picture(16, 8, 1), random_picture(8, 8, 2)};
  const Result<PictureFilters> found = filters_of(model, pictures, {2, 3, FilterOrder::activity});
  ASSERT_TRUE(found.ok()) << found.error().message;
  nn::Graph part = model.encoder;
  for (const nn::Node& node : part.nodes)
    if (node.name == "encoder0_0_relu") part.outputs = {node.output};
  std::vector<double> means(16);
  for (const Picture& picture : pictures) {
    const Tensor maps = testing::reference_run(part, {tensor_of(picture)})[0];
    for (std::size_t i = 0; i < maps.span().size(); ++i)
      means[i / (maps.span().size() / 16)] += static_cast<double>(maps.data()[i]) / 48;  // 8x4 and 4x4 places
  }
  ASSERT_EQ(found->filters.size(), 3u);
  for (const Filter& filter : found->filters)
    EXPECT_NEAR(filter.activity, means[static_cast<std::size_t>(filter.unit)], 1e-4);
  EXPECT_NEAR(found->filters[0].activity, *std::max_element(means.begin(), means.end()), 1e-4);
  EXPECT_GE(found->filters[0].activity, found->filters[1].activity);
}

TEST(PictureFilters, AreSeenWithoutTheMarginThatHardlyMattersToAny) {
  PictureFilters found;
  found.item = {nn::CodeItem::Kind::patch, 7, 9, 1};
  found.filters.resize(3);
  for (Filter& filter : found.filters) filter.row.assign(63, 0.0f);
  found.filters[0].row[3 * 9 + 4] = 1;   // the middle
  found.filters[1].row[2 * 9 + 2] = -1;  // two from the border
  found.filters[1].row[0] = 0.03f;       // 0.09 % of the squared length
  const PictureFilters inner = without_margin(found);
  EXPECT_EQ(inner.item, (nn::CodeItem{nn::CodeItem::Kind::patch, 3, 5, 1}));
  EXPECT_EQ(inner.filters[0].row[1 * 5 + 2], 1);
  EXPECT_EQ(inner.filters[1].row[0], -1);
  EXPECT_EQ(inner.filters[2].row, std::vector<float>(15, 0.0f));
  found.filters[2].row[62] = 1;
  EXPECT_EQ(without_margin(found).item, found.item);
}

TEST(PictureFilters, RefuseWhatIsNotThere) {
  const PictureModel model = random_model();
  const auto message = [&](const FilterChoice& choice) {
    const Result<PictureFilters> found = filters_of(model, {}, choice);
    return found ? "" : found.error().message;
  };
  EXPECT_NE(message({8, 0}).find("layers 1 to 7"), std::string::npos);
  EXPECT_NE(message({1, 0, FilterOrder::activity}).find("needs --data"), std::string::npos);
  FilterChoice decoder{1, 0};
  decoder.decoder = true;
  EXPECT_NE(message(decoder).find("--decoder is for models with dense layers"), std::string::npos);
}

}  // namespace
}  // namespace latentflow::show

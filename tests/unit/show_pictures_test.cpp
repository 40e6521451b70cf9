// show_pictures_test.cpp: what `latentflow show` computes from convolutional models: gradients, filters, Jacobians,
// PSNR.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "nn/node_shape.h"
#include "nn/onnx_export.h"
#include "nn/receptive_field.h"
#include "show/models.h"
#include "show/picture_filters.h"
#include "show/picture_jacobian.h"
#include "show/picture_reconstructions.h"
#include "support/pictures.h"
#include "support/reference_network.h"
#include "support/temporary_folder.h"
#include "train/networks.h"
#include "train/random.h"

namespace latentflow::show {
namespace {

using test::TemporaryFolder;

/// A residual autoencoder with random weights, 16 numbers for 4x4 pixels. It has no biases, and rectifiers alone, so
/// that f(a x) = a f(x) for a > 0 and f(x) is the gradient at x times x (Euler).
nn::Graph random_network(bool color = true) {
  train::NetworkRecipe recipe;
  recipe.type = "residual_autoencoder", recipe.noise_map = false, recipe.color = color;
  recipe.channels = {16, 16}, recipe.blocks = {1, 1}, recipe.codes = 16, recipe.last_gain = 0.5;
  nn::Graph graph = *train::build_network(recipe, 3);
  for (std::size_t i = 0; i < graph.values.size(); ++i)
    if (graph.values[i].name == "code") graph.outputs.insert(graph.outputs.begin(), static_cast<nn::ValueId>(i));
  EXPECT_EQ(graph.outputs.size(), 2u);
  EXPECT_TRUE(nn::declare_dims(graph).ok());
  nn::ModelCard card;
  card.task = "image_codes", card.image_input = "image", card.multiple = train::extent_multiple(recipe);
  nn::write_card(graph, card);
  return graph;
}

PictureModel random_model(bool color = true) {
  Result<PictureModel> model = picture_model(random_network(color), "m");
  EXPECT_TRUE(model.ok()) << (model ? "" : model.error().message);
  return model ? std::move(*model) : PictureModel{};
}

Picture random_picture(std::int64_t height, std::int64_t width, std::uint64_t seed, std::int64_t channels = 3) {
  Picture picture{"p" + std::to_string(seed), {nn::CodeItem::Kind::image, height, width, channels}, {}};
  train::Random random(seed);
  for (std::int64_t i = 0; i < picture.item.features(); ++i)
    picture.planes.push_back(static_cast<float>(random.uniform()));
  return picture;
}

Tensor tensor_of(const Picture& picture) {
  return Tensor::from({1, picture.item.channels, picture.item.height, picture.item.width}, picture.planes);
}

double product(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                            [](float x, float y) { return static_cast<double>(x) * static_cast<double>(y); });
}

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

TEST(PictureJacobian, HasTheGradientsOfAllNumbersOfTheCode) {
  const PictureModel model = random_model();
  const Picture picture = random_picture(8, 12, 4);
  auto made = PictureJacobian::create(model, picture.item);
  ASSERT_TRUE(made.ok()) << made.error().message;
  ASSERT_EQ((*made)->codes(), 16 * 2 * 3);
  const std::vector<float> jacobian = (**made)(picture);
  const Result<PictureCoding> coding = reconstruct(model, picture.planes, picture.item);
  ASSERT_TRUE(coding.ok());
  const std::size_t features = picture.planes.size();
  ASSERT_EQ(jacobian.size(), 96 * features);
  for (std::size_t row = 0; row < 96; ++row)
    EXPECT_NEAR(product(std::span(jacobian).subspan(row * features, features), picture.planes),
                coding->codes.data()[row], 1e-4)
        << row;
}

TEST(PictureJacobian, ReportsSpectraTangentsAndMapsOfCodes) {
  const PictureModel model = random_model();
  const std::vector<Picture> pictures{random_picture(8, 8, 1), random_picture(8, 8, 2), random_picture(8, 8, 3)};
  const Result<PictureJacobians> found = jacobians_of(model, pictures, 1, 2, 3);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->report.items, 1);
  EXPECT_EQ(found->report.spectrum.size(), 64u);
  const std::vector<float> jacobian = (**PictureJacobian::create(model, pictures[0].item))(pictures[0]);
  EXPECT_NEAR(found->report.squared_norm, product(jacobian, jacobian), 1e-4 * product(jacobian, jacobian));
  ASSERT_EQ(found->shown.size(), 2u);
  const Tangents& tangents = found->shown[0].tangents;
  ASSERT_EQ(tangents.vectors.size(), 3u);
  std::vector<float> image(64);
  for (std::size_t row = 0; row < 64; ++row)
    image[row] = static_cast<float>(product(std::span(jacobian).subspan(row * 192, 192), tangents.vectors[0]));
  EXPECT_NEAR(std::sqrt(product(image, image)), tangents.values[0], 1e-3 * tangents.values[0]);
  EXPECT_EQ(found->shown[1].item, pictures[1].planes);
  // A unit is a map: its numbers are those of all places in all pictures.
  EXPECT_EQ(found->report.codes.units, 16);
  double sum = 0;
  for (const Picture& picture : pictures) {
    const Tensor codes = testing::reference_run(model.encoder, {tensor_of(picture)})[0];
    sum = std::accumulate(codes.span().begin(), codes.span().end(), sum);
  }
  EXPECT_NEAR(found->report.codes.mean_activation, sum / (3 * 64), 1e-4);
}

TEST(PictureJacobian, RefusesCropsWithTooManyNumbers) {
  const auto made = PictureJacobian::create(random_model(), random_picture(48, 48, 1).item);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(
      made.error().message,
      "a picture of 48x48 has 2304 numbers as codes of m, Jacobians are computed for at most 2048; take a smaller "
      "--crop");
}

TEST(Pictures, ArePatchesSideBySideAndBack) {
  const nn::CodeItem item{nn::CodeItem::Kind::image, 4, 6, 3};
  std::vector<float> planes(72);
  std::iota(planes.begin(), planes.end(), 0.0f);
  const std::vector<float> rows = to_patches(planes, item, 2);
  // Patch 4 is at row 2 and column 2; its second plane begins with the pixel there.
  EXPECT_EQ(rows[4 * 12 + 4], static_cast<float>(24 + 2 * 6 + 2));
  EXPECT_EQ(rows[4 * 12 + 7], static_cast<float>(24 + 3 * 6 + 3));
  EXPECT_EQ(from_patches(rows, item, 2), planes);
}

TEST(Pictures, AreTheMiddleOfPhotographsInWholeCodes) {
  const TemporaryFolder folder;
  const cv::Mat photograph = test::soft_picture(37, 29, CV_8UC3);
  folder.write("a.png", test::encoded(".png", photograph));
  folder.write("b.png", test::encoded(".png", test::soft_picture(9, 50, CV_8UC3)));
  const std::vector<PictureModel> models{random_model()};
  const auto pictures = load_pictures(folder.path(), models, {22, false, 50});
  ASSERT_TRUE(pictures.ok()) << pictures.error().message;
  ASSERT_EQ(pictures->size(), 2u);
  EXPECT_EQ((*pictures)[0].item, (nn::CodeItem{nn::CodeItem::Kind::image, 20, 20, 3}));
  EXPECT_EQ((*pictures)[1].item, (nn::CodeItem{nn::CodeItem::Kind::image, 20, 8, 3}));
  for (int c = 0; c < 3; ++c)
    EXPECT_FLOAT_EQ((*pictures)[0].planes[static_cast<std::size_t>(c) * 400 + 3 * 20 + 5],
                    static_cast<float>(photograph.at<cv::Vec3b>(4 + 3, 8 + 5)[2 - c]) * (1.0f / 255));
  EXPECT_EQ(load_pictures(folder.path(), models, {22, false, 1})->size(), 1u);
  const auto small = load_pictures(folder.path(), models, {22, true, 50});
  ASSERT_FALSE(small.ok());
  EXPECT_NE(small.error().message.find("b.png is 9x50, at least 20x20 is needed"), std::string::npos)
      << small.error().message;
  EXPECT_EQ(load_pictures(folder.path(), models, {3, false, 50}).error().message,
            "--crop is 3, the model takes multiples of 4 pixels");
  const std::vector<PictureModel> both{random_model(), random_model(false)};
  EXPECT_EQ(load_pictures(folder.path(), both, {}).error().message,
            "m takes pictures of 3 channels and m of 1; give models of one kind");
}

TEST(PictureReconstructions, StandBesideComponentsWithThePsnrOfEach) {
  Picture flat = random_picture(8, 8, 1);
  std::fill(flat.planes.begin(), flat.planes.end(), 128.0f / 255);
  EXPECT_NEAR(psnr(flat, std::vector<float>(192, 138.2f / 255)), 20 * std::log10(25.5), 1e-4);

  const std::vector<PictureModel> models{random_model()};
  const std::vector<Picture> pictures{random_picture(16, 12, 1), random_picture(8, 24, 2)};
  const auto rows = reconstruct_all(models, pictures);
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].name, "PCA-16");
  EXPECT_EQ((*rows)[0].note, "1 numbers per pixel");
  EXPECT_GT((*rows)[0].mean_psnr, (*rows)[1].mean_psnr);
  const nn::Graph network = random_network();
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const Tensor back = testing::reference_run(network, {tensor_of(pictures[i])})[1];
    EXPECT_LT(testing::largest_difference(Tensor::from(back.dims(), (*rows)[1].planes[i]), back), 1e-4);
    EXPECT_EQ((*rows)[1].psnr[i], psnr(pictures[i], (*rows)[1].planes[i]));
  }
  EXPECT_EQ((*rows)[1].mean_psnr, ((*rows)[1].psnr[0] + (*rows)[1].psnr[1]) / 2);
  // Three rows of pictures; the sheet is as wide as the widest of two.
  EXPECT_GT(draw(pictures, *rows, 2).cols, draw(pictures, *rows, 1).cols);
  EXPECT_NE(table(pictures, *rows).find("\np1 "), std::string::npos) << table(pictures, *rows);
}

TEST(Models, AreOfOneKind) {
  const TemporaryFolder folder;
  const auto saved = [&](const nn::Graph& graph, const std::string& name) {
    EXPECT_TRUE(nn::save_onnx(graph, folder / name).ok());
    return folder / name;
  };
  train::AutoencoderRecipe dense;
  dense.layers = {9, 3};
  const train::Autoencoder network = train::make_autoencoder(dense);
  nn::CodeItem item;
  item.width = 9;
  const std::vector<float> parameters(network.parameters, 0.1f);
  const std::vector<std::filesystem::path> files{
      saved(random_network(), "whole.onnx"),
      saved(*train::autoencoder_network(network, parameters, item, 0), "rows.onnx")};
  const Result<Models> pictures = load_models({files.data(), 1}), rows = load_models({files.data() + 1, 1});
  ASSERT_TRUE(pictures.ok()) << pictures.error().message;
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_TRUE(pictures->are_pictures());
  EXPECT_EQ(pictures->pictures[0].name, "whole");
  EXPECT_EQ(pictures->pictures[0].extents.multiple, 4);
  EXPECT_FALSE(rows->are_pictures());
  const Result<Models> both = load_models(files);
  ASSERT_FALSE(both.ok());
  EXPECT_NE(both.error().message.find("whole takes pictures of any size and rows rows of 9 numbers"), std::string::npos)
      << both.error().message;
}

}  // namespace
}  // namespace latentflow::show

// show_pictures_test.cpp: what `latentflow show` tells of convolutional models: Jacobians, crops, PSNR, files.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/onnx_export.h"
#include "show/models.h"
#include "show/picture_jacobian.h"
#include "show/picture_reconstructions.h"
#include "support/picture_models.h"
#include "support/pictures.h"
#include "support/reference_network.h"
#include "support/temporary_folder.h"

namespace latentflow::show {
namespace {

using test::product;
using test::random_model;
using test::random_network;
using test::random_picture;
using test::TemporaryFolder;
using test::tensor_of;

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

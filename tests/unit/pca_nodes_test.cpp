// pca_nodes_test.cpp: pca_fit, pca_project and pca_reconstruct on pictures, patches and tensors.
#include <gtest/gtest.h>

#include <limits>

#include "data/digits.h"
#include "nn/onnx_import.h"
#include "nn/pca_model.h"
#include "pca/pca_fit.h"
#include "pca/pca_project.h"
#include "pca/pca_reconstruct.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/low_rank_data.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow::pca {
namespace {

using test::FakeContext;
using test::TemporaryFolder;

std::string fit_one(PcaFit& node, const Image* image, const Tensor* tensor) {
  FakeContext context("item");
  const Status status = node.process(image, tensor, context);
  return status ? "" : status.error().message;
}

void fit_pictures(const PcaFit::Params& params, const std::vector<cv::Mat>& pictures) {
  auto node = test::make_node<PcaFit>(params);
  for (const cv::Mat& picture : pictures) {
    const Image image(picture);
    ASSERT_EQ(fit_one(*node, &image, nullptr), "");
  }
  const Status status = node->finish();
  ASSERT_TRUE(status.ok()) << status.error().message;
}

std::vector<cv::Mat> digits(int count) {
  std::vector<cv::Mat> pictures;
  for (int i = 0; i < count; ++i) pictures.push_back(data::draw_digit(i % 10, static_cast<std::uint64_t>(i), 16));
  return pictures;
}

double mean_squared(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat fa, fb;
  a.convertTo(fa, CV_32F, a.depth() == CV_8U ? 1 / 255.0 : 1),
      b.convertTo(fb, CV_32F, b.depth() == CV_8U ? 1 / 255.0 : 1);
  return cv::norm(fa, fb, cv::NORM_L2SQR) / static_cast<double>(fa.total() * static_cast<std::size_t>(fa.channels()));
}

TEST(PcaNodes, WholePicturesComeBackWithTheErrorThatTheModelStates) {
  const TemporaryFolder folder;
  const std::vector<cv::Mat> pictures = digits(300);
  const std::string model = (folder / "sub/pca.onnx").string();
  for (const char* method : {"covariance", "randomized"}) {
    fit_pictures({.path = model, .components = 20, .method = method}, pictures);
    EXPECT_EQ(folder.files(), std::vector<std::string>{"sub/pca.onnx"});
    const nn::Pca pca = *nn::read_pca(*nn::load_onnx(model));
    EXPECT_EQ(pca.features(), 256);
    auto project = test::make_node<PcaProject>({model, 0});
    auto reconstruct = test::make_node<PcaReconstruct>({model, 0, "float"});
    double error = 0;
    for (const cv::Mat& picture : pictures) {
      const Image image(picture);
      FakeContext context;
      const Result<Tensor> codes = project->process(&image, nullptr, context);
      ASSERT_TRUE(codes.ok()) << codes.error().message;
      EXPECT_EQ(codes->dims(), (Dims{20}));
      const auto back = reconstruct->process(*codes, nullptr, context);
      ASSERT_TRUE(back.ok()) << back.error().message;
      error += 256 * mean_squared(std::get<Image>(*back).mat(), picture) / 300;
      EXPECT_EQ(std::get<Tensor>(*back).dims(), (Dims{1, 16, 16}));
    }
    EXPECT_NEAR(error, pca.mean_squared_error(), 1e-3 * error) << method;
    EXPECT_GT(error, 0.1);
  }
}

TEST(PcaNodes, AllComponentsOfPatchesGiveThePictureBack) {
  const TemporaryFolder folder;
  const std::string model = (folder / "pca.onnx").string();
  for (const int type : {CV_8UC1, CV_8UC3, CV_16UC3}) {
    const cv::Mat picture = test::soft_picture(37, 29, type);  // no multiple of the patch
    cv::Mat grainy = picture.clone();
    cv::RNG random(3);
    for (int y = 0; y < grainy.rows; ++y)
      for (int x = 0; x < grainy.cols; ++x)
        if (type == CV_8UC1) grainy.at<std::uint8_t>(y, x) ^= static_cast<std::uint8_t>(random.uniform(0, 16));
    auto fit = test::make_node<PcaFit>({.path = model, .components = 16 * picture.channels(), .patch = 4, .stride = 1});
    const Image image(picture), other(grainy);
    ASSERT_EQ(fit_one(*fit, &image, nullptr), "");
    ASSERT_EQ(fit_one(*fit, &other, nullptr), "");
    ASSERT_TRUE(fit->finish().ok());
    for (const std::int64_t stride : {0, 1, 3}) {
      SCOPED_TRACE(::testing::Message() << type << ", stride " << stride);
      FakeContext context;
      const Result<Tensor> codes = test::make_node<PcaProject>({model, stride})->process(&other, nullptr, context);
      ASSERT_TRUE(codes.ok()) << codes.error().message;
      auto reconstruct = test::make_node<PcaReconstruct>({model, stride, type == CV_16UC3 ? "16" : "8"});
      const auto back = reconstruct->process(*codes, &other, context);
      ASSERT_TRUE(back.ok()) << back.error().message;
      const cv::Mat& result = std::get<Image>(*back).mat();
      ASSERT_EQ(result.size(), grainy.size());
      ASSERT_EQ(result.type(), type);
      // All patches of a basis that spans everything: only rounding of float32 stays.
      EXPECT_LE(cv::norm(result, grainy, cv::NORM_INF), type == CV_16UC3 ? 8 : 0);
      const auto covering = reconstruct->process(*codes, nullptr, context);
      ASSERT_TRUE(covering.ok());
      EXPECT_GE(std::get<Image>(*covering).height(), grainy.rows);
    }
  }
}

TEST(PcaNodes, OverlappingPatchesTakeAwayMoreNoiseThanBlocks) {
  const TemporaryFolder folder;
  const std::string model = (folder / "pca.onnx").string();
  const cv::Mat clean = test::soft_picture(96, 96, CV_8UC1);
  cv::Mat noise(clean.size(), CV_32F), noisy;
  cv::RNG(5).fill(noise, cv::RNG::NORMAL, 0, 20);
  clean.convertTo(noisy, CV_32F);
  noisy = (noisy + noise) / 255;
  fit_pictures({.path = model, .components = 6, .patch = 8, .stride = 1}, {clean});
  const auto error = [&](std::int64_t stride) {
    FakeContext context;
    const Image image(noisy);
    const auto codes = test::make_node<PcaProject>({model, stride})->process(&image, nullptr, context);
    const auto back = test::make_node<PcaReconstruct>({model, stride, "float"})->process(*codes, &image, context);
    return mean_squared(std::get<Image>(*back).mat(), clean);
  };
  const double before = mean_squared(noisy, clean), blocks = error(0), overlapping = error(2);
  EXPECT_LT(blocks, 0.5 * before);
  EXPECT_LT(overlapping, 0.8 * blocks);
}

TEST(PcaNodes, TensorsWholeAndByRows) {
  const TemporaryFolder folder;
  const std::string model = (folder / "pca.onnx").string();
  const Tensor rows = testing::rows_with_decay(200, 12, 0.7, 1);
  auto by_rows = test::make_node<PcaFit>({.path = model, .variance = 0.95, .whiten = true, .rows = true});
  ASSERT_EQ(fit_one(*by_rows, nullptr, &rows), "");
  ASSERT_TRUE(by_rows->finish().ok());
  const std::string whole_model = (folder / "whole.onnx").string();
  auto whole = test::make_node<PcaFit>({.path = whole_model, .variance = 0.95, .whiten = true});
  for (std::int64_t i = 0; i < 200; ++i) {
    const Tensor one = Tensor::from({3, 4}, rows.span().subspan(static_cast<std::size_t>(12 * i), 12));
    ASSERT_EQ(fit_one(*whole, nullptr, &one), "");
  }
  ASSERT_TRUE(whole->finish().ok());
  EXPECT_EQ(TemporaryFolder::read(model), TemporaryFolder::read(whole_model));

  FakeContext context;
  auto project = test::make_node<PcaProject>({model, 0});
  const Tensor codes = *project->process(nullptr, &rows, context);
  ASSERT_EQ(codes.dims().size(), 2u);
  EXPECT_LT(codes.dims()[1], 12);
  const auto back = test::make_node<PcaReconstruct>({model, 0, "float"})->process(codes, nullptr, context);
  EXPECT_EQ(std::get<Tensor>(*back).dims(), rows.dims());
  EXPECT_EQ(project->process(nullptr, &codes, context).error().message,
            "tensor is " + to_string(codes.dims()) + ", the model takes 12 numbers, or rows of as many");
  const Image picture(cv::Mat(3, 4, CV_8U, cv::Scalar(1)));
  EXPECT_EQ(project->process(&picture, nullptr, context).error().message, "got a picture, the model is for tensor 12");
}

TEST(PcaNodes, FitRefusesItemsThatCannotBelongTogether) {
  const TemporaryFolder folder;
  const Path path = folder / "pca.onnx";
  auto node = test::make_node<PcaFit>({.path = path, .components = 3});
  const std::vector<cv::Mat> pictures = digits(2);
  cv::Mat colour, alpha, bad(16, 16, CV_32F, cv::Scalar(0.5));
  cv::merge(std::vector<cv::Mat>(3, pictures[0]), colour);
  cv::merge(std::vector<cv::Mat>(4, pictures[0]), alpha);
  bad.at<float>(3, 4) = std::numeric_limits<float>::quiet_NaN();
  const Image first(pictures[0]), second(pictures[1]), in_colour(colour), with_alpha(alpha), not_finite(bad),
      small(pictures[0](cv::Rect(0, 0, 8, 16)).clone());
  EXPECT_EQ(fit_one(*node, &not_finite, nullptr),
            "the picture is not a number at x 4, y 3; one such sample spoils what lies around it");
  EXPECT_EQ(fit_one(*node, &first, nullptr), "");
  EXPECT_EQ(fit_one(*node, &small, nullptr),
            "is image 16x8x1, the first was image 16x16x1; all have to be alike (nodes resize, crop, convert)");
  EXPECT_EQ(fit_one(*node, &in_colour, nullptr),
            "is image 16x16x3, the first was image 16x16x1; all have to be alike (nodes resize, crop, convert)");
  EXPECT_NE(fit_one(*node, &with_alpha, nullptr).find("node convert drops alpha"), std::string::npos);
  EXPECT_EQ(fit_one(*node, &second, nullptr), "");
  const Status status = node->finish();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "'" + path.string() +
                "' was not written: 3 components were asked for, but there are only 2 items; allowed 1 to 2");
  EXPECT_EQ(folder.files(), std::vector<std::string>());

  const Path file = folder.write("file", std::string("text"));
  EXPECT_EQ(test::refusal_of<PcaFit>({.path = file / "pca.onnx", .components = 3}),
            "path '" + file.string() + "' is a file, needs a folder");
  std::filesystem::remove(file);
  auto empty = test::make_node<PcaFit>({.path = path, .components = 3});
  EXPECT_EQ(empty->finish().error().message, "no item arrived, '" + path.string() + "' was not written");
  auto patches = test::make_node<PcaFit>({.path = path, .components = 3, .patch = 17});
  EXPECT_EQ(fit_one(*patches, &first, nullptr), "picture is 16x16, smaller than a patch of 17x17");
  auto many = test::make_node<PcaFit>({.path = path, .components = 300});
  EXPECT_EQ(fit_one(*many, &first, nullptr), "300 components were asked for, items have 256 numbers");
  auto tensors = test::make_node<PcaFit>({.path = path, .components = 3});
  const Tensor nan = Tensor::from({2}, std::vector<float>{1, std::numeric_limits<float>::infinity()});
  EXPECT_EQ(fit_one(*tensors, nullptr, &nan), "row 0, column 1 is inf; needs finite numbers");
  auto kept = test::make_node<PcaFit>({.path = path, .components = 3, .method = "randomized", .max_memory = 1});
  const Tensor large = Tensor::filled({200000}, 1);
  EXPECT_EQ(fit_one(*kept, nullptr, &large), "");
  EXPECT_EQ(fit_one(*kept, nullptr, &large),
            "1 items are kept already, allowed are 1 MiB of them; raise max_memory, or use method covariance");
  auto huge = test::make_node<PcaFit>({.path = path, .components = 3});
  EXPECT_NE(fit_one(*huge, nullptr, &large).find("items have 200000 numbers, method covariance takes up to 8192"),
            std::string::npos);
  EXPECT_EQ(test::refusal_of<PcaFit>({.path = "model.bin", .components = 3}),
            "path 'model.bin' ends in '.bin', needs .onnx");
}

TEST(PcaNodes, RefuseOtherModelsPicturesAndCodes) {
  const TemporaryFolder folder;
  const std::string model = (folder / "pca.onnx").string(), blocks = (folder / "blocks.onnx").string();
  fit_pictures({.path = model, .components = 5}, digits(20));
  fit_pictures({.path = blocks, .components = 5, .patch = 4}, digits(20));
  EXPECT_EQ(test::refusal_of<PcaProject>({model, 4}),
            "stride is 4, the model is for image 16x16x1; allowed up to the side of its patches");
  EXPECT_EQ(test::refusal_of<PcaReconstruct>({blocks, 5, "8"}),
            "stride is 5, the model is for patch 4x4x1; allowed up to the side of its patches");
  FakeContext context;
  const Image large(cv::Mat(20, 16, CV_8U, cv::Scalar(0))), colour(cv::Mat(16, 16, CV_8UC3, cv::Scalar(0)));
  EXPECT_EQ(test::make_node<PcaProject>({model, 0})->process(&large, nullptr, context).error().message,
            "picture is 16x20, the model is for 16x16 (node resize)");
  EXPECT_EQ(test::make_node<PcaProject>({model, 0})->process(&colour, nullptr, context).error().message,
            "picture has 3 channels, the model is for 1 (node convert)");
  EXPECT_EQ(test::make_node<PcaReconstruct>({model, 0, "8"})
                ->process(Tensor::filled({7}, 0), nullptr, context)
                .error()
                .message,
            "codes are 7, the model has 5 components for one picture, or [pictures, numbers] for a strip of them");
  EXPECT_EQ(test::make_node<PcaReconstruct>({blocks, 0, "8"})
                ->process(Tensor::filled({5}, 0), nullptr, context)
                .error()
                .message,
            "codes are 5, a model of patches needs [rows, columns, 5]");
  const Tensor codes = *test::make_node<PcaProject>({blocks, 2})->process(&large, nullptr, context);
  EXPECT_EQ(codes.dims(), (Dims{9, 7, 5}));
  EXPECT_EQ(
      test::make_node<PcaReconstruct>({blocks, 0, "8"})->process(codes, &large, context).error().message,
      "codes are of 7x9 patches, a picture of 16x20 has 4x5 with stride 4; pca_project has to use the same stride");
}

}  // namespace
}  // namespace latentflow::pca

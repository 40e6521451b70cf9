// autoencoder_nodes_test.cpp: encode and decode over the files that training writes.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "autoencoder/decode.h"
#include "autoencoder/encode.h"
#include "data/digits.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/reference_network.h"
#include "support/small_autoencoder.h"
#include "support/temporary_folder.h"

namespace latentflow::autoencoder {
namespace {

using test::FakeContext;
using test::make_node;
using test::TemporaryFolder;

/// For 12x12 pixels, with 9 numbers as codes.
struct Model : test::SmallAutoencoder {
  Model(const std::filesystem::path& file, std::int64_t keep, const std::string& task = "autoencoder")
      : SmallAutoencoder({144, 40, 9}) {
    write(file, keep, task);
  }
};

class AutoencoderNodes : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::string file_ = (folder_ / "model.onnx").string();
  FakeContext context_;
};

TEST_F(AutoencoderNodes, EncodeAndDecodeComputeTheTwoHalves) {
  const Model model(file_, 0);
  const auto encode = make_node<Encode>({file_, 0});
  const auto decode = make_node<Decode>({file_, 0, "float"});
  ASSERT_TRUE(encode && decode);
  const Image picture(data::draw_digit(4, 1, 12));
  const Result<Tensor> codes = encode->process(&picture, nullptr, context_);
  ASSERT_TRUE(codes.ok()) << codes.error().message;
  std::vector<float> row;
  for (int i = 0; i < 144; ++i) row.push_back(static_cast<float>(picture.mat().at<std::uint8_t>(i / 12, i % 12)) / 255);
  const std::vector<float> expected = train::encode(model.shape, model.parameters, row);
  ASSERT_EQ(codes->dims(), (Dims{9}));
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(codes->data()[i], expected[i], 1e-5);
  const auto back = decode->process(*codes, nullptr, context_);
  ASSERT_TRUE(back.ok()) << back.error().message;
  const Tensor& planes = std::get<Tensor>(*back);
  ASSERT_EQ(planes.dims(), (Dims{1, 12, 12}));
  double error = 0;
  for (std::size_t i = 0; i < 144; ++i) error += std::pow(static_cast<double>(planes.data()[i] - row[i]), 2);
  EXPECT_NEAR(error, train::squared_error(model.shape, model.parameters, row), 1e-3 * error);
}

TEST_F(AutoencoderNodes, EncodeKeepsTheLargestActivationsOfSparseModels) {
  const Model model(file_, 3);
  const auto encode = make_node<Encode>({file_, 0});
  ASSERT_TRUE(encode);
  const Image picture(data::draw_digit(7, 1, 12));
  const Result<Tensor> codes = encode->process(&picture, nullptr, context_);
  ASSERT_TRUE(codes.ok()) << codes.error().message;
  EXPECT_EQ(std::count(codes->span().begin(), codes->span().end(), 0.0f), 6);
}

TEST_F(AutoencoderNodes, RefuseNumbersThatAreNotFinite) {
  const Model model(file_, 0);
  const auto encode = make_node<Encode>({file_, 0});
  const auto decode = make_node<Decode>({file_, 0, "float"});
  ASSERT_TRUE(encode && decode);
  cv::Mat pixels(12, 12, CV_32F, cv::Scalar(0.5));
  pixels.at<float>(3, 7) = std::numeric_limits<float>::quiet_NaN();
  const Image picture(pixels);
  EXPECT_EQ(encode->process(&picture, nullptr, context_).error().message,
            "the picture is not a number at x 7, y 3; one such sample spoils what lies around it");
  Tensor codes = Tensor::filled({2, 9}, 1);
  codes.mutable_data()[9 + 4] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(decode->process(codes, nullptr, context_).error().message, "row 1, column 4 is -inf; needs finite numbers");
}

TEST_F(AutoencoderNodes, ThePrecisionIsTheOneAskedFor) {
  const Model model(file_, 0);
  EXPECT_NE(test::refusal_of<Decode>({file_, 0, "float", "int8"}).find("precision int8 needs a quantized network"),
            std::string::npos);
  EXPECT_EQ(test::refusal_of<Decode>({file_, 0, "float", "f32"}), "");
  if (const std::string refusal = test::refusal_of<Encode>({file_, 0, "bf16"}); !refusal.empty()) {
    EXPECT_NE(refusal.find("AVX-512"), std::string::npos) << refusal;
    return;
  }
  const auto whole = make_node<Encode>({file_, 0, "f32"}), half = make_node<Encode>({file_, 0, "bf16"});
  ASSERT_TRUE(whole && half);
  const Image picture(data::draw_digit(4, 1, 12));
  const Result<Tensor> exact = whole->process(&picture, nullptr, context_),
                       rounded = half->process(&picture, nullptr, context_);
  ASSERT_TRUE(exact.ok() && rounded.ok());
  EXPECT_GT(testing::largest_difference(*exact, *rounded), 0);
  EXPECT_LT(testing::largest_difference(*exact, *rounded), 0.02);
}

TEST_F(AutoencoderNodes, RefuseModelsOfOtherTasks) {
  const Model model(file_, 0, "denoise");
  EXPECT_EQ(test::refusal_of<Encode>({file_, 0}),
            file_ +
                " is a model for the task 'denoise', needs one for 'autoencoder' or 'image_codes' or 'pca' (written by "
                "latentflow train or pca_fit)");
  const Model sparse(file_, 12);
  EXPECT_EQ(test::refusal_of<Encode>({file_, 0}), file_ + ": code_keep is \"12\", allowed 1 to 9");
}

}  // namespace
}  // namespace latentflow::autoencoder

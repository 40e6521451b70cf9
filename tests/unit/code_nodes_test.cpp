// code_nodes_test.cpp: codes drawn from fitted distributions, ways between codes, and denoising chains.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "autoencoder/decode.h"
#include "autoencoder/denoising_chain.h"
#include "autoencoder/encode.h"
#include "autoencoder/interpolate_codes.h"
#include "autoencoder/sample_codes.h"
#include "data/digits.h"
#include "latentflow/graph.h"
#include "nn/npy.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/small_autoencoder.h"
#include "support/temporary_folder.h"
#include "train/random.h"
#include "train/trainer.h"

namespace latentflow::autoencoder {
namespace {

using test::FakeContext;
using test::make_node;
using test::TemporaryFolder;

/// Two clouds of equal weight around (4, 4) and (-4, -4), each long along x = y (deviation 1) and thin across (0.2).
std::string clouds(const TemporaryFolder& folder) {
  std::vector<float> values(2 * 2000);
  train::fill_normal(values, 4);
  for (std::size_t i = 0; i < 2000; ++i) {
    const float along = values[2 * i] * 0.7071f, across = values[2 * i + 1] * 0.2f * 0.7071f;
    const float centre = i % 2 == 0 ? 4 : -4;
    values[2 * i] = centre + along + across, values[2 * i + 1] = centre + along - across;
  }
  const std::string file = (folder / "codes.npy").string();
  EXPECT_TRUE(nn::write_npy(file, Tensor::from({2000, 2}, values)).ok());
  return file;
}

std::vector<std::array<double, 2>> draw(const std::string& file, int components, std::int64_t seed) {
  const auto node = make_node<SampleCodes>({file, 3000, components, seed});
  std::vector<std::array<double, 2>> drawn;
  FakeContext context;
  const std::vector<SourceItem> items = *node->list();
  for (const SourceItem& item : items) {
    const Result<Tensor> code = node->process(item, context);
    EXPECT_EQ(code->dims(), Dims{2});
    drawn.push_back({static_cast<double>(code->data()[0]), static_cast<double>(code->data()[1])});
  }
  return drawn;
}

TEST(SampleCodes, GaussianHasTheMomentsOfTheCodes) {
  const TemporaryFolder folder;
  const std::string file = clouds(folder);
  double mean = 0, square = 0, across = 0;
  constexpr double all = 5 * 3000;
  for (std::int64_t seed = 1; seed <= 5; ++seed)
    for (const auto& [x, y] : draw(file, 1, seed))
      mean += x / all, square += x * x / all, across += (x - y) * (x - y) / all;
  EXPECT_NEAR(mean, 0, 0.15);
  EXPECT_NEAR(square, 16 + 0.5 + 0.02, 0.6);
  // (x - y) has the deviation 2 * 0.2 * 0.7071.
  EXPECT_NEAR(std::sqrt(across), 0.2828, 0.02);
}

TEST(SampleCodes, MixtureStaysInTheClouds) {
  const TemporaryFolder folder;
  const std::string file = clouds(folder);
  int right = 0, between = 0;
  const auto drawn = draw(file, 2, 1);
  for (const auto& [x, y] : drawn) right += x > 0, between += std::abs(x) < 1;
  EXPECT_NEAR(right, 1500, 120);
  EXPECT_LT(between, 5);
  int gaussian_between = 0;
  for (const auto& [x, y] : draw(file, 1, 1)) gaussian_between += std::abs(x) < 1;
  EXPECT_GT(gaussian_between, 300);
  EXPECT_EQ(draw(file, 2, 1), drawn);
  EXPECT_NE(draw(file, 2, 2), drawn);
}

TEST(SampleCodes, RefusesWhatCannotBeFitted) {
  const TemporaryFolder folder;
  const std::string file = (folder / "few.npy").string();
  ASSERT_TRUE(nn::write_npy(file, Tensor::filled({7, 2}, 1)).ok());
  EXPECT_EQ(test::refusal_of<SampleCodes>({file, 1, 2, 1}),
            "'" + file + "': 7 codes of 2 numbers are too few for 2 components, needs 8");
  ASSERT_TRUE(nn::write_npy(file, Tensor::filled({2, 3, 4}, 1)).ok());
  EXPECT_NE(test::refusal_of<SampleCodes>({file, 1, 1, 1}).find("codes are 2x3x4, needs [items, numbers]"),
            std::string::npos);
  Tensor broken = Tensor::filled({9, 1}, 1);
  broken.mutable_data()[4] = NAN;
  ASSERT_TRUE(nn::write_npy(file, broken).ok());
  EXPECT_NE(test::refusal_of<SampleCodes>({file, 1, 1, 1}).find("not finite"), std::string::npos);
  for (const float largest : {1e15f, 1e16f, 1e30f}) {
    Tensor large({64, 4});
    for (std::int64_t i = 0; i < large.size(); ++i)
      large.mutable_data()[i] = largest * static_cast<float>(i * 37 % 101) / 100;
    ASSERT_TRUE(nn::write_npy(file, large).ok());
    const std::string refused = test::refusal_of<SampleCodes>({file, 1, 2, 1});
    if (largest == 1e15f)
      EXPECT_EQ(refused, "");
    else
      EXPECT_NE(refused.find(", allowed -1e+15 to 1e+15"), std::string::npos) << refused;
  }
  EXPECT_NE(test::refusal_of<SampleCodes>({folder / "none.npy", 1, 1, 1}), "");
}

TEST(InterpolateCodes, GoesStraightFromOneToTheOther) {
  InterpolateCodes node({5});
  FakeContext context;
  const Tensor from = Tensor::from({2}, std::vector<float>{0, 8}), to = Tensor::from({2}, std::vector<float>{4, 0});
  const Result<Tensor> way = node.process(from, &to, context);
  ASSERT_TRUE(way.ok());
  EXPECT_EQ(way->dims(), (Dims{5, 2}));
  EXPECT_EQ(std::vector<float>(way->span().begin(), way->span().end()),
            (std::vector<float>{0, 8, 1, 6, 2, 4, 3, 2, 4, 0}));
  const Tensor longer = Tensor::filled({3}, 1);
  EXPECT_EQ(node.process(from, &longer, context).error().message,
            "codes are 2 at one end and 3 at the other; needs equal shapes");
}

TEST(InterpolateCodes, WithoutAnEndComesFromTheItemBefore) {
  InterpolateCodes node({2});
  FakeContext context;
  const Tensor one = Tensor::from({1}, std::vector<float>{3}), two = Tensor::from({1}, std::vector<float>{5});
  EXPECT_EQ(node.process(one, nullptr, context).error().code, Code::filtered);
  const Result<Tensor> way = node.process(two, nullptr, context);
  ASSERT_TRUE(way.ok());
  EXPECT_EQ(way->data()[0], 3);
  EXPECT_EQ(way->data()[1], 5);
}

/// An autoencoder with random weights for 12x12 pixels.
std::string model_in(const TemporaryFolder& folder) {
  const std::filesystem::path file = folder / "model.onnx";
  test::SmallAutoencoder({144, 9}).write(file);
  return file.string();
}

TEST(Decode, PutsCodesOfSeveralPicturesSideBySide) {
  const TemporaryFolder folder;
  const auto decode = make_node<Decode>({model_in(folder), 0, "float"});
  ASSERT_TRUE(decode);
  FakeContext context;
  Tensor codes({3, 9});
  train::fill_normal(codes.mutable_span(), 1);
  const auto strip = decode->process(codes, nullptr, context);
  ASSERT_TRUE(strip.ok()) << strip.error().message;
  const cv::Mat& picture = std::get<Image>(*strip).mat();
  ASSERT_EQ(picture.size(), cv::Size(36, 12));
  EXPECT_EQ(decode->predict({{Kind::tensor, {3, 9}, 4}, {}}).outputs[0].dims, (Dims{12, 36, 1}));
  for (int i = 0; i < 3; ++i) {
    const auto one =
        decode->process(Tensor::from({9}, codes.span().subspan(static_cast<std::size_t>(i) * 9, 9)), nullptr, context);
    ASSERT_TRUE(one.ok());
    EXPECT_LT(cv::norm(std::get<Image>(*one).mat(), picture(cv::Rect(12 * i, 0, 12, 12)), cv::NORM_INF), 1e-5) << i;
  }
}

TEST(ShippedGraphs, DrawDigitsFromTheCodesOfDrawnDigits) {
  const TemporaryFolder folder;
  const std::string output = (folder / "out").string();
  train::TrainingJob job;
  const Result<train::Recipe> recipe = train::load_recipe(
      LATENTFLOW_SOURCE_DIR "/models/recipes/mnist_deep.yaml",
      {"network.layers=[784, 6]", "data.digits=synthetic", "data.train=200", "data.test=10", "batch=20", "steps=20"});
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  job.recipe = *recipe, job.model = folder / "m.onnx";
  ASSERT_TRUE(train::train(job).ok());
  const Host host;
  const auto run = [&](const std::string& name, std::vector<std::string> sets) {
    sets.push_back("model=" + job.model.string());
    sets.push_back("output=" + output);
    const Report report = Graph::load(host, std::string(LATENTFLOW_SOURCE_DIR "/graphs/") + name + ".yaml", sets).run();
    EXPECT_EQ(report.exit_code(), 0) << (report.problems.empty() ? "" : report.problems[0].text());
    return report.delivered;
  };
  EXPECT_EQ(run("digit_codes", {"count=40"}), 40u);
  EXPECT_TRUE(std::filesystem::exists(output + "/chains.png"));
  // Ways lead from a digit to the next, so none to the first: it is filtered out there, and drawn all the same.
  EXPECT_EQ(run("digits_from_codes", {"codes=" + output + "/codes.npy", "count=40"}), 39u);
  for (const char* name : {"/pictures/00000.png", "/pictures/00039.png", "/pairs.png", "/errors.csv"})
    EXPECT_TRUE(std::filesystem::exists(output + name)) << name;
  EXPECT_TRUE(std::filesystem::remove(output + "/ways.png"));
  EXPECT_EQ(run("sample_digits", {"codes=" + output + "/codes.npy", "components=2", "count=3"}), 3u);
  EXPECT_TRUE(std::filesystem::exists(output + "/samples/00002.png"));
  EXPECT_TRUE(std::filesystem::exists(output + "/ways.png"));
}

TEST(DenoisingChain, IsWhatItsStepsAre) {
  const TemporaryFolder folder;
  const std::string file = model_in(folder);
  // Without corruption a step is decode(encode()), and every kind of corruption changes it.
  const auto still = make_node<DenoisingChain>({file, 2, "masking", 0, 1});
  const auto masked = make_node<DenoisingChain>({file, 2, "masking", 0.5, 1});
  const auto noisy = make_node<DenoisingChain>({file, 2, "gaussian", 0.3, 1});
  const auto encode = make_node<Encode>({file, 0});
  const auto decode = make_node<Decode>({file, 0, "float"});
  ASSERT_TRUE(still && masked && noisy && encode && decode);
  FakeContext context, later("b", 1);
  const Image picture(data::draw_digit(4, 1, 12));
  const auto chain = still->process(picture, context);
  ASSERT_TRUE(chain.ok()) << chain.error().message;
  const auto& [strip, last] = *chain;
  ASSERT_EQ(strip.mat().size(), cv::Size(36, 12));
  cv::Mat start;
  picture.mat().convertTo(start, CV_32F, 1.0 / 255);
  EXPECT_LT(cv::norm(strip.mat()(cv::Rect(0, 0, 12, 12)), start, cv::NORM_INF), 1e-6);
  const Image first(strip.mat()(cv::Rect(12, 0, 12, 12)).clone());
  const auto codes = encode->process(&picture, nullptr, context);
  ASSERT_TRUE(codes.ok()) << codes.error().message;
  const auto back = decode->process(*codes, nullptr, context);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_LT(cv::norm(std::get<Image>(*back).mat(), first.mat(), cv::NORM_INF), 1e-5);
  const auto again = make_node<DenoisingChain>({file, 1, "masking", 0, 1})->process(first, context);
  EXPECT_LT(cv::norm(std::get<1>(*again).mat(), last.mat(), cv::NORM_INF), 1e-5);
  const cv::Mat one = std::get<1>(*masked->process(picture, context)).mat();
  EXPECT_EQ(cv::norm(one, std::get<1>(*masked->process(picture, context)).mat(), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(one, std::get<1>(*masked->process(picture, later)).mat(), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(one, last.mat(), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(std::get<1>(*noisy->process(picture, context)).mat(), last.mat(), cv::NORM_INF), 0);
}

}  // namespace
}  // namespace latentflow::autoencoder

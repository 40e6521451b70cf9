// denoise_twin_test.cpp: the model that the zoo has for grey pictures: damaged, and met by surprise.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "denoise/denoise.h"
#include "nn/onnx_export.h"
#include "support/fake_context.h"
#include "support/temporary_folder.h"

namespace latentflow::denoise {
namespace {

/// A network that leaves pictures of so many channels as they are.
void save_identity(std::int64_t channels, const Path& file) {
  nn::Graph graph;
  graph.outputs = {graph.add_node(nn::Op::relu, "clean", {graph.add_input("image", {-1, channels, -1, -1})})};
  const Status saved = nn::save_onnx(graph, file);
  ASSERT_TRUE(saved.ok()) << saved.error().message;
}

Denoise node_with_twin(const Path& color, const Path& gray) {
  Denoise node;
  node.denoiser = Denoiser::load(color, nn::Precision::automatic).value();
  node.gray_twin = std::make_shared<DenoiserFile>(gray, nn::Precision::automatic);
  return node;
}

TEST(DenoiseTwin, WhenDamagedFailsEveryGreyPictureForTheSameReason) {
  const test::TemporaryFolder folder;
  save_identity(3, folder / "color.onnx");
  const Path twin = folder.write("gray.onnx", std::string("no model"));
  const Denoise node = node_with_twin(folder / "color.onnx", twin);
  test::FakeContext context;
  const auto clean = [&](int type) {
    cv::Mat picture(20, 30, type);
    cv::randu(picture, 0, 256);
    return node.process(Image(picture), nullptr, context);
  };
  const Result<Image> first = clean(CV_8UC1);
  ASSERT_FALSE(first.ok());
  EXPECT_NE(first.error().message.find("gray.onnx"), std::string::npos) << first.error().message;
  EXPECT_TRUE(clean(CV_8UC3).ok());
  save_identity(1, twin);  // whole from now on, but this run has told another item that it is not
  const Result<Image> second = clean(CV_16UC1);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message, first.error().message);
  EXPECT_EQ(second.error().code, first.error().code);
  EXPECT_TRUE(DenoiserFile(twin, nn::Precision::automatic).denoiser().ok()) << "the next run";
}

TEST(DenoiseTwin, IsAdmittedBeforeAGreyPictureInAColourFileTakesIt) {
  const test::TemporaryFolder folder;
  save_identity(3, folder / "color.onnx");
  save_identity(1, folder / "gray.onnx");
  const Denoise node = node_with_twin(folder / "color.onnx", folder / "gray.onnx");
  cv::Mat grey(20, 30, CV_8UC1), colour;
  cv::randu(grey, 0, 256);
  cv::merge(std::vector<cv::Mat>{grey, grey, grey}, colour);
  test::FakeContext context;
  EXPECT_TRUE(node.process(Image(grey), nullptr, context).ok());
  EXPECT_TRUE(context.admitted.empty()) << "the header of a grey file has told";
  EXPECT_TRUE(node.process(Image(colour), nullptr, context).ok());
  ASSERT_EQ(context.admitted.size(), 1u);
  const Prediction& asked = context.admitted[0];
  EXPECT_GT(asked.worker_bytes, 0u);
  EXPECT_EQ(asked.working_bytes, 2 * grey.total()) << "the plane and its result";
  ASSERT_FALSE(asked.shared.empty());
  EXPECT_EQ(asked.shared.back().owner, (*node.denoiser_for(1)).get()) << "the file of the twin";
  context.allow = false;
  const Result<Image> refused = node.process(Image(colour), nullptr, context);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::out_of_memory);
  EXPECT_NE(refused.error().message.find("three planes are equal"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace latentflow::denoise

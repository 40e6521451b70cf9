// tile_limits_test.cpp: stages with networks choose tiles that fit what their threads may work in, and keep to what
// they predicted.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <string>

#include "denoise/denoise.h"
#include "inpaint/inpaint.h"
#include "nn/onnx_export.h"
#include "stages/tile_prediction.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/network_builder.h"
#include "support/temporary_folder.h"

namespace latentflow {
namespace {

using testing::Builder;

class TileLimits : public ::testing::Test {
 protected:
  static constexpr int rows = 600, columns = 840;

  /// A network of convolutions for colour pictures without facts about it, with a mask as second input or alone.
  std::string model(bool masked) {
    Builder b;
    const nn::ValueId picture = b.input({-1, 3, -1, -1});
    nn::ValueId x = picture;
    if (masked) x = b.node(nn::Op::concat, {picture, b.input({-1, 1, -1, -1})}, nn::ConcatAttributes{1});
    x = b.node(nn::Op::relu, {b.conv(x, masked ? 4 : 3, 16, 3)});
    x = b.node(nn::Op::relu, {b.conv(x, 16, 16, 3)});
    b.graph.outputs = {b.node(nn::Op::add, {picture, b.conv(x, 16, 3, 3)})};
    const std::string file = (folder_.path() / "model.onnx").string();
    EXPECT_TRUE(nn::save_onnx(b.graph, file).ok());
    return file;
  }

  static cv::Mat random_picture(int type) {
    cv::Mat picture(rows, columns, type);
    cv::RNG random(5);
    random.fill(picture, cv::RNG::UNIFORM, 0, 256);
    return picture;
  }

  /// Whatever the limit, the node predicts to keep to it, and works on more and smaller tiles, whose number it measures
  /// as `quantity`.
  template <class Node, class Process>
  void expect_thrift(const Node& node, const Process& process, const std::string& quantity) {
    const Shapes shapes{{Kind::image, {rows, columns, 3}, 1}, {Kind::image, {rows, columns, 1}, 1}};
    const Prediction whole = node.predict(shapes);
    EXPECT_EQ(whole.workers, 1);
    test::FakeContext at_ease, limited;
    const cv::Mat expected = process(at_ease);
    for (const std::size_t share : {3, 10}) {
      limited = test::FakeContext();
      limited.limit = whole.worker_bytes / share;
      const Prediction thrifty = node.predict(shapes, limited.limit);
      EXPECT_LE(thrifty.worker_bytes, limited.limit);
      EXPECT_GE(thrifty.workers, static_cast<int>(share));
      EXPECT_LE(cv::norm(process(limited), expected, cv::NORM_INF), 1);
      EXPECT_GT(limited.measured[quantity], at_ease.measured[quantity]);
    }
    Shapes unknown = shapes;
    unknown[0].dims.clear();
    EXPECT_EQ(node.predict(unknown, 1000).worker_bytes, 1000u);
  }

  /// A tile set by hand takes what it takes.
  template <class Node>
  static void expect_no_thrift(const Node& node) {
    const Shapes shapes{{Kind::image, {rows, columns, 3}, 1}, {Kind::image, {rows, columns, 1}, 1}};
    EXPECT_EQ(node.predict(shapes, 1).worker_bytes, node.predict(shapes).worker_bytes);
  }

  test::TemporaryFolder folder_;
  test::FileServices services_{2};
};

/// Networks own their forms of weights each, so that of two only the sums can be compared.
std::size_t bytes_of(const std::vector<SharedMemory>& shared) {
  std::size_t bytes = 0;
  for (const SharedMemory& one : shared) bytes += one.bytes;
  return bytes;
}

TEST_F(TileLimits, APredictionIsWhatTheNetworkPlans) {
  const std::string file = model(false);
  const auto denoiser = *nn::Network::load(file);
  const std::vector<Dims> dims{Dims{1, 3, rows, columns}};
  for (const std::int64_t side : {0, 200}) {
    for (const std::size_t limit : {no_limit, std::size_t{4} << 20}) {
      nn::TileOptions options;
      options.side = side;
      const auto planned = denoiser->fitted_tile_memory(dims, options, limit, true);
      ASSERT_TRUE(planned.ok()) << planned.error().message;
      const Prediction predicted = stages::tile_prediction(*denoiser, dims, options, limit, true);
      EXPECT_EQ(predicted.worker_bytes, planned->tile_bytes);
      EXPECT_EQ(predicted.workers, static_cast<int>(planned->tiles));
      EXPECT_EQ(bytes_of(predicted.shared), planned->weight_bytes());
      // The stages predict the same, up to what they need besides.
      denoise::Denoise::Params params;
      params.model = file, params.sigma = {20.0}, params.tile = side;
      const auto node = denoise::Denoise::create(params, services_);
      ASSERT_TRUE(node.ok()) << node.error().message;
      const Prediction of_node = (*node)->predict({{Kind::image, {rows, columns, 3}, 1}, {Kind::image, {}, 1}}, limit);
      EXPECT_EQ(of_node.worker_bytes, stages::tile_prediction(*denoiser, dims, options, limit).worker_bytes);
      EXPECT_EQ(bytes_of(of_node.shared), bytes_of(stages::tile_prediction(*denoiser, dims, options, limit).shared));
    }
  }
  EXPECT_EQ(stages::tile_prediction(*denoiser, {}, {}, 1000).worker_bytes, 1000u);
  EXPECT_EQ(stages::tile_prediction(*denoiser, {}, {}, no_limit).worker_bytes, nn::TileOptions().bytes_per_tile);
  const Prediction refused = stages::tile_prediction(*denoiser, {Dims{1, 4, rows, columns}}, {}, no_limit);
  EXPECT_EQ(refused.worker_bytes, 0u);
  EXPECT_TRUE(refused.shared.empty());
}

TEST_F(TileLimits, OfADenoiserAreKept) {
  denoise::Denoise::Params params;
  params.model = model(false), params.sigma = {20.0};
  const auto node = denoise::Denoise::create(params, services_);
  ASSERT_TRUE(node.ok()) << node.error().message;
  const auto process = [&](Context& ctx) {
    return (*node)->process(Image(random_picture(CV_8UC3)), nullptr, ctx).value().mat();
  };
  expect_thrift(**node, process, "gflop");
  params.tile = 200;
  expect_no_thrift(**denoise::Denoise::create(params, services_));
}

TEST_F(TileLimits, OfAnInpainterAreKept) {
  inpaint::Inpaint::Params params;
  params.model = model(true);
  params.nonlocal = 0;  // which known pixel is most similar may hang on the last bit of the network
  const auto node = inpaint::Inpaint::create(params, services_);
  ASSERT_TRUE(node.ok()) << node.error().message;
  cv::Mat mask = random_picture(CV_8UC1);
  mask = mask > 127;
  const auto process = [&](Context& ctx) {
    return (*node)->process(Image(random_picture(CV_8UC3)), Image(mask), ctx).value().mat();
  };
  expect_thrift(**node, process, "tiles");
  params.tile = 200;
  expect_no_thrift(**inpaint::Inpaint::create(params, services_));
}

TEST_F(TileLimits, AnEnsembleIsChargedForPicturesOnTheirSide) {
  // It looks far to both sides and nowhere up and down, so that tiles are wide where the picture is.
  Builder b;
  const nn::ValueId picture = b.input({-1, 3, -1, -1});
  b.graph.outputs = {b.node(nn::Op::conv, {picture, b.constant({3, 3, 1, 61})},
                            nn::ConvAttributes{{1, 61}, {1, 1}, {1, 1}, {0, 30, 0, 30}, 1, {0, 0}})};
  denoise::Denoise::Params params;
  params.model = (folder_.path() / "wide.onnx").string(), params.sigma = {20.0}, params.tile = 16;
  ASSERT_TRUE(nn::save_onnx(b.graph, params.model).ok());
  const auto charge = [&](std::int64_t ensemble, std::int64_t height, std::int64_t width) {
    params.ensemble = ensemble;
    const auto node = denoise::Denoise::create(params, services_);
    EXPECT_TRUE(node.ok()) << node.error().message;
    return (*node)->predict({{Kind::image, {height, width, 3}, 1}, {Kind::image, {}, 1}}).worker_bytes;
  };
  const std::size_t lying = charge(1, 31, 800), upright = charge(1, 800, 31);
  ASSERT_GT(lying, upright);
  EXPECT_EQ(charge(4, 800, 31), upright) << "flips alone";
  EXPECT_EQ(charge(8, 800, 31), lying);
}

}  // namespace
}  // namespace latentflow

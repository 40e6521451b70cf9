// inpaint_test.cpp: the node inpaint: known pixels keep their bits whatever the method; networks whose answer is known.
#include <gtest/gtest.h>

#include <limits>
#include <opencv2/core.hpp>

#include "holes/draw.h"
#include "holes/fill.h"
#include "inpaint/inpaint.h"
#include "inpaint/nonlocal.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "support/fake_context.h"
#include "support/pictures.h"
#include "support/temporary_folder.h"

namespace latentflow::inpaint {
namespace {

using test::same_pixels;
using test::soft_picture;

class FileServices final : public Services {
 public:
  Result<std::shared_ptr<const void>> shared(
      const std::string&, const std::function<Result<std::shared_ptr<const void>>()>& make) override {
    return make();
  }
  Result<Path> find_model(const std::string& name) const override {
    if (std::filesystem::exists(name)) return Path(name);
    return not_found("there is no model '" + name + "'");
  }
  int threads() const override { return 2; }
};

class InpaintTest : public testing::Test {
 protected:
  /// One convolution over the picture and the mask (its last channel): weights[to][from], the same at all `side` x
  /// `side` places, or, `upwards`, at the place above the middle of 3x3 alone.
  std::string model(const std::vector<std::vector<float>>& weights, std::int64_t side = 1,
                    const std::string& task = "inpaint", std::int64_t multiple = 8, bool upwards = false) {
    const auto planes = static_cast<std::int64_t>(weights.size());
    nn::Graph graph;
    const auto image = graph.add_input("image", {-1, planes, -1, -1}), mask = graph.add_input("mask", {-1, 1, -1, -1});
    const auto both = graph.add_node(nn::Op::concat, "both", {image, mask}, nn::ConcatAttributes{1});
    nn::ConvAttributes attributes;
    attributes.kernel = {side, side}, attributes.pads = {side / 2, side / 2, side / 2, side / 2};
    Tensor values({planes, planes + 1, side, side});
    float* value = values.mutable_data();
    for (const std::vector<float>& row : weights)
      for (const float one : row) {
        std::fill_n(value, side * side, upwards ? 0.0f : one / static_cast<float>(side * side));
        if (upwards) value[1] = one;
        value += side * side;
      }
    graph.outputs = {graph.add_node(nn::Op::conv, "filled", {both, graph.add_constant("weights", values)}, attributes)};
    nn::ModelCard card;
    card.task = task, card.color = planes == 3 ? "rgb" : "gray", card.image_input = "image", card.multiple = multiple;
    nn::write_card(graph, card);
    const std::string file = (folder_.path() / ("model" + std::to_string(models_++) + ".onnx")).string();
    const Status saved = nn::save_onnx(graph, file);
    EXPECT_TRUE(saved.ok()) << (saved.ok() ? "" : saved.error().message);
    return file;
  }
  /// Holes become red 0.2, green 0.4, blue 0.6, whatever the picture.
  std::string paint() { return model({{0, 0, 0, 0.2f}, {0, 0, 0, 0.4f}, {0, 0, 0, 0.6f}}); }
  std::string identity() { return model({{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}); }
  std::string blur() { return model({{0.8f, 0.1f, 0, 0.1f}, {0, 0.9f, 0, 0.2f}, {0, 0.2f, 0.7f, 0}}, 9); }

  Result<Image> fill(const Inpaint::Params& params, const cv::Mat& picture, const cv::Mat& mask) {
    context_.measured.clear();
    const Result<std::unique_ptr<Inpaint>> node = Inpaint::create(params, services_);
    if (!node) return node.error();
    return (*node)->process(Image(picture), Image(mask), context_);
  }
  cv::Mat filled(const Inpaint::Params& params, const cv::Mat& picture, const cv::Mat& mask) {
    const Result<Image> result = fill(params, picture, mask);
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? result->mat() : cv::Mat(picture.size(), picture.type());
  }
  static Inpaint::Params network(const std::string& file, std::int64_t tile = 0) {
    return {.method = "network", .model = file, .tile = tile, .nonlocal = 0};
  }

  /// The file for the network alone: the other methods have none.
  static Inpaint::Params by(const std::string& method, const std::string& file) {
    Inpaint::Params params{.method = method};
    if (method == "network") params.model = file;
    return params;
  }

  test::TemporaryFolder folder_;
  FileServices services_;
  test::FakeContext context_;
  int models_ = 0;
};

TEST_F(InpaintTest, KnownPixelsAndAlphaKeepTheirBitsInEveryDepthByEveryMethod) {
  const cv::Mat mask = holes::draw_mask({61, 47}, {holes::MaskKind::thin, {}}, 4);
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3, CV_16UC4, CV_32FC1, CV_32FC3, CV_32FC4}) {
    const cv::Mat picture = soft_picture(61, 47, type);
    for (const char* method : {"smooth", "telea", "navier_stokes", "network"}) {
      cv::Mat result = filled(by(method, paint()), picture, mask);
      ASSERT_EQ(result.type(), type) << method;
      EXPECT_FALSE(same_pixels(result, picture)) << method << " " << type;
      if (picture.channels() == 4) {
        cv::Mat before, after;
        cv::extractChannel(picture, before, 3), cv::extractChannel(result, after, 3);
        EXPECT_TRUE(same_pixels(before, after)) << method << " " << type;
      }
      picture.copyTo(result, mask);
      EXPECT_TRUE(same_pixels(result, picture)) << method << " " << type;
    }
  }
}

TEST_F(InpaintTest, FillsAConstantWithItselfByEveryMethodWithoutANetwork) {
  const cv::Mat mask = holes::draw_mask({40, 40}, {holes::MaskKind::box, {12, 12}, true}, 4);
  // OpenCV's Telea is off by up to two steps of the sample type.
  for (const auto& [type, level, most] :
       {std::tuple{CV_8UC3, 90.0, 2.0}, {CV_16UC3, 30000.0, 2.0}, {CV_32FC1, 0.25, 1e-4}}) {
    const cv::Mat picture(40, 40, type, cv::Scalar::all(level));
    cv::Mat damaged = picture.clone();
    damaged.setTo(cv::Scalar::all(0), mask);
    for (const char* method : {"smooth", "telea", "navier_stokes"})
      EXPECT_LE(cv::norm(filled({.method = method}, damaged, mask), picture, cv::NORM_INF), most) << method << type;
  }
}

TEST_F(InpaintTest, AnEnsembleAveragesWhatTheNetworkMakesOfEveryOrientation) {
  const std::string up = model({{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}, 3, "inpaint", 8, true);
  for (const auto& [type, width, height] :
       {std::tuple{CV_8UC1, 45, 30}, {CV_8UC3, 45, 30}, {CV_8UC3, 32, 32}, {CV_16UC4, 33, 33}, {CV_32FC3, 30, 45}}) {
    const cv::Mat picture = soft_picture(width, height, type), untouched = picture.clone();
    cv::Mat mask = cv::Mat::zeros(picture.size(), CV_8U);
    for (int y = 3; y < height - 3; y += 4)
      for (int x = 3; x < width - 3; x += 5) mask.at<std::uint8_t>(y, x) = 255;  // alone, so that neighbours are known
    const auto moved = [&](int x, int y) {
      cv::Mat result;
      picture(cv::Rect(1 + x, 1 + y, picture.cols - 2, picture.rows - 2)).convertTo(result, CV_64F);
      return result;
    };
    const cv::Mat above = moved(0, -1), below = moved(0, 1), left = moved(-1, 0), right = moved(1, 0);
    for (const auto& [ensemble, mean] : std::map<std::int64_t, cv::Mat>{
             {1, above}, {4, (above + below) / 2}, {8, (above + below + left + right) / 4}}) {
      const cv::Mat result =
          filled({.method = "network", .model = up, .tile = 16, .ensemble = ensemble, .nonlocal = 0}, picture, mask);
      cv::Mat expected = picture.clone(), inside;
      mean.convertTo(inside, picture.type());
      inside.copyTo(expected(cv::Rect(1, 1, mean.cols, mean.rows)), mask(cv::Rect(1, 1, mean.cols, mean.rows)));
      if (picture.channels() == 4) cv::mixChannels({picture}, {expected}, {3, 3});
      EXPECT_LE(cv::norm(result, expected, cv::NORM_INF), picture.depth() == CV_32F ? 1e-6 : 1) << ensemble << type;
      expected.copyTo(result, mask);
      EXPECT_TRUE(same_pixels(result, expected)) << ensemble << " " << type;
      EXPECT_TRUE(same_pixels(picture, untouched)) << ensemble << " " << type;
    }
  }
}

TEST_F(InpaintTest, SimilarPixelsCountAsMuchAsIsAskedFor) {
  const cv::Mat picture = soft_picture(60, 50, CV_8UC3), mask = holes::draw_mask({60, 50}, {holes::MaskKind::thin}, 1);
  Inpaint::Params params = network(blur());
  const cv::Mat by_network = filled(params, picture, mask);
  for (const double share : {0.3, 1.0}) {
    params.nonlocal = share;
    const cv::Mat moved = filled(params, picture, mask);
    EXPECT_TRUE(same_pixels(moved, move_to_similar_pixels(by_network, mask, share, [] { return false; }))) << share;
    EXPECT_FALSE(same_pixels(moved, by_network)) << share;
  }
  params.nonlocal = Inpaint::Params().nonlocal;
  EXPECT_FALSE(same_pixels(filled(params, picture, mask), by_network)) << "they count where nothing is said";
}

TEST_F(InpaintTest, TilesSeldomChangeWhichPixelsAreSimilar) {
  cv::Mat picture = soft_picture(210, 150, CV_8UC3), noise(picture.size(), CV_8UC3);
  cv::RNG(3).fill(noise, cv::RNG::UNIFORM, 0, 9);
  picture += noise;
  const cv::Mat mask = holes::draw_mask(picture.size(), {holes::MaskKind::random, {0.5, 0.5}}, 3);
  const std::string file = blur();
  Inpaint::Params params = network(file, 40), whole = network(file, 4096);
  params.nonlocal = whole.nonlocal = 1;
  const cv::Mat tiles = filled(params, picture, mask), at_once = filled(whole, picture, mask);
  cv::Mat differs;
  cv::absdiff(tiles, at_once, differs);
  EXPECT_LE(cv::countNonZero(differs.reshape(1)), static_cast<int>(differs.total() * 3 / 1000));
}

/// Is stopped as soon as the network has done its part.
class StopsAfterTheNetwork final : public Context {
 public:
  const ItemInfo& item() const override { return item_; }
  std::span<std::byte> scratch(std::size_t bytes) override { return scratch_.resize(bytes), std::span(scratch_); }
  void measure(std::string_view quantity, double) override { stopped_ = stopped_ || quantity == "tiles"; }
  void warn(std::string) override {}
  void set_metadata(Metadata) override {}
  bool cancelled() const override { return stopped_; }
  std::size_t worker_limit() const override { return no_limit; }
  Status admit(const Prediction&) override { return success(); }

 private:
  ItemInfo item_;
  std::vector<std::byte> scratch_;
  bool stopped_ = false;
};

TEST_F(InpaintTest, APictureThatIsStoppedWhilePixelsAreComparedIsNotDelivered) {
  const cv::Mat picture = soft_picture(60, 50, CV_8UC3), mask = holes::draw_mask({60, 50}, {holes::MaskKind::thin}, 1);
  const auto node = Inpaint::create({.method = "network", .model = blur()}, services_);
  ASSERT_TRUE(node);
  StopsAfterTheNetwork context;
  const Result<Image> stopped = (*node)->process(Image(picture), Image(mask), context);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::cancelled);
}

TEST_F(InpaintTest, WhatIsComparedIsForecast) {
  const Shapes small{{Kind::image, {16, 16, 3}, 1}, {Kind::image, {16, 16, 1}, 1}};
  Inpaint::Params params = network(blur());
  const auto charged = [&](double share) {
    params.nonlocal = share;
    const auto node = Inpaint::create(params, services_);
    EXPECT_TRUE(node);
    return (*node)->predict(small).working_bytes;
  };
  EXPECT_GE(charged(1), 16 * 16 * 3 + nonlocal_bytes());
  EXPECT_LT(charged(0), nonlocal_bytes());
}

TEST_F(InpaintTest, TheNetworksColoursReachTheHolesInTheirOrder) {
  const cv::Mat mask = holes::draw_mask({33, 21}, {holes::MaskKind::random, {0.3, 0.3}}, 1);
  for (const auto& [type, white] : {std::pair{CV_8UC3, 255.0}, {CV_16UC4, 65535.0}, {CV_32FC3, 1.0}}) {
    const cv::Mat picture = soft_picture(33, 21, type);
    cv::Mat expected = picture.clone(), painted = picture.clone();
    cv::Mat(picture.size(), CV_MAKETYPE(CV_32F, picture.channels()), cv::Scalar(0.6, 0.4, 0.2, 0))
        .convertTo(painted, picture.depth(), white);
    if (picture.channels() == 4) cv::mixChannels({picture}, {painted}, {3, 3});
    painted.copyTo(expected, mask);
    EXPECT_LE(cv::norm(filled(network(paint()), picture, mask), expected, cv::NORM_INF), white == 1 ? 1e-6 : 1) << type;
  }
}

TEST_F(InpaintTest, TheNetworkStartsFromTheSmoothFilling) {
  const cv::Mat picture = soft_picture(50, 37, CV_8UC3),
                mask = holes::draw_mask({50, 37}, {holes::MaskKind::thin, {}}, 9);
  cv::Mat damaged = picture.clone();
  damaged.setTo(cv::Scalar(255, 0, 255), mask);  // what is under the mask plays no part
  EXPECT_TRUE(same_pixels(filled(network(identity()), damaged, mask), holes::fill_smoothly(picture, mask)));
  EXPECT_TRUE(same_pixels(filled({.method = "smooth"}, damaged, mask), holes::fill_smoothly(picture, mask)));
}

TEST_F(InpaintTest, GreyStaysGreyThroughAColourNetworkAndColoursPassAGreyOne) {
  const cv::Mat mask = holes::draw_mask({30, 30}, {holes::MaskKind::box, {9, 9}, true}, 1);
  const cv::Mat grey = soft_picture(30, 30, CV_8UC1), painted = filled(network(paint()), grey, mask);
  ASSERT_EQ(painted.type(), CV_8UC1);
  EXPECT_NEAR(painted.at<unsigned char>(15, 15), 0.4 * 255, 1);  // the mean of the three
  const cv::Mat colour = soft_picture(30, 30, CV_8UC3), flat = filled(network(model({{0, 0.2f}})), colour, mask);
  EXPECT_EQ(flat.at<cv::Vec3b>(15, 15), cv::Vec3b(51, 51, 51));
  const cv::Mat same = filled(network(model({{1, 0}})), colour, mask);
  EXPECT_TRUE(same_pixels(same, holes::fill_smoothly(colour, mask)));
}

TEST_F(InpaintTest, TilesGiveTheSameFloatsAsTheWholePictureAndOnlyThoseWithHolesAreComputed) {
  const cv::Mat picture = soft_picture(210, 150, CV_32FC3);
  cv::Mat mask = holes::draw_mask({210, 150}, {holes::MaskKind::random, {0.5, 0.5}}, 3);
  const std::string file = blur();
  const cv::Mat whole = filled(network(file, 4096), picture, mask);
  EXPECT_EQ(context_.measured["tiles"], 1);
  EXPECT_LE(cv::norm(filled(network(file, 40), picture, mask), whole, cv::NORM_INF), 1e-6);
  const double all = context_.measured["tiles"];
  EXPECT_GT(all, 20);
  mask.setTo(0);
  mask.at<unsigned char>(75, 100) = 255;
  const cv::Mat one = filled(network(file, 40), picture, mask);
  EXPECT_EQ(context_.measured["tiles"], 1);
  EXPECT_LE(cv::norm(one, filled(network(file, 4096), picture, mask), cv::NORM_INF), 1e-6);
}

TEST_F(InpaintTest, AnEmptyMaskPassesThePictureUnchangedAndAFullOneFails) {
  const cv::Mat picture = soft_picture(20, 10, CV_8UC3);
  for (const char* method : {"smooth", "telea", "navier_stokes", "network"}) {
    const Inpaint::Params params = by(method, paint());
    EXPECT_EQ(filled(params, picture, cv::Mat::zeros(10, 20, CV_8UC1)).data, picture.data) << method;
    EXPECT_EQ(filled(params, picture, cv::Mat::zeros(1, 1, CV_8UC1)).data, picture.data) << method;
    const Result<Image> full = fill(params, picture, cv::Mat(10, 20, CV_8UC1, cv::Scalar(255)));
    ASSERT_FALSE(full) << method;
    EXPECT_EQ(full.error().code, Code::bad_input);
    EXPECT_NE(full.error().message.find("covers the whole picture"), std::string::npos);
    EXPECT_NE(full.error().message.find("invert: true in read_masks (latentflow inpaint --invert)"), std::string::npos);
  }
}

TEST_F(InpaintTest, ASingleMissingPixelIsFilledWhereverItIs) {
  const cv::Mat picture(30, 40, CV_8UC3, cv::Scalar(80, 90, 100));
  for (const cv::Point at : {cv::Point(17, 11), cv::Point(0, 0), cv::Point(39, 29), cv::Point(0, 20)})
    for (const char* method : {"smooth", "telea", "navier_stokes", "network"}) {
      cv::Mat mask = cv::Mat::zeros(picture.size(), CV_8UC1), damaged = picture.clone();
      mask.at<unsigned char>(at) = 255, damaged.at<cv::Vec3b>(at) = {255, 0, 255};
      const cv::Mat result = filled(by(method, identity()), damaged, mask);
      EXPECT_LE(cv::norm(result, picture, cv::NORM_INF), 2) << method << at;
      EXPECT_EQ(context_.measured["missing_pixels"], 1) << method << at;
    }
}

TEST_F(InpaintTest, WhatIsUnderTheMaskPlaysNoPartEvenIfItIsNoNumber) {
  const cv::Mat mask = holes::draw_mask({40, 30}, {holes::MaskKind::thin, {}}, 2);
  for (const int type : {CV_8UC3, CV_32FC3}) {
    const cv::Mat picture = soft_picture(40, 30, type);
    cv::Mat other = picture.clone();
    other.setTo(cv::Scalar::all(type == CV_8UC3 ? 200 : std::numeric_limits<double>::quiet_NaN()), mask);
    for (const char* method : {"smooth", "telea", "navier_stokes", "network"}) {
      const Inpaint::Params params = by(method, identity());
      EXPECT_TRUE(same_pixels(filled(params, picture, mask), filled(params, other, mask))) << method << " " << type;
    }
  }
}

TEST_F(InpaintTest, FailsWhereAKnownSampleIsNoNumber) {
  cv::Mat picture = soft_picture(20, 10, CV_32FC3), mask = cv::Mat::zeros(10, 20, CV_8UC1);
  mask.at<unsigned char>(1, 1) = 255;
  picture.at<cv::Vec3f>(4, 7)[1] = std::numeric_limits<float>::quiet_NaN();
  for (const char* method : {"smooth", "telea", "navier_stokes", "network"}) {
    const Result<Image> result = fill(by(method, identity()), picture, mask);
    ASSERT_FALSE(result) << method;
    EXPECT_NE(result.error().message.find("not a number at x 7, y 4"), std::string::npos) << result.error().message;
  }
}

TEST_F(InpaintTest, SaysWhatIsWrongWithAMask) {
  const cv::Mat picture = soft_picture(20, 10, CV_8UC3);
  const auto message = [&](const cv::Mat& mask) {
    const Result<Image> result = fill({.method = "smooth"}, picture, mask);
    return result ? "" : result.error().message;
  };
  EXPECT_NE(message(cv::Mat::zeros(9, 20, CV_8UC1)).find("mask is 20x9, the picture is 20x10"), std::string::npos);
  EXPECT_NE(message(cv::Mat(10, 20, CV_8UC1, cv::Scalar(7))).find("200 pixels that are neither black nor white"),
            std::string::npos);
  cv::Mat half = cv::Mat::zeros(5, 10, CV_8UC1);
  half.at<unsigned char>(2, 3) = 255;
  cv::Mat expected = cv::Mat::zeros(10, 20, CV_8UC1);
  expected(cv::Rect(6, 4, 2, 2)).setTo(255);
  EXPECT_TRUE(same_pixels(filled({.method = "smooth", .fit = "nearest"}, picture, half),
                          holes::fill_smoothly(picture, expected)));
}

TEST_F(InpaintTest, RefusesModelsOfAnotherTaskOrFormWhenItIsBuilt) {
  const auto message = [&](const std::string& file) {
    const auto node = Inpaint::create(network(file), services_);
    return node ? "" : node.error().message;
  };
  EXPECT_NE(message(model({{1, 0}}, 1, "denoise")).find("is a model for the task 'denoise', needs one for 'inpaint'"),
            std::string::npos);
  EXPECT_NE(message("nowhere.onnx").find("method: smooth (--method smooth) needs no model"), std::string::npos);
  nn::Graph graph;
  const auto image = graph.add_input("image", {-1, 3, -1, -1});
  graph.outputs = {graph.add_node(nn::Op::relu, "y", {image})};
  const std::string single = (folder_.path() / "single.onnx").string();
  ASSERT_TRUE(nn::save_onnx(graph, single).ok());
  EXPECT_NE(message(single).find("has 1 inputs"), std::string::npos) << message(single);
}

TEST_F(InpaintTest, RefusesWhatTheMethodHasNoUseFor) {
  const auto message = [&](const Inpaint::Params& params) {
    const auto node = Inpaint::create(params, services_);
    return node ? "" : node.error().message;
  };
  EXPECT_EQ(message({.method = "telea", .model = "nowhere.onnx"}), "model is for the method network; method is telea");
  EXPECT_EQ(message({.method = "telea", .nonlocal = 0.5}), "nonlocal is for the method network; method is telea");
  EXPECT_EQ(message({.method = "smooth", .ensemble = 8}), "ensemble is for the method network; method is smooth");
  EXPECT_EQ(message({.method = "smooth", .tile = 64}), "tile is for the method network; method is smooth");
  EXPECT_EQ(message({.method = "navier_stokes", .precision = "f32"}),
            "precision is for the method network; method is navier_stokes");
  EXPECT_EQ(message({.method = "smooth", .radius = 5}),
            "radius is for the methods telea and navier_stokes; method is smooth");
  EXPECT_EQ(message({.method = "telea", .radius = 5}), "");
  EXPECT_EQ(message({.method = "smooth"}), "");
}

TEST_F(InpaintTest, HandlesPicturesOfOneRow) {
  const cv::Mat picture = soft_picture(30, 1, CV_8UC3);
  cv::Mat mask = cv::Mat::zeros(1, 30, CV_8UC1);
  mask.colRange(10, 14).setTo(255);
  for (const char* method : {"smooth", "telea", "navier_stokes", "network"})
    EXPECT_EQ(filled(by(method, identity()), picture, mask).size(), picture.size()) << method;
}

}  // namespace
}  // namespace latentflow::inpaint

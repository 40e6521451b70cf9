// denoise_test.cpp: the node denoise with networks so simple that the right answer is known, down to what they are told
// about noise.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <opencv2/core.hpp>

#include "denoise/denoise.h"
#include "nn/model_card.h"
#include "nn/onnx_export.h"
#include "support/fake_context.h"
#include "support/file_services.h"
#include "support/temporary_folder.h"

namespace latentflow::denoise {
namespace {

class DenoiseTest : public testing::Test {
 protected:
  /// clean = image - sigma, three channels: shows which level reached which pixel.
  std::string subtracting_model(float noise_max = 55) {
    nn::Graph graph;
    const auto image = graph.add_input("image", {-1, 3, -1, -1});
    const auto sigma = graph.add_input("sigma", {-1, 1, -1, -1});
    graph.outputs = {graph.add_node(nn::Op::sub, "clean", {image, sigma})};
    nn::ModelCard card;
    card.task = "denoise", card.color = "rgb", card.image_input = "image", card.noise_input = "sigma";
    card.noise_min = 0.0f, card.noise_max = noise_max, card.multiple = 8;
    return save(graph, card);
  }

  /// A 3x3 box mean over every channel by itself; no level.
  std::string blurring_model() {
    nn::Graph graph;
    const auto image = graph.add_input("image", {-1, 1, -1, -1});
    nn::ConvAttributes attributes;
    attributes.kernel = {3, 3}, attributes.pads = {1, 1, 1, 1};
    const auto weights = graph.add_constant("weights", Tensor::filled({1, 1, 3, 3}, 1.0f / 9));
    graph.outputs = {graph.add_node(nn::Op::conv, "clean", {image, weights}, attributes)};
    nn::ModelCard card;
    card.task = "denoise", card.color = "gray", card.image_input = "image";
    return save(graph, card);
  }

  /// Every pixel becomes the one above it.
  std::string looking_up_model() {
    nn::Graph graph;
    const auto image = graph.add_input("image", {-1, 1, -1, -1});
    nn::ConvAttributes attributes;
    attributes.kernel = {3, 3}, attributes.pads = {1, 1, 1, 1};
    Tensor filter = Tensor::filled({1, 1, 3, 3}, 0);
    filter.mutable_data()[1] = 1;
    const auto weights = graph.add_constant("weights", filter);
    graph.outputs = {graph.add_node(nn::Op::conv, "clean", {image, weights}, attributes)};
    nn::ModelCard card;
    card.task = "denoise", card.color = "gray", card.image_input = "image";
    return save(graph, card);
  }

  std::string save(nn::Graph& graph, const nn::ModelCard& card) {
    nn::write_card(graph, card);
    const std::string file = (folder_.path() / "model.onnx").string();
    const Status saved = nn::save_onnx(graph, file);
    EXPECT_TRUE(saved.ok()) << (saved.ok() ? "" : saved.error().message);
    return file;
  }

  cv::Mat run(const Denoise::Params& params, const cv::Mat& picture, const Image* map = nullptr) {
    Result<std::unique_ptr<Denoise>> node = Denoise::create(params, services_);
    EXPECT_TRUE(node.ok()) << (node.ok() ? "" : node.error().message);
    if (!node) return {};
    const Result<Image> clean = (*node)->process(Image(picture), map, context_);
    EXPECT_TRUE(clean.ok()) << (clean.ok() ? "" : clean.error().message);
    return clean ? clean->mat() : cv::Mat();
  }

  static cv::Mat noise_picture(int type, int rows = 37, int columns = 53) {
    cv::Mat picture(rows, columns, type);
    cv::RNG random(5);
    random.fill(picture, cv::RNG::UNIFORM, 60, CV_MAT_DEPTH(type) == CV_16U ? 60000 : 200);
    return picture;
  }

  test::TemporaryFolder folder_;
  test::FileServices services_{2};
  test::FakeContext context_;
};

double largest_difference(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF); }

TEST_F(DenoiseTest, GivesTheLevelToEveryPixelOfPicturesOfAnySize) {
  const cv::Mat picture = noise_picture(CV_8UC3);
  const cv::Mat clean = run({subtracting_model(), {10.0}, 1, 0}, picture);
  EXPECT_EQ(largest_difference(clean, picture - cv::Scalar::all(10)), 0);
}

TEST_F(DenoiseTest, KeepsSixteenBitsAndAlpha) {
  const cv::Mat deep = noise_picture(CV_16UC4);
  const cv::Mat clean = run({subtracting_model(), {10.0}, 1, 0}, deep);
  const double level = 10.0 / 255 * 65535;
  EXPECT_LE(largest_difference(clean, deep - cv::Scalar(level, level, level, 0)), 1);
  cv::Mat before, after;
  cv::extractChannel(deep, before, 3), cv::extractChannel(clean, after, 3);
  EXPECT_EQ(largest_difference(before, after), 0);
}

TEST_F(DenoiseTest, StrengthBlendsBetweenPictureAndResult) {
  const cv::Mat picture = noise_picture(CV_8UC3);
  const std::string model = subtracting_model();
  EXPECT_EQ(largest_difference(run({model, {20.0}, 0, 0}, picture), picture), 0);
  EXPECT_EQ(largest_difference(run({model, {20.0}, 0.5, 0}, picture), picture - cv::Scalar::all(10)), 0);
}

TEST_F(DenoiseTest, GreyThroughAColourNetworkStaysGreyAndGetsTheLuminanceLevel) {
  const cv::Mat grey = noise_picture(CV_8UC1);
  const cv::Mat clean = run({subtracting_model(), {10.0}, 1, 0}, grey);
  ASSERT_EQ(clean.type(), CV_8UC1);
  EXPECT_LE(largest_difference(clean, grey - cv::Scalar(10 * std::sqrt(3.0))), 1);
}

TEST_F(DenoiseTest, AGreyNetworkCleansEveryColourChannelByItself) {
  const cv::Mat picture = noise_picture(CV_8UC3);
  const std::string model = blurring_model();
  const cv::Mat clean = run({model, {}, 1, 0}, picture);
  for (int channel = 0; channel < 3; ++channel) {
    cv::Mat before, after;
    cv::extractChannel(picture, before, channel), cv::extractChannel(clean, after, channel);
    EXPECT_EQ(largest_difference(run({model, {}, 1, 0}, before), after), 0) << "channel " << channel;
  }
  EXPECT_GT(largest_difference(clean, picture), 0);
}

TEST_F(DenoiseTest, TilesGiveTheSameFloatsAsTheWholePicture) {
  cv::Mat picture;
  noise_picture(CV_8UC3, 150, 210).convertTo(picture, CV_32F, 1 / 255.0);
  const std::string model = blurring_model();
  EXPECT_LE(largest_difference(run({model, {}, 1, 32}, picture), run({model, {}, 1, 4096}, picture)), 1e-6);
}

TEST_F(DenoiseTest, AnEnsembleOfASymmetricNetworkChangesNothing) {
  const cv::Mat picture = noise_picture(CV_16UC4);
  cv::Mat map(picture.size(), CV_8UC1);
  for (int x = 0; x < map.cols; ++x) map.col(x).setTo(x % 40);
  const Image level(map);
  const std::string model = subtracting_model();
  const cv::Mat single = run({model, {}, 0.5, 0}, picture, &level);
  for (const std::int64_t ensemble : {2, 4, 8})
    EXPECT_LE(largest_difference(run({model, {}, 0.5, 32, ensemble}, picture, &level), single), 1) << ensemble;
}

TEST_F(DenoiseTest, AnEnsembleAveragesOverFlipsAndRotations) {
  const std::string model = looking_up_model();
  for (const cv::Mat& picture : {noise_picture(CV_8UC1), noise_picture(CV_8UC1, 40, 40)}) {
    const cv::Mat untouched = picture.clone();
    const auto moved = [&](int x, int y) {
      cv::Mat result;
      picture(cv::Rect(1 + x, 1 + y, picture.cols - 2, picture.rows - 2)).convertTo(result, CV_32F);
      return result;
    };
    const cv::Mat up = moved(0, -1), down = moved(0, 1), left = moved(-1, 0), right = moved(1, 0);
    const std::map<std::int64_t, cv::Mat> wanted{
        {1, up}, {2, up}, {4, (up + down) / 2}, {8, (up + down + left + right) / 4}};
    for (const auto& [ensemble, mean] : wanted) {
      cv::Mat inside;
      run({model, {}, 1, 16, ensemble}, picture)(cv::Rect(1, 1, mean.cols, mean.rows)).convertTo(inside, CV_32F);
      EXPECT_LE(largest_difference(inside, mean), 0.51) << ensemble;
      EXPECT_EQ(largest_difference(picture, untouched), 0) << ensemble;
    }
  }
}

/// Models by name in a folder, and loaded ones kept by key, as a host does.
class ZooServices final : public Services {
 public:
  explicit ZooServices(Path folder) : folder_(std::move(folder)) {}
  Result<std::shared_ptr<const void>> shared(
      const std::string& key, const std::function<Result<std::shared_ptr<const void>>()>& make) override {
    if (const auto known = kept_.find(key); known != kept_.end()) return known->second;
    Result<std::shared_ptr<const void>> made = make();
    if (made) kept_[key] = *made;
    return made;
  }
  Result<Path> find_model(const std::string& name) const override {
    const Path file = folder_ / (name + ".onnx");
    if (std::filesystem::exists(file)) return file;
    return not_found("there is no model '" + name + "'");
  }
  int threads() const override { return 1; }

 private:
  const Path folder_;
  std::map<std::string, std::shared_ptr<const void>> kept_;
};

TEST_F(DenoiseTest, QualityFastTakesTheSmallerTwinOfTheZoo) {
  ZooServices zoo(folder_.path());
  subtracting_model();  // model.onnx
  Denoise::Params params;
  params.model = "model", params.quality = "fast";
  const auto missing = Denoise::create(params, zoo);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message,
            "quality: fast needs the model 'model_fast': there is no model 'model_fast'; quality: best takes 'model'");
  std::filesystem::copy(folder_.path() / "model.onnx", folder_.path() / "model_fast.onnx");
  EXPECT_TRUE(Denoise::create(params, zoo).ok());
  params.model = "./model.onnx";
  const auto file = Denoise::create(params, zoo);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("model './model.onnx' is a file"), std::string::npos) << file.error().message;
}

TEST_F(DenoiseTest, GreyPicturesTakeTheGreyTwinOfTheZoo) {
  ZooServices zoo(folder_.path());
  subtracting_model();  // model.onnx
  std::filesystem::rename(folder_.path() / "model.onnx", folder_.path() / "model_color.onnx");
  Denoise::Params params;
  params.model = "model_color", params.sigma = {20.0};
  const auto clean = [&](int type) {
    const auto node = Denoise::create(params, zoo);
    EXPECT_TRUE(node.ok()) << node.error().message;
    const cv::Mat picture = noise_picture(type);
    return largest_difference((*node)->process(Image(picture), nullptr, context_)->mat(), picture);
  };
  EXPECT_GT(clean(CV_8UC1), 15);
  looking_up_model();  // model.onnx, for grey pictures and without levels: something else than the other
  std::filesystem::rename(folder_.path() / "model.onnx", folder_.path() / "model_gray.onnx");
  const auto node = Denoise::create(params, zoo);
  ASSERT_TRUE(node.ok()) << node.error().message;
  EXPECT_TRUE((*(*node)->denoiser_for(3))->wants_level());
  EXPECT_FALSE((*(*node)->denoiser_for(1))->wants_level());
  const cv::Mat picture = noise_picture(CV_8UC1);
  const cv::Mat up = (*node)->process(Image(picture), nullptr, context_)->mat();
  EXPECT_EQ(largest_difference(up.rowRange(1, up.rows), picture.rowRange(0, picture.rows - 1)), 0);
  EXPECT_NEAR(clean(CV_8UC3), 20, 1);

  // What stands in memory is told apart, and the twin comes with its file.
  const auto shared = [&](std::int64_t channels) {
    return (*node)->predict({{Kind::image, {37, 53, channels}, 1}, {Kind::image, {}, 1}}).shared;
  };
  EXPECT_TRUE(shared(3).empty()) << "a difference has no weights";
  const auto of_grey = shared(1);
  ASSERT_FALSE(of_grey.empty());
  EXPECT_EQ(of_grey.back().owner, (*(*node)->denoiser_for(1)).get());
  EXPECT_GT(of_grey.back().bytes, 0u);
}

TEST_F(DenoiseTest, AModelFileThatChangedIsReadAgain) {
  ZooServices zoo(folder_.path());
  const auto load = [&] {
    const auto file = DenoiserFile::find("model", nn::Precision::automatic, zoo);
    return file.ok() ? (*file)->denoiser().value() : nullptr;
  };
  subtracting_model();
  const auto first = load();
  EXPECT_EQ(load(), first);
  blurring_model();
  EXPECT_FALSE(load()->wants_level());
}

TEST_F(DenoiseTest, EveryPrecisionIsAModelOfItsOwn) {
  ZooServices zoo(folder_.path());
  subtracting_model();
  const auto either = DenoiserFile::find("model", nn::Precision::automatic, zoo);
  const auto floats = DenoiserFile::find("model", nn::Precision::f32, zoo);
  ASSERT_TRUE(either.ok() && floats.ok());
  EXPECT_NE(*either, *floats);
  Denoise::Params params;
  params.model = "model", params.precision = "int8";
  const auto refused = Denoise::create(params, zoo);  // though it is loaded already in another one
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("has no quantized layer"), std::string::npos) << refused.error().message;
}

TEST_F(DenoiseTest, AMapReplacesTheLevelPixelByPixel) {
  const cv::Mat picture = noise_picture(CV_8UC3);
  cv::Mat map(picture.size(), CV_8UC1);
  for (int x = 0; x < map.cols; ++x) map.col(x).setTo(x % 40);
  const Image level(map);
  const cv::Mat clean = run({subtracting_model(), {5.0}, 1, 0}, picture, &level);
  cv::Mat wanted;
  cv::merge(std::vector<cv::Mat>{map, map, map}, wanted);
  EXPECT_EQ(largest_difference(clean, picture - wanted), 0);
}

TEST_F(DenoiseTest, ClampsALevelOutsideTheTrainedRangeAndSaysSo) {
  const cv::Mat picture = noise_picture(CV_8UC3);
  const cv::Mat clean = run({subtracting_model(30), {90.0}, 1, 0}, picture);
  EXPECT_EQ(largest_difference(clean, picture - cv::Scalar::all(30)), 0);
  ASSERT_EQ(context_.warnings.size(), 1u);
  EXPECT_NE(context_.warnings[0].find("90.0 is outside 0 to 30"), std::string::npos) << context_.warnings[0];
}

TEST_F(DenoiseTest, AMapWithLevelsOutsideTheTrainedRangeIsClampedAndSaysSo) {
  const cv::Mat picture = noise_picture(CV_8UC3);
  cv::Mat map(picture.size(), CV_32FC1, cv::Scalar(10.0 / 255));
  map.at<float>(3, 4) = 90.0f / 255;
  const Image level(map);
  const cv::Mat clean = run({subtracting_model(30), {}, 1, 0}, picture, &level);
  cv::Mat wanted = picture - cv::Scalar::all(10);
  wanted.at<cv::Vec3b>(3, 4) = picture.at<cv::Vec3b>(3, 4) - cv::Vec3b::all(30);
  EXPECT_LE(largest_difference(clean, wanted), 1);
  ASSERT_EQ(context_.warnings.size(), 1u);
  EXPECT_NE(context_.warnings[0].find("90.0 is outside 0 to 30"), std::string::npos) << context_.warnings[0];
}

TEST_F(DenoiseTest, RefusesMapsThatHoldNoLevels) {
  const cv::Mat picture = noise_picture(CV_8UC3);
  const auto node = Denoise::create({.model = subtracting_model()}, services_);
  for (const float wrong : {NAN, -0.1f, 20.0f}) {
    cv::Mat map(picture.size(), CV_32FC1, cv::Scalar(0.1));
    map.at<float>(2, 3) = wrong;
    const Image level(map);
    const Result<Image> clean = node.value()->process(Image(picture), &level, context_);
    ASSERT_FALSE(clean.ok()) << wrong;
    EXPECT_EQ(clean.error().code, Code::bad_input);
    EXPECT_NE(clean.error().message.find("sigma_map"), std::string::npos) << clean.error().message;
  }
}

TEST_F(DenoiseTest, AGreyPictureInAColourFileIsCleanedAsTheGreyPictureItIs) {
  const cv::Mat grey = noise_picture(CV_16UC1);
  cv::Mat alpha(grey.size(), CV_16UC1), colour;
  cv::randu(alpha, 0, 60000);
  cv::merge(std::vector<cv::Mat>{grey, grey, grey, alpha}, colour);
  const std::string model = subtracting_model();
  const cv::Mat wanted = run({model, {10.0}, 1, 0}, grey), clean = run({model, {10.0}, 1, 0}, colour);
  ASSERT_EQ(clean.type(), CV_16UC4);
  cv::Mat plane;
  for (int channel = 0; channel < 4; ++channel) {
    cv::extractChannel(clean, plane, channel);
    EXPECT_EQ(largest_difference(plane, channel < 3 ? wanted : alpha), 0) << "channel " << channel;
  }
}

TEST_F(DenoiseTest, SaysThatAPictureIsTooSmallForAnEstimate) {
  const cv::Mat small = noise_picture(CV_8UC3, 12, 12);
  EXPECT_EQ(largest_difference(run({subtracting_model(), {}, 1, 0}, small), small), 0);
  ASSERT_EQ(context_.warnings.size(), 1u);
  EXPECT_NE(context_.warnings[0].find("12x12 pixels are too few"), std::string::npos) << context_.warnings[0];
}

TEST_F(DenoiseTest, FailsPicturesForWhichTheNetworkGivesNoNumbers) {
  nn::Graph graph;
  const auto image = graph.add_input("image", {-1, 3, -1, -1});
  const auto huge = graph.add_constant("huge", Tensor::filled({1}, 3e38f));
  graph.outputs = {graph.add_node(nn::Op::mul, "b", {graph.add_node(nn::Op::mul, "a", {image, huge}), huge})};
  nn::ModelCard card;
  card.task = "denoise", card.color = "rgb", card.image_input = "image";
  const auto node = Denoise::create({.model = save(graph, card)}, services_);
  ASSERT_TRUE(node.ok()) << node.error().message;
  const Result<Image> clean = node.value()->process(Image(noise_picture(CV_8UC3)), nullptr, context_);
  ASSERT_FALSE(clean.ok());
  EXPECT_NE(clean.error().message.find("gives infinity for this picture"), std::string::npos) << clean.error().message;
}

TEST_F(DenoiseTest, HandlesASinglePixel) {
  const cv::Mat pixel(1, 1, CV_8UC3, cv::Scalar(100, 110, 120));
  EXPECT_EQ(largest_difference(run({subtracting_model(), {10.0}, 1, 0}, pixel), pixel - cv::Scalar::all(10)), 0);
}

TEST_F(DenoiseTest, FailsPicturesWithASampleThatIsNoNumber) {
  cv::Mat picture(10, 20, CV_32FC3, cv::Scalar::all(0.5));
  picture.at<cv::Vec3f>(4, 7)[1] = -INFINITY;
  const auto node = Denoise::create({.model = subtracting_model()}, services_);
  EXPECT_EQ(node.value()->process(Image(picture), nullptr, context_).error().code, Code::bad_input);
}

TEST_F(DenoiseTest, RefusesAModelOfAnotherTaskByName) {
  nn::Graph graph;
  const auto image = graph.add_input("image", {-1, 3, -1, -1});
  graph.outputs = {graph.add_node(nn::Op::relu, "y", {image})};
  nn::ModelCard card;
  card.task = "inpaint", card.color = "rgb", card.image_input = "image";
  const auto node = Denoise::create({save(graph, card), {}, 1, 0}, services_);
  ASSERT_FALSE(node.ok());
  EXPECT_NE(node.error().message.find("the task 'inpaint', needs one for 'denoise'"), std::string::npos)
      << node.error().message;
}

}  // namespace
}  // namespace latentflow::denoise
